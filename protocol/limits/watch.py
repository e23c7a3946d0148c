"""What breakers share: they watch how far the index has moved within a window, and for how long that counts."""

from __future__ import annotations

import math
from abc import ABC
from typing import NamedTuple

from protocol.limits.base import Limit
from protocol.oracles.base import read_index
from protocol.state import Listing, State
from protocol.units import Seconds


class Watch(NamedTuple):
    """What a breaker remembers."""

    seen: tuple[tuple[float, float], ...]  # (seconds, index) of the last window
    until: float  # seconds: in force before


def watched(watch: Watch, now: float, index: float, bound: float, window: float, pause: float) -> Watch:
    """What it remembers after a block: in force for `pause` seconds if `index` is further than `bound` from one of the window's."""
    seen = (*(one for one in watch.seen if one[0] >= now - window), (now, index))
    values = [value for _, value in seen]
    if now >= watch.until and max(max(values) / index, index / min(values)) - 1.0 > bound:
        return Watch(((now, index),), now + pause)  # what led to this leads to no other
    return Watch(seen, watch.until)


class Breaker(Limit, ABC):
    """In force for `pause` seconds once the index has moved by more than `bound`, relative, within `window` seconds."""

    bound: float
    window: Seconds
    pause: Seconds

    def __post_init__(self) -> None:
        """Refuse a breaker that never ends or never begins."""
        wrong = [] if self.bound > 0 else [f"bound = {self.bound}: must be above 0, a share of the index"]
        for name, value in (("window", self.window), ("pause", self.pause)):
            if not 0 < value < math.inf:
                wrong.append(f"{name} = {value}: must be above 0 seconds, and finite")
        if wrong:
            raise ValueError("\n".join(wrong))

    def start(self, state: State, listing: Listing, at: str) -> None:
        """Nothing seen, not in force."""
        state.put(at, Watch((), -math.inf))

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """The index of now beside those of the window."""
        index = read_index(state, listing).value
        state.put(at, watched(state.tables[at], state.time, index, self.bound, self.window, self.pause))

    @staticmethod
    def in_force(state: State, at: str) -> bool:
        """Until the pause is over."""
        watch: Watch = state.tables[at]
        return state.time < watch.until
