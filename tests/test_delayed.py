"""Two-step orders: at which index a request is executed, when it lapses, and what its owner may do meanwhile."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Told, exchange_for, market_for, only, open_world, tell

from experiments.defences.delayed_execution import DelayedExecution
from experiments.run import run
from experiments.scenario import find
from protocol import errors, exchange, laws, surface
from protocol.clearing import Batch
from protocol.funding.unfunded import Unfunded
from protocol.instruments.future import Future
from protocol.instruments.option import Option
from protocol.oracles.base import Reading, Status
from protocol.state import Listing, State
from protocol.surface import Surface
from protocol.units import SECONDS_PER_DAY
from protocol.venues.base import QUEUED
from protocol.venues.delayed_pool import DelayedPool
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Market


def opened(**changes: float) -> tuple[State, Listing, list[int]]:
    venue = DelayedPool(spread=0.001, skew_scale=1e12, **changes)
    state, traders = open_world(exchange_for(venue))
    return state, only(state)[1], traders


def close(state: State, seconds: float) -> tuple[exchange.Cleared, ...]:
    state.time += seconds
    found = exchange.close_block(state)
    laws.check(state)
    return found


def test_a_request_is_executed_at_the_first_index_from_after_it_and_at_no_other() -> None:
    state, listing, (trader, *_) = opened()
    state.time = 10.0
    tell(state, PRICE)  # known when the order is made
    assert isinstance(exchange.trade(state, listing, trader, COIN), exchange.Queued)
    assert close(state, 6.0) == ()
    tell(state, 2_100.0)
    (cleared,) = close(state, 6.0)
    assert (cleared.account.tolist(), cleared.size.tolist(), cleared.code.tolist()) == ([trader], [COIN], [0])
    assert cleared.owed[0] / CASH == pytest.approx(2_100.0 * 1.0005, rel=1e-9)
    assert state.ledger.balance[listing.size, listing.desk] == -COIN


def test_the_index_must_be_newer_by_more_than_the_delay() -> None:
    state, listing, (trader, *_) = opened(delay=5.0)
    exchange.trade(state, listing, trader, COIN)
    state.time = 5.0
    tell(state, PRICE)
    assert exchange.close_block(state) == ()
    state.time = 5.5
    tell(state, PRICE)
    assert len(exchange.close_block(state)) == 1


def test_a_request_that_sees_no_new_index_lapses_and_its_owner_withdraws_nothing_before() -> None:
    state, listing, (trader, other, *_) = opened(patience=60.0)
    exchange.trade(state, listing, trader, COIN)
    with pytest.raises(errors.Unsettled):
        exchange.withdraw(state, state.houses[0], trader, CASH)
    exchange.withdraw(state, state.houses[0], other, CASH)
    assert close(state, 59.0) == ()
    (cleared,) = close(state, 1.0)
    assert cleared.code.tolist() == [errors.StalePrice.code]
    exchange.withdraw(state, state.houses[0], trader, CASH)


def test_limits_margin_and_slots_are_asked_for_and_money_is_kept() -> None:
    state, listing, traders = opened(slots=4)
    size = np.array([COIN, COIN, 10_000 * COIN, -COIN, COIN])
    limit = np.array([2_100.0, 2_010.0, math.nan, math.nan, math.nan])
    fills = exchange.fill(state, listing, Batch(np.array([*traders, traders[0]]), size, limit))
    assert fills.code.tolist() == [QUEUED] * 4 + [errors.BookFull.code]
    state.time = 6.0
    tell(state, 2_050.0)
    (cleared,) = exchange.close_block(state)
    assert cleared.code.tolist() == [0, errors.SlippageExceeded.code, errors.UnderMargined.code, 0]
    assert state.ledger.balance[listing.size, traders].tolist() == [COIN, 0, 0, -COIN]
    laws.check(state)


def test_what_waits_when_its_contract_expires_is_dropped() -> None:
    dated = market_for(DelayedPool(), instrument=Future(expiry=100.0, window=10.0))
    state, (trader, *_) = open_world(exchange_for(DelayedPool(), markets=(dated,)))
    exchange.trade(state, only(state)[1], trader, COIN)
    state.time = 100.0
    tell(state, PRICE)
    (cleared,) = exchange.close_block(state)
    assert cleared.code.tolist() == [errors.Expired.code]


def test_a_game_with_two_step_orders_keeps_every_law() -> None:
    scenario = find("picked-pull")
    world = DelayedExecution().applied(scenario.world)
    assert world is not None
    record = run(dataclasses.replace(scenario, world=world, duration=300.0), check=True)
    assert record.metrics["dex.ETH-PERP.fills"] > 20


# ---------------------------------------------------------------------- the other answers, by their numbers


def test_a_spread_that_follows_age_grows_with_its_root_for_claims_and_options_alike() -> None:
    perp = market_for(OraclePool(spread=0.0, skew_scale=1e15, age_spread=0.0004), name="PERP")
    option = Market(
        name="OPTION",
        instrument=Option(strike=100.0),  # so deep that its delta is one
        venue=OraclePool(spread=0.0, skew_scale=1e15, volatility_spread=0.0, age_spread=0.0004),
        funding=Unfunded(),
        index="PERP",
    )
    state, _ = open_world(exchange_for(OraclePool(), markets=(perp, option), surfaces=(Surface(),)))
    for listing in state.listings[0]:
        venue = state.market(listing).venue
        state.time = 0.0
        fresh = venue.cost(state, listing, np.array([COIN]))[0]
        for age in (9.0, 100.0):
            state.time = age
            extra = (venue.cost(state, listing, np.array([COIN]))[0] - fresh) / CASH
            assert extra == pytest.approx(0.0002 * math.sqrt(age) * PRICE, rel=1e-3)


def test_trades_move_a_bounded_surface_no_further_in_a_day_and_its_keeper_counts_anew() -> None:
    perp = market_for(OraclePool(), name="PERP")
    option = Market(name="OPTION", instrument=Option(), venue=OraclePool(), funding=Unfunded(), index="PERP")
    rules = exchange_for(OraclePool(), markets=(perp, option), surfaces=(Surface(daily=0.02),))
    state, (keeper, *_) = open_world(rules)
    house, week = state.houses[0], 7.0 * SECONDS_PER_DAY

    def level() -> float:
        return surface.volatility(state, house, "ETH", 0.0, week)

    first = level()
    for _ in range(3):
        surface.shift(state, house, "ETH", week, 0.015)
    assert level() == pytest.approx(first + 0.02)
    surface.shift(state, house, "ETH", week, -0.1)
    assert level() == pytest.approx(first - 0.02)
    state.time += SECONDS_PER_DAY
    surface.shift(state, house, "ETH", week, -0.1)
    assert level() == pytest.approx(first - 0.04)
    surface.appoint(state, house, "ETH", keeper)
    exchange.post_surface(state, house, keeper, "ETH", ((0.5,) * 5,) * 3)
    surface.shift(state, house, "ETH", week, 1.0)
    assert level() == pytest.approx(0.52)
    with pytest.raises(ValueError, match=r"daily = 0\.0: must be above 0"):
        Surface(daily=0.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("delay", -1.0),
        ("patience", 0.0),
        ("slots", 0),
        ("spread", 1.0),
        ("skew_scale", 0.0),
        ("confidence_weight", -1.0),
    ],
)
def test_a_pool_of_two_steps_refuses_settings_without_sense(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{field} = {value}: must be "):
        DelayedPool(**{field: value})


def test_requests_are_ready_by_the_time_of_the_reading_alone() -> None:
    state, listing, (trader, *_) = opened(delay=2.0)
    exchange.trade(state, listing, trader, COIN)
    venue = state.market(listing).venue
    assert isinstance(venue, DelayedPool)
    assert isinstance(state.market(listing).oracle, Told)
    found = [bool(venue.ready(state, listing, Reading(PRICE, at, 0.0, Status.FRESH))[0]) for at in (1.0, 2.0, 2.1)]
    assert found == [False, False, True]
