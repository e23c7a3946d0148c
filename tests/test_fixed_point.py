"""Fixed point rounds as it is told to, and on floats is plain arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from numba import njit

from protocol.fixed_point import down, half_up, power, to_zero, towards, up
from protocol.rates.growth import BySecond, binomial, compounded, linear, taylor
from protocol.rates.kinked import Kinked, two_lines
from protocol.venues.virtual_amm import owed_for

CASES = [(a, b, c) for a in (-7, -1, 0, 3, 10**40 + 1) for b in (-5, 0, 1, 10**30) for c in (1, 2, 10**27, 7)]


@pytest.mark.parametrize(("a", "b", "c"), CASES)
def test_each_rounding_is_the_one_it_is_called_after(a: int, b: int, c: int) -> None:
    exact = Fraction(a * b, c)
    assert down(a, b, c) == math.floor(exact)
    assert up(a, b, c) == math.ceil(exact)
    assert to_zero(a, b, c) == math.trunc(exact)
    assert half_up(a, b, c) == math.floor(exact + Fraction(c // 2, c))
    assert to_zero(a, b, -c) == math.trunc(-exact)
    assert towards(a, b, c) == (math.floor if exact >= a else math.ceil)(exact)


def test_on_floats_nothing_is_rounded() -> None:
    assert {f(3.0, 0.5, 4.0) for f in (down, up, half_up, to_zero, towards)} == {0.375}


def test_interest_in_fixed_point_is_that_of_floats() -> None:
    ray, year = 10**27, 31_536_000
    assert binomial(ray // 20, 86_400, year, ray) / ray == pytest.approx(
        binomial(0.05, 86_400.0, 31_536_000.0, 1.0), rel=1e-9
    )
    assert binomial(ray // 20, 0, year, ray) == 0
    assert linear(ray // 20, year, year) == ray // 20
    assert taylor(10**9, 86_400, 10**18) / 1e18 == pytest.approx(math.expm1(86_400e-9), rel=1e-9)


@pytest.mark.parametrize("use", [0.0, 0.45, 0.9, 0.97, 1.0])
def test_the_kinked_rate_in_fixed_point_is_that_of_floats(use: float) -> None:
    ray = 10**27
    rate = two_lines(round(use * ray), 0, ray // 25, 6 * ray // 10, 9 * ray // 10, ray)
    assert rate / ray == pytest.approx(Kinked().yearly(use), rel=1e-12)


@pytest.mark.parametrize("size", [-500, -1, 1, 7, 999])
def test_a_virtual_pool_never_gives_more_than_its_product(size: int) -> None:
    base, cash = 1_000, 2_000_000
    owed = owed_for(size, base, cash, 0)
    assert (base - size) * (cash + owed) >= base * cash
    assert (base - size) * (cash + owed - 1) < base * cash


def test_compiled_code_rounds_nothing_of_floats_either() -> None:
    @njit
    def inside(a: float, b: float, c: float) -> tuple[float, ...]:
        return down(a, b, c), up(a, b, c), half_up(a, b, c), to_zero(a, b, c), towards(a, b, c)

    for a, b, c in ((3.0, 0.5, 4.0), (-7.25, 1.1, 0.3), (1e15 + 0.3, 1.0, 1.0)):
        assert inside(a, b, c) == (a * b / c,) * 5


def test_compounding_by_the_second_is_a_power() -> None:
    ray = 10**27
    assert power(ray + 10**18, 3, ray) == pytest.approx((1 + 1e-9) ** 3 * ray, rel=1e-15)
    assert compounded(2 * ray, ray + 10**18, 86_400, ray) / ray == pytest.approx(2 * math.exp(86_400e-9), rel=1e-9)
    assert BySecond().grown(0.05, 86_400.9) == pytest.approx((1 + 0.05 / 31_536_000) ** 86_400 - 1, rel=1e-6)
