"""Twins: the same scenario with one thing taken out, on the same seed, so that every draw is shared.

What an attack earned, and cost everybody else, is the difference of wealth between a run and its twin.
"""

from __future__ import annotations

from typing import NamedTuple

from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario, without


class Pair(NamedTuple):
    """A run and its twin."""

    run: Record
    twin: Record

    def gain(self, group: str) -> float:
        """Cash coins by which a group ended richer than in the twin; of a group the twin lacks, than it began."""
        mine = float(self.run.metrics[f"gain.{group}"])
        return mine - float(self.twin.metrics.get(f"gain.{group}", 0.0))

    def losses(self) -> dict[str, float]:
        """Difference of wealth of every group that both have, cash coins."""
        names = [key[5:] for key in self.run.metrics if key.startswith("gain.") and key in self.twin.metrics]
        return {name: self.gain(name) for name in names}


def twin_without(scenario: Scenario, label: str) -> Pair:
    """A scenario and its twin without one role."""
    return Pair(run(scenario), run(without(scenario, label)))
