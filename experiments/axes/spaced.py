"""A range: values of one path from low to high, both ends among them, evenly or evenly in the logarithm."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from experiments.axes.base import Axis, Bound, Level, count_mistakes, placed


@dataclass(frozen=True)
class Spaced(Axis):
    """`count` values of a bounded parameter; on a whole scale at most as many as there are whole numbers."""

    bound: Bound = field(default_factory=Bound)
    count: int = 5

    def __post_init__(self) -> None:
        """Refuse fewer than both ends, and more whole numbers than there are."""
        wrong = count_mistakes("count", self.count, 2)
        there = self.bound.high - self.bound.low + 1
        if self.bound.counted and self.count > there:
            wrong.append(f"count = {self.count}: there are {there:g} whole numbers from low to high")
        if wrong:
            raise ValueError("\n".join(wrong))

    def levels(self) -> tuple[Level, ...]:
        """From low to high."""
        shares = np.linspace(0.0, 1.0, self.count)
        if self.bound.scale == "whole":  # evenly over the numbers, where `at` fills bins of equal width
            there = self.bound.high - self.bound.low + 1
            shares = (np.round(shares * (there - 1)) + 0.5) / there
        return placed((self.bound,), shares[:, None])
