"""Two phases: both legs are prepared, at prices that stand, before the secret is told for either (Gray 1978).

What is left of leg risk lies between the two tellings: the chain that is told second may be down until its leg has lapsed. So the
chain that one doubts is told first, and nothing is told where it is down.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.pairings.base import Pairing, Stage, Stages


@dataclass(frozen=True)
class TwoPhase(Pairing):
    """The secret is told at the `first` end once both legs are prepared, and at the other once it has been told there."""

    def offers(self, end: int, stages: Stages) -> bool:
        """Always."""
        return True

    def opens(self, end: int, stages: Stages) -> bool:
        """At the first end once the other is prepared; at the other once the first is open."""
        other = stages[1 - end]
        return other is Stage.OPEN or (end == self.lead and other is Stage.PREPARED)
