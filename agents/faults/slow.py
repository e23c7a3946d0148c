"""A reporter whose own source lags: it posts on time what was true some time ago.

Latency (`Role.latency`) delays a report and says so in its time; this delays the value and does not. A trader who knows the
source trades on the difference (`agents/attacks/stale_sniper.py`).
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
class Slow(Fault):
    """Reports what the reference mid was `delay` seconds ago."""

    delay: float = 60.0

    def mistakes(self) -> list[str]:
        """Nobody sees ahead."""
        return [] if 0 < self.delay < math.inf else [f"delay = {self.delay}: must be above 0 seconds"]

    def bent(self, me: Player, view: View, listing: Listing, honest: float) -> float | None:
        """The mid of then, with the error of now."""
        past = view.past(view.state.market(listing).instrument.base, self.delay)
        return honest * float(past[0] / past[-1])
