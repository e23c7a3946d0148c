"""A pause of liquidations: when the index has moved too far within a window, nobody is liquidated for a while.

It answers hunts for liquidations and flash moves of an index that are over before anybody could have paid in; who has bought a
push of the index must hold it for the pause. Honest users pay where the move was real: what is not sold in time leaves a
deficit that the fund, the vault or all of them bear. The pause ends by itself.
Attack surface: whoever is about to be liquidated may push the index to be spared.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.limits.watch import Breaker
from protocol.state import Listing, State
from protocol.units import Seconds


@dataclass(frozen=True)
class LiquidationPause(Breaker):
    """Spares for `pause` seconds once the index has moved by more than `bound`, relative, within `window` seconds."""

    bound: float = 0.05
    window: Seconds = 120.0
    pause: Seconds = 120.0

    def spares(self, state: State, listing: Listing, at: str, account: int) -> bool:
        """Until the pause is over."""
        return self.in_force(state, at)
