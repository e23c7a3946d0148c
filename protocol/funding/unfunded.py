"""No funding at all: nothing pulls the mid to the index but arbitrage at settlement."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.funding.base import Funding
from protocol.state import Listing, State


@dataclass(frozen=True)
class Unfunded(Funding):
    """A rate of zero."""

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """Zero."""
        return 0.0
