"""The closed forms give the values worked in their sources."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from experiments.theory import perpetual_over_spot, stale_value
from experiments.validation.basis import BASE_RATE, INTEREST, PERIOD, QUOTE_RATE, gain
from protocol.units import SECONDS_PER_YEAR


@pytest.mark.parametrize(
    ("volatility", "age", "cost", "value"),
    [
        (0.6, 5, 2e-4, 0.538),
        (0.6, 30, 2e-4, 2.94),
        (0.6, 300, 2e-4, 12.9),
        (0.6, 30, 10e-4, 0.21),
        (0.6, 300, 10e-4, 6.9),
        (1.0, 5, 2e-4, 1.57),
        (1.0, 30, 10e-4, 1.55),
        (1.0, 300, 10e-4, 15.9),
    ],
)
def test_value_of_a_stale_index(volatility: float, age: float, cost: float, value: float) -> None:
    """Published to three digits, in basis points of notional."""
    assert stale_value(volatility, age, cost) * 1e4 == pytest.approx(value, rel=0.01)


@pytest.mark.parametrize(
    ("kappa", "iota", "quote_rate", "base_rate"),
    [(1_095.0, 0.1, 0.05, 0.02), (3.0, 0.0, 0.05, 0.0), (10.0, 0.04, 0.02, 0.07), (365.0, 0.03, 0.05, 0.02)],
)
def test_a_perpetual_is_spot_at_a_random_time_set_by_funding(
    kappa: float, iota: float, quote_rate: float, base_rate: float
) -> None:
    """The formula is the expectation (kappa - iota) E int exp(-kappa s) x_s ds under the quote's measure, done by quadrature."""
    found, _ = quad(
        lambda s: (kappa - iota) * math.exp((quote_rate - base_rate - kappa) * s), 0.0, np.inf, epsabs=1e-13
    )
    ratio = perpetual_over_spot(kappa, iota, quote_rate, base_rate)
    assert found == pytest.approx(ratio, abs=1e-9)
    assert (abs(ratio - 1.0) < 1e-15) == (abs(iota - quote_rate + base_rate) < 1e-15)


def test_a_perpetual_funded_three_times_a_day_stands_0_639_basis_points_below_spot() -> None:
    assert (perpetual_over_spot(1_095.0, 0.1, 0.05, 0.02) - 1.0) * 1e4 == pytest.approx(-0.639, abs=5e-4)


def test_a_perpetual_that_does_not_pull_has_no_price() -> None:
    with pytest.raises(ValueError, match="kappa"):
        perpetual_over_spot(0.02, 0.0, 0.05, 0.0)


def test_at_that_price_a_hedged_holder_of_the_machines_perpetual_gains_nothing_and_at_spot_what_the_rates_leave() -> (
    None
):
    """Long one coin of the perpetual, short `ratio` coins of spot borrowed at r_b and lent at r_a: funding eats it all."""
    fair = perpetual_over_spot(SECONDS_PER_YEAR / PERIOD, INTEREST, QUOTE_RATE, BASE_RATE)
    assert gain(fair) == pytest.approx(0.0, abs=1e-9)
    assert gain(1.0) == pytest.approx(QUOTE_RATE - BASE_RATE - INTEREST, abs=1e-9)
