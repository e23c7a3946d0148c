"""A feed that does not go below a floor, however low the price is.

Chainlink's aggregators carried a least answer; when LUNA fell to fractions of a cent on 12 May 2022, Venus still valued it at
the 0.10 dollars of that floor, and lost some 11 million. Everybody's feed has the same floor, so a median of them has it too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.faults.base import Fault

if TYPE_CHECKING:
    from agents.player import Player
    from agents.view import View
    from protocol.state import Listing


@dataclass(frozen=True)
class Floored(Fault):
    """Reports no less than `floor` cash coins per base coin."""

    floor: float = 1_900.0

    def mistakes(self) -> list[str]:
        """A price is above zero."""
        return [] if 0 < self.floor < math.inf else [f"floor = {self.floor}: must be above 0 cash coins"]

    def bent(self, me: Player, view: View, listing: Listing, honest: float) -> float | None:
        """The higher of the two."""
        return max(self.floor, honest)
