"""A circuit breaker: when the index has moved too far within a window, nothing new is opened for a while.

It answers pushes of the index that are opened into, and gives everybody time to look; leaving stays possible, and a halt ends by
itself. Honest users pay with the moves in which they cannot enter or hedge, and where liquidations are spared too
(`LiquidationPause`) with the deficits that grow meanwhile.
Attack surface: whoever can push the index can halt the market, and halts it for those who would trade the push away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.limits.base import Limit
from protocol.limits.watch import Watch, check_breaker, watched
from protocol.oracles.base import read_index
from protocol.state import Listing, State


@dataclass(frozen=True)
class CircuitBreaker(Limit):
    """Halts for `pause` seconds once the index has moved by more than `bound`, relative, within `window` seconds."""

    bound: float = 0.05
    window: float = 300.0
    pause: float = 600.0

    def __post_init__(self) -> None:
        """Refuse a halt without an end."""
        check_breaker(self.bound, self.window, self.pause)

    def start(self, state: State, listing: Listing, at: str) -> None:
        """Nothing seen, not halted."""
        state.put(at, Watch((), -math.inf))

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """The index of now beside those of the window."""
        index = read_index(state, listing).value
        state.put(at, watched(state.tables[at], state.time, index, self.bound, self.window, self.pause))

    def halts(self, state: State, listing: Listing, at: str) -> bool:
        """Until the pause is over."""
        watch: Watch = state.tables[at]
        return state.time < watch.until
