"""By priority fee: the block goes to whoever pays most for it, and ties to whoever came first.

Congestion is a price here, and can be bought by an attacker as by anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.ledger import Floats, Ints
from protocol.orderings.base import Ordering, Outside
from protocol.orderings.turns import by_tip


@dataclass(frozen=True)
class PriorityFee(Ordering):
    """By tip, highest first."""

    chance: ClassVar[bool] = False

    def rank(self, arrival: Floats, tip: Floats, entropy: int) -> Ints:
        """Highest tip first."""
        return by_tip(arrival, tip)

    def ahead(self, outside: Outside, base_fee: float, share: Floats, tip: Floats) -> Floats:
        """Those outside who would tip more."""
        return outside.above(base_fee + tip)
