"""The fault family: how a reporter departs from the honest rule, from when, and for how long.

A reporter with faults asks each that is in force what it makes of the value that it was about to post; the last has the
word. `None` is silence. Nothing else about the reporter changes: it pays its gas, waits for its turn, and posts when the
oracle's own rule of deviation and heartbeat says so.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.settings import refusals

if TYPE_CHECKING:
    from agents.player import Player
    from agents.view import View
    from protocol.state import Listing


@dataclass(frozen=True)
class Fault(ABC):
    """In force from `onset` for `duration`, both in seconds; the default is from the start and for good."""

    onset: float = 0.0
    duration: float = 1e12

    def __post_init__(self) -> None:
        """Refuse times before the start, and a fault's own nonsense."""
        wrong = refusals(
            self,
            onset=(0 <= self.onset < math.inf, "0 or more seconds"),
            duration=(0 < self.duration < math.inf, "above 0 seconds"),
        )
        wrong += self.mistakes()
        if wrong:
            raise ValueError("\n".join(wrong))

    def mistakes(self) -> list[str]:
        """One line for each of the fault's own settings that makes no sense."""
        return []

    def holds(self, time: float) -> bool:
        """Whether it is in force."""
        return self.onset <= time < self.onset + self.duration

    def asks(self) -> float:
        """Cash coins for which the reporter would report what somebody else wants; infinite: it is not for sale."""
        return math.inf

    @abstractmethod
    def bent(self, me: Player, view: View, listing: Listing, honest: float) -> float | None:
        """What it posts in place of `honest`, cash coins per base coin; None: nothing. Asked only while in force."""
