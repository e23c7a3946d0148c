"""A feed that is off by a factor: a misplaced decimal, a unit, an inverted pair.

Synthetix's Korean won read a thousand times too high on 24 June 2019, and the mean of the two feeds left said 500.5 times. A
median stands as long as the factor is not that of half of the fresh reporters; a mean does not.
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
class Scaled(Fault):
    """Reports `factor` times what it sees."""

    factor: float = 1_000.0

    def mistakes(self) -> list[str]:
        """A price is above zero."""
        return [] if 0 < self.factor < math.inf else [f"factor = {self.factor}: must be above 0"]

    def bent(self, me: Player, view: View, listing: Listing, honest: float) -> float | None:
        """The multiple."""
        return self.factor * honest
