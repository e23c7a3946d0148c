"""A rate with a kink: gentle up to the utilisation that is wanted, steep beyond it.

Aave V2 whitepaper 2020, section 3.3 (`DefaultReserveInterestRateStrategy`); Compound's `JumpRateModelV2` is the same line in
other letters. The steep part is what brings suppliers back, and borrowers to repay, before the till is empty. Attack surface:
whoever supplies and redeems around somebody else's loan moves that loan's rate, for as long as it stays there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from protocol.fixed_point import half_up
from protocol.rates.base import Rate

N = TypeVar("N", int, float)


def two_lines(use: N, idle: N, slope: N, steep: N, kink: N, one: N) -> N:
    """The rate at a utilisation `use`. Exact on ints as Aave V3's `calculateInterestRates` is, in its 10**27."""
    if use <= kink:
        return idle + half_up(half_up(slope, use, one), one, kink)
    return idle + slope + half_up(steep, half_up(use - kink, one, one - kink), one)


@dataclass(frozen=True)
class Kinked(Rate):
    """Per year: `idle` at no use, `slope` more at utilisation `kink`, and `steep` more again when all is lent out."""

    idle: float = 0.0
    slope: float = 0.04
    steep: float = 0.6
    kink: float = 0.9

    def __post_init__(self) -> None:
        """Refuse a kink that is none, and rates below zero."""
        wrong = [
            f"{name} = {getattr(self, name)}: must be 0 or more, per year"
            for name in ("idle", "slope", "steep")
            if not getattr(self, name) >= 0
        ]
        if not 0 < self.kink < 1:
            wrong.append(f"kink = {self.kink}: allowed above 0 to below 1, a share of the pool lent out")
        if wrong:
            raise ValueError("\n".join(wrong))

    def yearly(self, utilisation: float) -> float:
        """Two straight lines; the second goes no higher than at 1."""
        return two_lines(min(utilisation, 1.0), self.idle, self.slope, self.steep, self.kink, 1.0)
