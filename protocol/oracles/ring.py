"""The geometric mean as a pool's own ring gives it: whole ticks, whole seconds, few rows, and how deep the pool was (Uniswap V3).

As `GeometricTwap`, but of what the contract keeps: a tick is a ten-thousandth of the price at genesis up or down, rounded down; the
ring holds `rows` observations, one a second at most, and where it does not reach back for `window` seconds there is no index. The
harmonic mean of the pool's depth comes with it: below `depth`, the mean is not sure enough to be used (Uniswap's
`OracleLibrary.consult` hands it out for that). Before genesis the price counts as having stood, in a deep pool.
Attack surface: as of the mean; besides, a ring too short for its window says nothing, and whoever takes liquidity out for a
while halts what reads it. A world is refused where the ring cannot reach back at its chain's shortest block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from protocol.oracles.base import Oracle, Reading, Status, resolve
from protocol.oracles.observations import Ring, mean_liquidity, mean_tick, opened, seen, written
from protocol.settings import refuse
from protocol.state import Listing, State
from protocol.units import WholeSeconds

TICK = math.log(1.0001)
DEEP = 10**15  # cash coins: more than there is
SLACK = 1e-9  # of a tick: what a mid may miss its tick by
ABOUT = 0.01  # depth is what moves the mid by so much, relative


class Kept(NamedTuple):
    """What the oracle remembers."""

    ring: Ring
    tick: int  # that has stood since the last sealed block
    depth: int  # cash coins, since then
    time: float  # of that block, seconds
    start: float  # cash coins per base coin at tick 0


@dataclass(frozen=True)
class RingTwap(Oracle):
    """Over `window` whole seconds of the mid of `source` ('' is its own market); `depth` in cash coins, for a move of 1 %."""

    source: str = ""
    window: WholeSeconds = 600
    rows: int = 720
    depth: float = 0.0

    def __post_init__(self) -> None:
        """Refuse windows, rings and depths that are none."""
        refuse(
            self,
            window=(self.window >= 1, "1 or more whole seconds"),
            rows=(self.rows >= 2, "2 or more"),
            depth=(0 <= self.depth < DEEP, "0 or more cash coins"),
        )

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """A ring that begins a window ago."""
        ring = opened(math.floor(state.time) - self.window, self.rows)
        state.put(at, Kept(ring, 0, DEEP, state.time, price))

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The mean now; `time` is the last sealed block."""
        kept: Kept = state.tables[at]
        now = math.floor(state.time)
        start, end = (seen(kept.ring, now, ago, kept.tick, kept.depth) for ago in (self.window, 0))
        if start is None or end is None:
            return Reading(price_of(kept, kept.tick), kept.time, 0.0, Status.MISSING)
        sure = mean_liquidity(start, end) >= self.depth
        return Reading(
            price_of(kept, mean_tick(start, end)), kept.time, 0.0, Status.FRESH if sure else Status.UNCERTAIN
        )

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Write down what stood until now; a venue without a mid leaves the last one standing."""
        kept: Kept = state.tables[at]
        source = resolve(state, listing, self.source)
        venue = state.market(source).venue
        mid, tick, depth = venue.mid(state, source), kept.tick, kept.depth
        if 0.0 < mid < math.inf:
            tick = math.floor(math.log(mid / kept.start) / TICK + SLACK)
            depth = max(1, math.floor(min(venue.depth_within(state, source, ABOUT), float(DEEP))))
        ring = written(kept.ring, math.floor(state.time), kept.tick, kept.depth)
        state.put(at, Kept(ring, tick, depth, state.time, kept.start))

    def sources(self) -> tuple[str, ...]:
        """The venue it averages."""
        return (self.source,)

    def remembers(self) -> float:
        """Its window."""
        return float(self.window)

    def misfits(self, interval: float) -> list[str]:
        """A ring that has forgotten its window's beginning by its end: it is written once a block, and once a second at most."""
        each = max(1.0, interval)
        if self.rows * each >= self.window:
            return []
        least = math.ceil(self.window / each)
        return [f"rows = {self.rows}: must be {least} or more for window = {self.window} s, a row every {each:g} s"]


def price_of(kept: Kept, tick: int) -> float:
    """Cash coins per base coin at a tick."""
    return kept.start * 1.0001**tick
