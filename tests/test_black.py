"""Option values and Greeks: published numbers, finite differences, parity, and another library's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import QuantLib as ql
from hypothesis import given
from hypothesis import strategies as st

from protocol.black import CALL, PUT, Greeks, black76, black_scholes, implied_volatility, undiscounted

SIDES = pytest.mark.parametrize("side", [CALL, PUT])
strikes = st.floats(0.3, 3.0)
times = st.floats(0.01, 3.0)
volatilities = st.floats(0.05, 2.0)


def test_the_textbooks_numbers() -> None:
    """Hull, Options, Futures and Other Derivatives: examples of chapters 15 and 18."""
    values = black_scholes([CALL, PUT], 42.0, 40.0, 0.5, 0.2, 0.1).value
    assert values.round(2).tolist() == [4.76, 0.81]
    assert round(float(black76(PUT, 20.0, 20.0, 4.0 / 12.0, 0.25, 0.09).value), 2) == 1.12


@SIDES
@pytest.mark.parametrize("model", [black76, black_scholes])
def test_each_greek_is_the_derivative_it_says(side: float, model: Any) -> None:
    at = {"years": 0.4, "volatility": 0.7, "rate": 0.06}
    step = 1e-4

    def value(underlying: float = 1_900.0, **changes: float) -> Any:
        return model(side, underlying, 2_000.0, **{**at, **changes}).value

    greeks = model(side, 1_900.0, 2_000.0, **at)
    bump = 1_900.0 * step
    assert greeks.delta == pytest.approx((value(1_900.0 + bump) - value(1_900.0 - bump)) / (2 * bump), rel=1e-4)
    second = (value(1_900.0 + bump) - 2 * value() + value(1_900.0 - bump)) / bump**2
    assert greeks.gamma == pytest.approx(second, rel=1e-4)
    for name, greek, sign in (("volatility", "vega", 1), ("years", "theta", -1), ("rate", "rho", 1)):
        slope = (value(**{name: at[name] + step}) - value(**{name: at[name] - step})) / (2 * step)
        assert getattr(greeks, greek) == pytest.approx(sign * slope, rel=1e-4)


@SIDES
@given(strike=strikes, years=times, volatility=volatilities, rate=st.floats(-0.05, 0.2), dividend=st.floats(-0.05, 0.2))
def test_quantlib_says_the_same(
    side: float, strike: float, years: float, volatility: float, rate: float, dividend: float
) -> None:
    ours = black_scholes(side, 1.0, strike, years, volatility, rate, dividend)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if side == CALL else ql.Option.Put, strike)
    forward = np.exp((rate - dividend) * years)
    theirs = ql.BlackCalculator(payoff, float(forward), volatility * np.sqrt(years), float(np.exp(-rate * years)))
    same = Greeks(
        theirs.value(),
        theirs.delta(1.0),
        theirs.gamma(1.0),
        theirs.vega(years),
        theirs.theta(1.0, years),
        theirs.rho(years),
    )
    for name in ("value", "delta", "gamma", "vega", "rho"):
        assert getattr(ours, name) == pytest.approx(getattr(same, name), rel=1e-8, abs=1e-10), name
    assert ours.theta == pytest.approx(same.theta, rel=1e-6, abs=1e-8)
    future = black76(side, 1.0, strike, years, volatility, rate)
    assert future.value == pytest.approx(
        ql.blackFormula(payoff.optionType(), strike, 1.0, volatility * np.sqrt(years), float(np.exp(-rate * years))),
        rel=1e-8,
        abs=1e-12,
    )


@given(strike=strikes, years=times, volatility=volatilities, rate=st.floats(0.0, 0.1))
def test_put_and_call_differ_by_the_forward(strike: float, years: float, volatility: float, rate: float) -> None:
    call, put = black76([CALL, PUT], 1.0, strike, years, volatility, rate).value
    assert call - put == pytest.approx(np.exp(-rate * years) * (1.0 - strike), abs=1e-12)


@SIDES
@given(strike=strikes, years=times, volatility=volatilities)
def test_implied_volatility_undoes_the_price(side: float, strike: float, years: float, volatility: float) -> None:
    price = black76(side, 1.0, strike, years, volatility, 0.05).value
    found = implied_volatility(side, price, 1.0, strike, years, 0.05)
    spare = price - np.exp(-0.05 * years) * max(side * (1.0 - strike), 0.0)
    if spare > 1e-9:
        assert black76(side, 1.0, strike, years, found, 0.05).value == pytest.approx(price, abs=1e-12)
    if spare > 1e-6:
        assert found == pytest.approx(volatility, rel=1e-6)


def test_a_price_that_no_volatility_gives_has_none() -> None:
    found = implied_volatility(CALL, [-0.1, 9.9, 10.0, 101.0], 100.0, 90.0, 1.0)
    assert np.isnan(found).tolist() == [True, True, False, True]
    assert found[2] == 0.0


def test_an_option_at_expiry_is_worth_its_exercise_and_feels_nothing_else() -> None:
    greeks = black76([CALL, CALL, PUT, PUT, CALL], [90.0, 110.0, 90.0, 110.0, 100.0], 100.0, 0.0, 0.8, 0.05)
    assert greeks.value.tolist() == [0.0, 10.0, 10.0, 0.0, 0.0]
    assert greeks.delta.tolist() == [0.0, 1.0, -1.0, 0.0, 0.5]
    assert (greeks.vega == 0.0).all()
    assert (np.asarray(greeks.gamma) == 0.0).all()
    assert undiscounted(CALL, 100.0, 90.0, 0.0) == 10.0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((100.0, 100.0, 1.0, -0.2), "volatility = -0.2: must be 0 or more per root year"),
        ((100.0, 100.0, -1.0, 0.2), "years = -1.0: must be 0 or more, the option has expired"),
        ((0.0, 100.0, 1.0, 0.2), "forward = 0.0: must be above 0 cash coins"),
        ((100.0, float("nan"), 1.0, 0.2), "strike = nan: must be above 0 cash coins"),
    ],
)
def test_nonsense_is_refused_by_name(arguments: tuple[float, ...], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        black76(CALL, *arguments)
