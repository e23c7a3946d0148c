"""Published margins of options, to the last published digit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from protocol.black import CALL, PUT, black76
from protocol.option_rules import Standard, short_option, standard_manager, volatility_shocks

SPOT, FORWARD, YEARS = 1_500.0, 1_500.8332793109938, 500_400.0 / (365.0 * 86_400.0)


class Case(NamedTuple):
    """A published case of Derive's standard manager: options of one expiry, and maintenance and initial margin."""

    side: tuple[float, ...]
    strike: tuple[float, ...]
    amount: tuple[float, ...]
    volatility: tuple[float, ...]
    maintenance: float
    initial: float


CASES = {
    "Test1": Case(
        (CALL,), (1500.0,), (-1.0,), (1.04788449408498624,), -191.871585189059952640, -304.371585189059952640
    ),
    "Test2": Case((CALL,), (1500.0,), (1.0,), (1.04788449408498624,), 0.0, 0.0),
    "Test3": Case(
        (CALL,), (1900.0,), (-1.0,), (1.179993832279113216,), -118.508261835426660352, -156.008261835426660352
    ),
    "Test4": Case((PUT,), (1300.0,), (-1.0,), (1.08318941550987648,), -126.822794294374039552, -164.322794294374039552),
    "Test5": Case(
        (CALL, CALL), (1100.0, 1300.0), (-1.0, 1.0), (1.198874027186882048, 1.08318941550987648), -200.0, -200.0
    ),
    "Test6": Case(
        (CALL, CALL),
        (1900.0, 1700.0),
        (1.0, -1.0),
        (1.179993832279113216, 1.116354471205355648),
        -135.604014466582446080,
        -173.104014466582446080,
    ),
    "Test7": Case(
        (CALL, CALL, CALL),
        (1200.0, 1000.0, 2500.0),
        (1.0, -1.0, -0.1),
        (1.138939398828297472, 1.262012129931914496, 1.326538658030860032),
        -365.091660724209385472,
        -365.091660724209385472,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_standard_manager_meets_its_published_cases(name: str) -> None:
    case = CASES[name]
    mark = black76(case.side, FORWARD, case.strike, YEARS, case.volatility).value
    found = standard_manager(SPOT, FORWARD, case.side, case.strike, mark, case.amount, unpaired=(1.1, 1.1))
    assert found.maintenance == pytest.approx(case.maintenance, rel=1e-9)
    assert found.initial == pytest.approx(case.initial, rel=1e-9)
    if name == "Test1":
        assert -float(mark[0]) == pytest.approx(-79.3716, abs=5e-5)


def test_calls_sold_naked_cost_more_to_open_than_to_keep() -> None:
    found = standard_manager(SPOT, FORWARD, [CALL], [100.0], [1_400.0], [-1.0])
    assert found.initial == pytest.approx(-1_400.0 - 225.0)  # isolated is the better of the two
    assert found.maintenance == pytest.approx(-1_400.0 - 112.5)
    bounded = standard_manager(SPOT, FORWARD, [CALL], [100.0], [5_000.0], [-1.0])
    assert bounded == pytest.approx((-1.2 * FORWARD, -1.1 * FORWARD))


def test_a_call_ten_per_cent_out_of_the_money_needs_what_deribit_says() -> None:
    assert short_option(CALL, 1.0, 1.1, 0.02, Standard()) == pytest.approx((0.12, 0.095))
    assert short_option(CALL, 2_000.0, 2_200.0, 40.0, Standard()) == pytest.approx((240.0, 190.0))


@pytest.mark.parametrize(
    ("rule", "needs"),
    [(Standard(maintenance=0.10), (0.12, 0.12)), (Standard(initial=0.20, maintenance=0.10), (0.12, 0.12))],
)
def test_aevo_asks_a_tenth_to_keep_and_so_did_an_older_page_of_deribit_which_asked_a_fifth_to_open(
    rule: Standard, needs: tuple[float, float]
) -> None:
    assert short_option(CALL, 1.0, 1.1, 0.02, rule) == pytest.approx(needs)
    assert short_option(CALL, 1.0, 1.0, 0.02, rule).initial == pytest.approx(rule.initial + 0.02)


@pytest.mark.parametrize("mark", [5.0, 60.0, 400.0, 2_000.0])
@pytest.mark.parametrize("strike", [1_000.0, 1_500.0, 1_900.0, 3_400.0])
def test_a_short_put_alone_needs_what_the_published_formulas_say(strike: float, mark: float) -> None:
    """MM = min(mtm + 0.075 S a, 1.075 mtm), IM = min(mtm + max(0.15 - OTM / S, 0.10) S a, 1.05 MM), unless the strike is less."""
    amount, value = -2.0, -2.0 * mark
    keep = min(value + 0.075 * SPOT * amount, value + 0.075 * value)
    share = max(0.15 - max(SPOT - strike, 0.0) / SPOT, 0.10)
    ask = min(value + share * SPOT * amount, 1.05 * keep)
    worst = strike * amount  # what two puts pay where all is lost
    found = standard_manager(SPOT, FORWARD, [PUT], [strike], [mark], [amount])
    assert found == pytest.approx((max(ask, worst), max(keep, worst)), rel=1e-12)


def test_a_put_needs_no_less_to_open_than_to_keep() -> None:
    assert short_option(PUT, 1.0, 0.9, 0.02, Standard()) == pytest.approx((0.12, 0.095))
    deep = short_option(PUT, 100.0, 400.0, 300.0, Standard())
    assert deep == pytest.approx((322.5, 322.5))  # 0.075 of the mark, which exceeds that of the index
    for strike in np.linspace(50.0, 400.0, 40):
        one = short_option(PUT, 100.0, strike, max(strike - 100.0, 1.0), Standard())
        assert one.initial >= one.maintenance


@pytest.mark.parametrize(("days", "up", "down"), [(30.0, 1.45, 0.70), (1.0, 1 + 0.45 * 30**0.3, 1 - 0.3 * 30**0.3)])
def test_volatility_shocks_grow_as_expiry_nears(days: float, up: float, down: float) -> None:
    found = volatility_shocks(days * 86_400.0)
    assert found == pytest.approx((up, down))
    assert volatility_shocks(3_600.0) == volatility_shocks(86_400.0)
    assert volatility_shocks(120 * 86_400.0) == pytest.approx((1 + 0.45 * 0.25**0.13, 1 - 0.3 * 0.25**0.13))


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"initial": 0.0}, "initial = 0.0: allowed above 0 to 1"),
        ({"least": 0.2}, "least = 0.2: allowed above 0 to initial = 0.15"),
        ({"maintenance": 0.2}, "maintenance = 0.2: allowed above 0 to least = 0.1"),
    ],
)
def test_shares_that_make_no_margin_are_refused(wrong: dict[str, float], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        Standard(**wrong)
