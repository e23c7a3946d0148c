"""Price curves of Dutch auctions, as objects: what is asked after so many seconds, of a top price.

Maker Liquidations 2.0, abaci.sol: linear, stair-step exponential, exponential. The pure formulas take `one`, which is 1.0 of
floats or the fixed point of ints (10**27 there), and are then the contract's own, rounding for rounding. Time counts in
whole seconds, as on chain. Attack surface: a curve that falls faster than keepers can speak hands lots over for nothing;
one that falls slower than the market leaves them unsold (`t* = step ln(buf) / -ln cut` is when it crosses a calm market).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeVar

from protocol.fixed_point import down, power
from protocol.liquidations.base import check_numbers
from protocol.units import WholeSeconds

Number = TypeVar("Number", int, float)


def linear(top: Number, elapsed: int, tau: int, one: Number) -> Number:
    """`top` (tau - t) / tau, nothing after tau. LinearDecrease."""
    if elapsed >= tau:
        return 0 * one
    left = (tau - elapsed) * one
    return down(top, left // tau if isinstance(one, int) else left / tau, one)


def stairstep(top: Number, elapsed: int, cut: Number, step: int, one: Number) -> Number:
    """`top` cut^floor(t / step). StairstepExponentialDecrease."""
    return down(top, power(cut, elapsed // step, one), one)


def exponential(top: Number, elapsed: int, cut: Number, one: Number) -> Number:
    """`top` cut^t. ExponentialDecrease."""
    return down(top, power(cut, elapsed, one), one)


def is_stale(price: Number, top: Number, elapsed: float, tail: float, cusp: Number, one: Number) -> bool:
    """Whether a round is over: too old, or too cheap. clip.sol `status`."""
    share = price * one // top if isinstance(one, int) else price * one / top
    return elapsed > tail or share < cusp


def whole_seconds(elapsed: float) -> int:
    """Seconds gone, rounded down; sums of block times may fall short of one by their own rounding."""
    return max(0, math.floor(elapsed + 1e-9))


@dataclass(frozen=True)
class Curve(ABC):
    """A falling price."""

    @abstractmethod
    def share(self, elapsed: float) -> float:
        """What is asked after so many seconds, as a share of the top."""


@dataclass(frozen=True)
class Linear(Curve):
    """Falls to nothing in `tau` seconds."""

    tau: WholeSeconds = 3_600

    def __post_init__(self) -> None:
        """Refuse a fall that takes no time."""
        check_numbers(("tau", self.tau, self.tau > 0, "above 0 seconds"))

    def share(self, elapsed: float) -> float:
        """See `linear`."""
        return linear(1.0, whole_seconds(elapsed), self.tau, 1.0)


@dataclass(frozen=True)
class Stairstep(Curve):
    """Falls to `cut` of itself every `step` seconds."""

    cut: float = 0.99
    step: WholeSeconds = 90

    def __post_init__(self) -> None:
        """Refuse stairs that do not fall."""
        check_numbers(
            ("cut", self.cut, 0 < self.cut < 1, "above 0 to below 1"),
            ("step", self.step, self.step > 0, "above 0 seconds"),
        )

    def share(self, elapsed: float) -> float:
        """See `stairstep`."""
        return stairstep(1.0, whole_seconds(elapsed), self.cut, self.step, 1.0)


@dataclass(frozen=True)
class Exponential(Curve):
    """Falls to `cut` of itself every second: by default it halves in fifteen minutes."""

    cut: float = 0.999230132966

    def __post_init__(self) -> None:
        """Refuse a curve that does not fall."""
        check_numbers(("cut", self.cut, 0 < self.cut < 1, "above 0 to below 1"))

    def share(self, elapsed: float) -> float:
        """See `exponential`."""
        return exponential(1.0, whole_seconds(elapsed), self.cut, 1.0)
