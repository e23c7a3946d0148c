"""Both legs at once, each opened as soon as it can be: quick, and alone for as long as the other takes."""

from __future__ import annotations

from dataclasses import dataclass

from agents.pairings.base import Pairing, Stages


@dataclass(frozen=True)
class AtOnce(Pairing):
    """Neither leg waits for the other."""

    def offers(self, end: int, stages: Stages) -> bool:
        """Always."""
        return True

    def opens(self, end: int, stages: Stages) -> bool:
        """Always."""
        return True
