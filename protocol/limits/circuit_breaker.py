"""A circuit breaker: when the index has moved too far within a window, nothing new is opened for a while.

It answers pushes of the index that are opened into, and gives everybody time to look; leaving stays possible, and a halt ends by
itself. Honest users pay with the moves in which they cannot enter or hedge, and where liquidations are spared too
(`LiquidationPause`) with the deficits that grow meanwhile.
Attack surface: whoever can push the index can halt the market, and halts it for those who would trade the push away.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.limits.watch import Breaker
from protocol.state import Listing, State
from protocol.units import Seconds


@dataclass(frozen=True)
class CircuitBreaker(Breaker):
    """Halts for `pause` seconds once the index has moved by more than `bound`, relative, within `window` seconds."""

    bound: float = 0.05
    window: Seconds = 300.0
    pause: Seconds = 600.0

    def halts(self, state: State, listing: Listing, at: str) -> bool:
        """Until the pause is over."""
        return self.in_force(state, at)
