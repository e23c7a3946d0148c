"""The mid of a venue, this instant: always fresh, and as cheap to move as the venue is thin.

Attack surface: whole. A trade, a read and the trade undone fit into one bundle (bZx, February 2020; Harvest, October
2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.oracles.base import Oracle, Reading, Status, resolve
from protocol.state import Listing, State


@dataclass(frozen=True)
class Spot(Oracle):
    """Reads the mid of `source` (a market of the same exchange; '' is the market it serves)."""

    sure: ClassVar[bool] = True

    source: str = ""

    @property
    def live(self) -> bool:
        """What it reads moves with every trade."""
        return True

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """It remembers nothing."""

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The source venue's mid now."""
        source = resolve(state, listing, self.source)
        return Reading(state.market(source).venue.mid(state, source), state.time, 0.0, Status.FRESH)

    def sources(self) -> tuple[str, ...]:
        """The venue it reads."""
        return (self.source,)
