"""Builder's choice: whoever builds the block decides what goes into it and in which order, and may put in what it likes.

Who builds which block is drawn by share and known ahead, as proposers of Ethereum are. A block that no player builds is
built honestly, by fee. Attack surface: a builder needs no fee to be first, sees all that has arrived by the seal, may leave
out whoever would undo its work, and with consecutive blocks may do so for as long as they last (Daian et al. 2020;
Mackinga, Nadahalli and Wattenhofer 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.ledger import Floats, Ints
from protocol.orderings.base import Ordering, Outside
from protocol.orderings.turns import by_tip


@dataclass(frozen=True)
class BuildersChoice(Ordering):
    """As a builder says; by tip where nobody says anything."""

    chance: ClassVar[bool] = False

    def rank(self, arrival: Floats, tip: Floats, entropy: int) -> Ints:
        """Highest tip first: the honest block."""
        return by_tip(arrival, tip)

    def ahead(self, outside: Outside, base_fee: float, share: Floats, tip: Floats) -> Floats:
        """Those outside who would tip more."""
        return outside.above(base_fee + tip)
