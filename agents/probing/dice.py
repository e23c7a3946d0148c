"""Dice of the search: each draw belongs to (seed, name, number of the probe, number of the draw), as all dice here do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from agents.streams import Streams, uniform_at

T = TypeVar("T")


class Dice:
    """One probe's draws, in turn."""

    def __init__(self, seed: int, name: str = "prober") -> None:
        self.key = Streams(seed).key(name)
        self.probe = self.lane = 0

    def begin(self, probe: int) -> None:
        """Start the draws of a probe."""
        self.probe, self.lane = probe, 0

    def uniform(self) -> float:
        """Between 0 and 1."""
        self.lane += 1
        return float(uniform_at(self.key, self.probe, self.lane))

    def below(self, n: int) -> int:
        """0 to n - 1."""
        return min(int(self.uniform() * n), n - 1)

    def among(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.below(len(choices))]

    def weighed(self, weights: Sequence[float]) -> int:
        """A place, with probability in proportion to its weight."""
        left = self.uniform() * sum(weights)
        for place, weight in enumerate(weights):
            left -= weight
            if left < 0.0:
                return place
        return len(weights) - 1
