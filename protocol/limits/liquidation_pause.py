"""A pause of liquidations: when the index has moved too far within a window, nobody is liquidated for a while.

It answers hunts for liquidations and flash moves of an index that are over before anybody could have paid in; who has bought a
push of the index must hold it for the pause. Honest users pay where the move was real: what is not sold in time leaves a
deficit that the fund, the vault or all of them bear. The pause ends by itself.
Attack surface: whoever is about to be liquidated may push the index to be spared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.limits.base import Limit
from protocol.limits.watch import Watch, check_breaker, watched
from protocol.oracles.base import read_index
from protocol.state import Listing, State


@dataclass(frozen=True)
class LiquidationPause(Limit):
    """Spares for `pause` seconds once the index has moved by more than `bound`, relative, within `window` seconds."""

    bound: float = 0.05
    window: float = 120.0
    pause: float = 120.0

    def __post_init__(self) -> None:
        """Refuse a pause without an end."""
        check_breaker(self.bound, self.window, self.pause)

    def start(self, state: State, listing: Listing, at: str) -> None:
        """Nothing seen, nobody spared."""
        state.put(at, Watch((), -math.inf))

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """The index of now beside those of the window."""
        index = read_index(state, listing).value
        state.put(at, watched(state.tables[at], state.time, index, self.bound, self.window, self.pause))

    def spares(self, state: State, listing: Listing, at: str, account: int) -> bool:
        """Until the pause is over."""
        watch: Watch = state.tables[at]
        return state.time < watch.until
