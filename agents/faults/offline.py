"""A reporter that is not there.

What it last said ages until the oracle counts it as stale. Silencing honest reporters is as good as bribing them: those who are
left make the median (`protocol/oracles/median.py`).
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
class Offline(Fault):
    """Silence."""

    def bent(self, me: Player, view: View, listing: Listing, honest: float) -> float | None:
        """Nothing."""
        return None
