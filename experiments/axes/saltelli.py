"""Saltelli's sample: for each point of a Sobol sequence, what is needed to tell each parameter's part of the variance (2010)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.axes.base import Axis, Bound, Level, bounds_mistakes, count_mistakes, placed, unit_problem


@dataclass(frozen=True)
class Saltelli(Axis):
    """`samples` times as many points as there are `bounds`, and two more: first-order and total indices."""

    bounds: tuple[Bound, ...] = (Bound(), Bound("patience", 60.0, 240.0))
    samples: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a single parameter, and samples that are no power of two."""
        wrong = bounds_mistakes(self.bounds) + count_mistakes("seed", self.seed, 0)
        if self.samples < 2 or self.samples & (self.samples - 1):
            wrong.append(f"samples = {self.samples}: must be a power of two, 2 or more")
        if wrong:
            raise ValueError("\n".join(wrong))

    def levels(self) -> tuple[Level, ...]:
        """One level a point, sample after sample."""
        from SALib.sample import sobol

        drawn = sobol.sample(unit_problem(self.bounds), self.samples, calc_second_order=False, seed=self.seed)
        return placed(self.bounds, np.asarray(drawn, float))
