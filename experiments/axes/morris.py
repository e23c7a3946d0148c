"""Morris trajectories: each goes through the parameters one at a time, in random order, from a random start (Morris 1991)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.axes.base import Axis, Bound, Level, bounds_mistakes, count_mistakes, placed, unit_problem
from protocol.ledger import Floats


@dataclass(frozen=True)
class Morris(Axis):
    """`trajectories` of one point more than there are `bounds`, on a grid of `grid` values a parameter."""

    bounds: tuple[Bound, ...] = (Bound(),)
    trajectories: int = 8
    grid: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse no bounds, a single trajectory, and a grid that cannot be halved."""
        wrong = bounds_mistakes(self.bounds) + count_mistakes("trajectories", self.trajectories, 2)
        wrong += count_mistakes("seed", self.seed, 0)
        if self.grid < 2 or self.grid % 2:
            wrong.append(f"grid = {self.grid}: must be an even number, 2 or more")
        if wrong:
            raise ValueError("\n".join(wrong))

    def shares(self) -> Floats:
        """The points, from 0 to 1 in each parameter. Shape [trajectories * (parameters + 1), parameters]."""
        from SALib.sample import morris

        drawn = morris.sample(unit_problem(self.bounds), self.trajectories, num_levels=self.grid, seed=self.seed)
        return np.asarray(drawn, float)

    def levels(self) -> tuple[Level, ...]:
        """One level a point, trajectory after trajectory."""
        return placed(self.bounds, self.shares())
