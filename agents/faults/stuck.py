"""A feed that stands still: it goes on reporting what it saw when it got stuck.

Its reports are fresh by their time and wrong by their value, which no rule of age can see. Of the five feeds behind the
Korean won at Synthetix in June 2019, one was dead for days before another one failed (docs of the incident, B6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.faults.base import Fault

if TYPE_CHECKING:
    from agents.player import Player
    from agents.view import View
    from protocol.state import Listing


@dataclass(frozen=True)
class Stuck(Fault):
    """What it first sees once stuck, it reports until it recovers."""

    def bent(self, me: Player, view: View, listing: Listing, honest: float) -> float | None:
        """The first value."""
        value: float = me.memory.setdefault(f"stuck since {self.onset}", honest)
        return value
