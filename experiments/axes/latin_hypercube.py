"""A Latin hypercube: points over bounded parameters such that each parameter alone is spread evenly (McKay et al. 1979)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from experiments.axes.base import Axis, Bound, Level, bounds_mistakes, count_mistakes, placed


@dataclass(frozen=True)
class LatinHypercube(Axis):
    """`count` points over `bounds`, drawn with a `seed` of its own."""

    bounds: tuple[Bound, ...] = (Bound(),)
    count: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse no bounds and no points."""
        wrong = (
            bounds_mistakes(self.bounds) + count_mistakes("count", self.count) + count_mistakes("seed", self.seed, 0)
        )
        if wrong:
            raise ValueError("\n".join(wrong))

    def levels(self) -> tuple[Level, ...]:
        """One level a point."""
        drawn = qmc.LatinHypercube(len(self.bounds), rng=np.random.default_rng(self.seed)).random(self.count)
        return placed(self.bounds, drawn)
