"""Margin as a ratio, and what leaves with a part of a position: dYdX's first perpetual."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import CASH, COIN, PRICE, exchange_for, open_world, tell

from experiments.run import run
from experiments.scenario import find
from protocol import exchange
from protocol.liquidations.backstop import is_late
from protocol.liquidations.graded import Graded, Step
from protocol.liquidations.lots import unwound_at
from protocol.liquidations.routes import InProportion
from protocol.margins.base import Threshold
from protocol.margins.collateralised import Collateralised, share_of
from protocol.venues.oracle_pool import OraclePool

ONE = 10**18


@given(
    margin=st.integers(-(10**12), 10**12),
    size=st.integers(-(10**9), 10**9),
    price=st.integers(1, 10**21),
    ratio=st.integers(ONE + 1, 2 * ONE),
)
def test_a_share_of_notional_says_the_same_as_what_is_for_an_account_over_what_is_against_it(
    margin, size, price, ratio
):
    good = max(margin, 0) * ONE + max(size, 0) * price
    bad = max(-margin, 0) * ONE + max(-size, 0) * price
    above, below = share_of(1 if size > 0 else -1, ratio, ONE)
    worth = margin * ONE + size * price
    assert (worth * below >= abs(size) * price * above) == (good * ONE >= bad * ratio)


@pytest.mark.parametrize("side", [1, -1])
def test_an_account_may_be_liquidated_just_where_the_ratio_is_no_longer_met(side: int) -> None:
    state, (trader, *_) = open_world(
        exchange_for(OraclePool(spread=0.0, skew_scale=1e12), margin=Collateralised(1.1, 1.075)), stake=10_000
    )
    house, listing = state.houses[0], state.listings[0][0]
    exchange.trade(state, listing, trader, side * 30 * COIN)
    cash = (int(state.ledger.balance[house.cash, trader]) + int(state.ledger.balance[listing.quote, trader])) / CASH
    edge = -cash / 30 * 1.075 if side > 0 else cash / 30 / 1.075
    for price, stands in ((edge * (1 + side * 1e-6), True), (edge * (1 - side * 1e-6), False)):
        tell(state, price)
        worth, needs = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, trader)
        assert (worth >= needs) == stands


def test_a_part_leaves_with_its_part_of_the_margin_and_the_rest_keeps_its_ratio() -> None:
    rules = exchange_for(
        OraclePool(spread=0.0, skew_scale=1e12),
        margin=Collateralised(1.1, 1.075),
        liquidation=Graded((Step(1.0, 0.25),), (InProportion(),), grace=0.0, dust=0.0, tip=0.0),
    )
    state, (trader, keeper, *_) = open_world(rules, stake=10_000)
    house, listing = state.houses[0], state.listings[0][0]
    exchange.trade(state, listing, trader, 40 * COIN)
    tell(state, PRICE * 0.93)
    before = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, trader)
    plan = state.exchange(house).liquidation.plan(state, listing, trader)
    assert plan is not None
    worth = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, keeper)[0]
    exchange.liquidate(state, listing, keeper, trader)
    assert int(state.ledger.balance[listing.size, trader]) == 30 * COIN
    after = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, trader)
    assert after[0] / after[1] == pytest.approx(before[0] / before[1], rel=1e-6)
    gained = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, keeper)[0] - worth
    assert gained == pytest.approx(before[0] / 4, rel=1e-6)


def test_the_price_that_leaves_nothing_is_exact_on_fractions() -> None:
    price, margin, size = Fraction(1_234_567, 1_000), -9_876_543, 12_345
    worth = margin + size * price
    assert unwound_at(price, worth, Fraction(size), Fraction(0)) == Fraction(-margin, size)
    assert float(unwound_at(price, worth, Fraction(size), Fraction(0))) == pytest.approx(
        unwound_at(float(price), float(worth), float(size), 0.0), rel=1e-12
    )


def test_a_wait_is_over_in_its_last_second() -> None:
    assert [is_late(now, 100, 1_800) for now in (1_899, 1_900)] == [False, True]


@pytest.mark.parametrize(("initial", "maintenance"), [(1.0, 1.0), (2.1, 1.1), (1.1, 1.2), (1.1, 1.0)])
def test_ratios_that_make_no_margin_are_refused(initial: float, maintenance: float) -> None:
    with pytest.raises(ValueError, match="allowed above 1"):
        Collateralised(initial, maintenance)


def test_in_the_game_keepers_take_parts_over_at_the_bankruptcy_price_and_nobody_else_pays() -> None:
    record = run(find("given-in-proportion"))
    told = record.events.loc[record.events["kind"] == "liquidation", "numbers"].tolist()
    assert sum(one["taker"] == "keeper" for one in told) > 10
    assert record.metrics["dex.deficit"] < 1e-3  # what the price in whole units rounds off
    assert np.isfinite([one["price"] for one in told if one["taker"] == "keeper"]).all()
