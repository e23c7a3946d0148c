"""Concentrated liquidity: the contract's own numbers, and what a pool owes to those who provide."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pytest
from machine import CASH, COIN, PRICE, exchange_for, only, open_world

from experiments.validation import uniswap_v3
from experiments.validation.base import Missing
from experiments.validation.replays import tally
from protocol import errors, exchange, laws
from protocol.state import Listing, State
from protocol.venues.concentrated import ConcentratedPool
from protocol.venues.tick_math import (
    HIGHEST_TICK,
    LOWEST_TICK,
    Q96,
    price_at,
    tick_at,
)

MOST = (1 << 128) - 1


# ---------------------------------------------------------------------- the contract's own numbers


@pytest.mark.parametrize("tick", [0, 1, -1, 60, -60, 10_000, -123_457, 500_001, HIGHEST_TICK, LOWEST_TICK])
def test_the_price_of_a_tick_is_a_power_of_its_base(tick: int) -> None:
    with localcontext() as context:
        context.prec = 80
        exact = (Decimal("1.0001") ** tick).sqrt() * Q96
        assert abs(price_at(tick) - exact) <= 1 + exact * Decimal(2) ** -60
    assert tick_at(price_at(tick)) == tick
    assert tick_at(price_at(tick) - 1) == tick - 1


def test_every_recorded_call_leaves_the_numbers_of_the_contract() -> None:
    try:
        found = tally(uniswap_v3.replay())
    except Missing as missing:
        pytest.skip(str(missing))
    assert found.off == []
    assert found.exact == found.graded == 880
    assert min(found.actions[name] for name in ("mint", "burn", "collect", "swap")) >= 24, found.actions


# ---------------------------------------------------------------------- a pool in an exchange


def opened(**changes: Any) -> tuple[State, Listing, list[int], ConcentratedPool]:
    venue = ConcentratedPool(**changes)
    state, traders = open_world(exchange_for(venue))
    return state, only(state)[1], traders, venue


def wallet(state: State, listing: Listing, account: int) -> tuple[int, int]:
    return int(state.ledger.balance[listing.base, account]), int(state.ledger.balance[listing.house.token, account])


def around(state: State, listing: Listing, venue: ConcentratedPool, width: float = 1.05) -> tuple[int, int]:
    return venue.span(PRICE / width, PRICE * width, listing)


def test_who_comes_and_goes_gets_back_what_it_brought_and_never_more() -> None:
    state, listing, (me, *_), venue = opened()
    low, high = around(state, listing, venue)
    before = wallet(state, listing, me)
    liquidity = exchange.provide_range(state, listing, me, low, high, 100 * COIN, 200_000 * CASH)
    exchange.remove_range(state, listing, me, low, high, liquidity)
    after = wallet(state, listing, me)
    assert all(0 <= was - now <= 1 for was, now in zip(before, after, strict=True))
    assert not [one for one in venue.held(state, listing) if one.account == me]
    laws.check(state)


def test_fees_go_to_those_whose_range_the_price_is_in_by_their_liquidity() -> None:
    state, listing, (near, far, trader, _), venue = opened(fee=0.01)
    low, high = around(state, listing, venue)
    mine = exchange.provide_range(state, listing, near, low, high, 100 * COIN, 200_000 * CASH)
    away = venue.span(PRICE * 1.3, PRICE * 1.5, listing)
    exchange.provide_range(state, listing, far, *away, 100 * COIN, 0)
    all_of_it = state.tables[listing.path + ".pool"].liquidity

    owed = exchange.trade(state, listing, trader, COIN).owed
    fees = exchange.remove_range(state, listing, near, low, high, 0)
    assert fees[0] == 0
    assert fees[1] == pytest.approx(0.01 * owed * mine / all_of_it, abs=3)
    assert exchange.remove_range(state, listing, far, *away, 0) == (0, 0)
    laws.check(state)


def test_a_range_is_all_cash_above_it_and_all_base_below_it() -> None:
    state, listing, (me, trader, *_), venue = opened()
    low, high = around(state, listing, venue, 1.02)
    exchange.provide_range(state, listing, me, low, high, 100 * COIN, 200_000 * CASH)
    exchange.trade(state, listing, trader, venue.size_to(state, listing, PRICE * 1.05))
    (up,) = [one for one in venue.held(state, listing) if one.account == me]
    exchange.trade(state, listing, trader, venue.size_to(state, listing, PRICE / 1.05))
    (down,) = [one for one in venue.held(state, listing) if one.account == me]
    assert up.cash > 0
    assert down.base > 0
    assert up.base * PRICE / COIN < 0.01 * up.cash / CASH  # fees alone
    assert down.cash / CASH < 0.01 * down.base * PRICE / COIN


@pytest.mark.parametrize("target", [0.8, 0.99, 1.0, 1.01, 1.2])
def test_the_size_to_a_price_brings_the_mid_there(target: float) -> None:
    state, listing, (me, trader, *_), venue = opened()
    exchange.provide_range(state, listing, me, *around(state, listing, venue), 50 * COIN, 100_000 * CASH)
    size = venue.size_to(state, listing, PRICE * target)
    if size:
        exchange.trade(state, listing, trader, size)
    assert venue.mid(state, listing) == pytest.approx(PRICE * target, rel=1e-6)


def test_the_last_provider_out_leaves_no_more_than_what_rounding_left() -> None:
    state, listing, (me, trader, *_), venue = opened()
    exchange.provide_range(state, listing, me, *around(state, listing, venue), 50 * COIN, 100_000 * CASH)
    for size in (3 * COIN + 1, -7 * COIN - 5, 11, 4 * COIN):
        exchange.trade(state, listing, trader, size)
    for one in venue.held(state, listing):
        exchange.remove_range(state, listing, one.account, one.low, one.high, one.liquidity)
    assert state.tables[listing.path + ".pool"].order == []
    assert max(wallet(state, listing, listing.desk)) <= 20
    laws.check(state)


def test_without_liquidity_nothing_is_filled_and_the_price_stays() -> None:
    state, listing, (trader, *_), venue = opened()
    for one in venue.held(state, listing):
        exchange.remove_range(state, listing, one.account, one.low, one.high, one.liquidity)
    for size in (1, -1, COIN):
        with pytest.raises(errors.DepthExceeded):
            exchange.trade(state, listing, trader, size)
    assert venue.mid(state, listing) == pytest.approx(PRICE)


def test_each_refusal_of_a_range_has_its_reason() -> None:
    state, listing, (me, other, *_), venue = opened()
    low, high = around(state, listing, venue)
    for bad in ((low + 1, high), (high, low), (low, low), (-887_280, high), (low, 887_280)):
        with pytest.raises(errors.BadRange):
            exchange.provide_range(state, listing, me, *bad, COIN, CASH)
    for base, cash in ((0, 0), (-1, CASH), (COIN, -1)):
        with pytest.raises(errors.NothingToDo):
            exchange.provide_range(state, listing, me, low, high, base, cash)
    with pytest.raises(errors.InsufficientBalance):
        exchange.provide_range(state, listing, me, low, high, 10**6 * COIN, 10**10 * CASH)
    state, listing, (me, other, *_), venue = opened()
    liquidity = exchange.provide_range(state, listing, me, low, high, COIN, 2_000 * CASH)
    for account, units in ((me, liquidity + 1), (other, 1)):
        with pytest.raises(errors.InsufficientBalance):
            exchange.remove_range(state, listing, account, low, high, units)
    for account, units in ((other, 0), (me, -1)):
        with pytest.raises(errors.NothingToDo):
            exchange.remove_range(state, listing, account, low, high, units)


@pytest.mark.parametrize("wrong", [{"liquidity": 0.0}, {"width": 1.0}, {"fee": 1.0}, {"fee": -0.1}, {"spacing": 0}])
def test_a_pool_that_makes_no_sense_cannot_be_built(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        ConcentratedPool(**wrong)
