"""One leg after the other: the second is not asked for before the first is there. Whoever doubts one chain begins with that."""

from __future__ import annotations

from dataclasses import dataclass

from agents.pairings.base import Pairing, Stage, Stages


@dataclass(frozen=True)
class InTurn(Pairing):
    """`first` is offered and opened, then the other, at its price of that moment."""

    def offers(self, end: int, stages: Stages) -> bool:
        """The second once the first is open."""
        return end == self.lead or stages[self.lead] is Stage.OPEN

    def opens(self, end: int, stages: Stages) -> bool:
        """Always."""
        return True
