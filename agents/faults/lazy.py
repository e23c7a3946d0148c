"""A reporter that looks at nothing: it copies what the others make of the price, and seldom.

A copied value adds nothing to a median but the appearance of one more source. Where all copy, the index stands still; where
half do, the rest decide for them, and so need be fewer to be bribed than there are seats.
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
class Lazy(Fault):
    """Copies the index, at most once per `every` seconds."""

    every: float = 300.0

    def mistakes(self) -> list[str]:
        """Time goes forward."""
        return [] if 0 <= self.every < math.inf else [f"every = {self.every}: must be 0 or more seconds"]

    def bent(self, me: Player, view: View, listing: Listing, honest: float) -> float | None:
        """The index as it stands."""
        if view.time - me.memory.get("sent", -math.inf) < self.every:
            return None
        return view.index(listing).value
