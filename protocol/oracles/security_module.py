"""An index that waits: what the inner oracle said at the last hop counts now, what it says now counts from the next (Maker's OSM).

Time to see a wrong price coming, and to vote or leave before it counts. Hops are whole multiples of `hop` on the clock, and
taken at the end of the first block past one; a value therefore counts one hop to two after it was true (`OSM.sol` of Maker, 2018,
where anybody may `poke` once an hour).
Attack surface: the inner oracle's, at the moments of the hops alone, which everybody knows; and all may read the next index
before it counts, so whoever must honour this one is sniped by an hour's news.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from protocol.oracles.around import INNER, Around
from protocol.oracles.base import Oracle, Reading
from protocol.oracles.spot import Spot
from protocol.state import Listing, State
from protocol.units import Seconds

V = TypeVar("V")


class Feed(NamedTuple, Generic[V]):
    """What counts now, what counts next, and the hop since which that is so (seconds)."""

    now: V
    later: V
    since: float


def hopped(feed: Feed[V], seen: V, time: float, hop: float) -> Feed[V] | None:
    """The feed after a poke at `time` that finds `seen` with the inner oracle; None before the hop has passed. OSM `poke`."""
    if time < feed.since + hop:
        return None
    return Feed(feed.later, seen, time - time % hop)


@dataclass(frozen=True)
class SecurityModule(Around):
    """Reads `inner` once in `hop` seconds."""

    inner: Oracle = field(default_factory=Spot)
    hop: Seconds = 3_600.0

    def __post_init__(self) -> None:
        """Refuse a hop that is none."""
        if not 0 < self.hop < math.inf:
            raise ValueError(f"hop = {self.hop}: must be above 0 seconds")

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """Both values are the inner oracle's first."""
        self.inner.start(state, listing, at + INNER, price)
        first = self.inner.read(state, listing, at + INNER)
        state.put(at, Feed(first, first, state.time - state.time % self.hop))

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """What counts now, as it was when it was read; `time` is when it was true."""
        feed: Feed[Reading] = state.tables[at]
        return feed.now

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Let the inner oracle look, and hop where one is due. A reading that may not be used is not taken."""
        self.inner.observe(state, listing, at + INNER)
        seen = self.inner.read(state, listing, at + INNER)
        feed = hopped(state.tables[at], seen, state.time, self.hop)
        if feed is not None:
            usable = feed.later.status == 0
            state.put(at, feed if usable else feed._replace(now=state.tables[at].now))
