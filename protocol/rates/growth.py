"""How a rate becomes interest: what one unit of debt grows by while a rate stands.

A chain has no exponential, so contracts multiply by squaring (Maker, exact by the second) or cut its series: Morpho Blue takes
three terms of Taylor's (`MathLib.wTaylorCompounded`), Aave V3 three of the binomial expansion of compounding by the second for
debts, and one for deposits (`MathUtils`). Each falls short of the continuous rate by the terms it leaves out, so a pool that is
touched seldom charges less. The pure formulas take `one`, 1.0 of floats or the fixed point of ints, and are then the contract's
own, rounding for rounding. Attack surface: where interest depends on how often a pool is touched, borrowers gain by leaving it
alone, and anybody may touch it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeVar

from protocol.fixed_point import down, half_up, power
from protocol.units import SECONDS_PER_YEAR

N = TypeVar("N", int, float)


def taylor(rate: N, seconds: N, one: N) -> N:
    """Three terms: x + x^2 / 2 + x^3 / 6 of x = `rate` per second times `seconds`. Morpho Blue `wTaylorCompounded`."""
    first = rate * seconds
    second = down(first, first, 2 * one)
    return first + second + down(second, first, 3 * one)


def binomial(rate: N, seconds: N, year: N, one: N) -> N:
    """(1 + rate / year)^seconds - 1 to three terms, `rate` per `year` of seconds. Aave V3 `calculateCompoundedInterest`."""
    if seconds <= 0:
        return 0 * one
    less, least = max(seconds - 1, 0 * seconds), max(seconds - 2, 0 * seconds)
    square = down(half_up(rate, rate, one), 1 + 0 * one, year * year)
    cube = down(half_up(square, rate, one), 1 + 0 * one, year)
    second = down(seconds * less, square, 2 + 0 * one)
    third = down(seconds * less * least, cube, 6 + 0 * one)
    return down(rate, seconds, year) + second + third


def linear(rate: N, seconds: N, year: N) -> N:
    """`rate` per `year` of seconds, without interest on interest. Aave V3 `calculateLinearInterest`."""
    return down(rate, seconds, year)


def compounded(index: N, factor: N, seconds: int, one: N) -> N:
    """An index that each of so many whole seconds multiplies by `factor`. Maker's Jug `drip`, whose `duty` the factor is."""
    return down(power(factor, seconds, one), index, one)


@dataclass(frozen=True)
class Growth(ABC):
    """A way to compound."""

    @abstractmethod
    def grown(self, rate: float, seconds: float) -> float:
        """Interest on one unit, for a `rate` per year that stands for `seconds`."""


@dataclass(frozen=True)
class Continuous(Growth):
    """At every instant: the same whenever the pool is touched."""

    def grown(self, rate: float, seconds: float) -> float:
        """e^(rate t) - 1."""
        return math.expm1(rate * seconds / SECONDS_PER_YEAR)


@dataclass(frozen=True)
class Taylor(Growth):
    """Three terms of the exponential (Morpho Blue)."""

    def grown(self, rate: float, seconds: float) -> float:
        """See `taylor`."""
        return taylor(rate / SECONDS_PER_YEAR, seconds, 1.0)


@dataclass(frozen=True)
class Binomial(Growth):
    """Three terms of compounding by the second (Aave V3)."""

    def grown(self, rate: float, seconds: float) -> float:
        """See `binomial`."""
        return binomial(rate, seconds, SECONDS_PER_YEAR, 1.0)


@dataclass(frozen=True)
class BySecond(Growth):
    """Compounding by the whole second, in full (Maker); what is left of a second waits for nobody, and is lost."""

    def grown(self, rate: float, seconds: float) -> float:
        """See `compounded`."""
        return compounded(1.0, 1.0 + rate / SECONDS_PER_YEAR, math.floor(seconds + 1e-9), 1.0) - 1.0


@dataclass(frozen=True)
class Simple(Growth):
    """No interest on interest between two touches."""

    def grown(self, rate: float, seconds: float) -> float:
        """See `linear`."""
        return linear(rate, seconds, SECONDS_PER_YEAR)
