"""A scrambled Sobol sequence: points over bounded parameters that leave no gaps (Sobol 1967, Owen 1998).

A power of two of them keeps its balance; other numbers are refused, as they lose what one takes it for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from experiments.axes.base import Axis, Bound, Level, bounds_mistakes, count_mistakes, placed


@dataclass(frozen=True)
class Sobol(Axis):
    """`count` points over `bounds`, scrambled with a `seed` of its own."""

    bounds: tuple[Bound, ...] = (Bound(),)
    count: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse no bounds, and counts that are no power of two."""
        wrong = bounds_mistakes(self.bounds) + count_mistakes("seed", self.seed, 0)
        if self.count < 1 or self.count & (self.count - 1):
            wrong.append(f"count = {self.count}: must be a power of two")
        if wrong:
            raise ValueError("\n".join(wrong))

    def levels(self) -> tuple[Level, ...]:
        """One level a point."""
        drawn = qmc.Sobol(len(self.bounds), rng=np.random.default_rng(self.seed)).random(self.count)
        return placed(self.bounds, drawn)
