"""A reporter that is for sale: for what it asks, it reports what somebody else wants, for as long as that was paid for.

What it asks for is what it stands to lose: its stake, or what its seat will still earn. A seat that belongs to the attacker asks
for nothing. Payment is real cash from wallet to wallet; the deal itself is made outside the chain, and nobody sees it there
(McCorry, Hicks and Meiklejohn 2018, "Smart contracts for bribing miners", show that it could even be enforced).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.faults.base import Fault

if TYPE_CHECKING:
    from agents.player import Bribe, Player
    from agents.view import View
    from protocol.state import Listing


@dataclass(frozen=True)
class Bribed(Fault):
    """Asks for `price` cash coins. From `onset` on, and for `duration`, it keeps the deals that it is paid for."""

    price: float = 10_000.0

    def mistakes(self) -> list[str]:
        """Nobody pays to be bribed."""
        return [] if 0 <= self.price < math.inf else [f"price = {self.price}: must be 0 or more cash coins"]

    def asks(self) -> float:
        """Its price."""
        return self.price

    def bent(self, me: Player, view: View, listing: Listing, honest: float) -> float | None:
        """The multiple of the truth that was last paid for, while that lasts; until somebody pays, the truth."""
        deal: Bribe | None = me.memory.get("deal")
        if deal is None or view.time >= deal.until:
            return honest
        there = min(1.0, max(0.0, view.time - deal.since) / deal.ramp) if deal.ramp > 0 else 1.0
        value: float = honest * deal.factor**there
        return value
