"""An exponential moving average of a venue's mid (Egorov, Automatic market-making with dynamic peg, Curve 2021).

A mid that stands at the end of a block pulls the average towards itself over the following interval: after dt seconds
the average is mid + (average - mid) * 2^(-dt / half_life), whatever the block times in between.
Attack surface: as of an arithmetic mean, with most weight on the newest block: a mid pushed by x and held for L seconds
moves the index by x (1 - 2^(-L / half_life)), and the push fades instead of dropping out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from protocol.oracles.base import FRESH, Oracle, Reading, resolve
from protocol.state import Listing, State
from protocol.units import Seconds


class Average(NamedTuple):
    """What an average remembers of the last sealed block."""

    value: float  # cash coins per base coin, at `time`
    mid: float  # pulls from `time` on
    time: float  # seconds


def after(average: Average, time: float, half_life: float) -> float:
    """Where an average has come to by `time`; see the head of the module for the formula."""
    value, mid, since = average
    return mid + (value - mid) * math.exp2((since - time) / half_life)


@dataclass(frozen=True)
class Ema(Oracle):
    """Averages the mid of `source` (a market of the same exchange; '' is its own); `half_life` in seconds."""

    sure: ClassVar[bool] = True

    source: str = ""
    half_life: Seconds = 600.0

    def __post_init__(self) -> None:
        """Refuse a half-life that is none."""
        if not 0 < self.half_life < math.inf:
            raise ValueError(f"half_life = {self.half_life}: must be above 0 seconds")

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """The average starts at `price`."""
        state.put(at, Average(price, price, state.time))

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The average now; `time` is the last sealed block."""
        average: Average = state.tables[at]
        return Reading(after(average, state.time, self.half_life), average.time, 0.0, FRESH)

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Close the interval that ends now; a venue without a mid leaves the last one standing."""
        source, average, now = (
            resolve(state, listing, self.source) if self.source else listing,
            state.tables[at],
            state.time,
        )
        mid = state.market(source).venue.mid(state, source)
        if not 0.0 < mid < math.inf:
            mid = average.mid
        state.put(at, Average(after(average, now, self.half_life), mid, now))

    def sources(self) -> tuple[str, ...]:
        """The venue it averages."""
        return (self.source,)
