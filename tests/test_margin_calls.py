"""Margin calls: made once a day, answered or not, and carried out by people who go home in the evening."""

from __future__ import annotations

import pytest
from machine import CASH, COIN, PRICE, exchange_for, open_world, tell

from protocol import exchange
from protocol.errors import Healthy, InAuction, NothingToDo, TooEarly
from protocol.liquidations.cases import case_of
from protocol.liquidations.margin_calls import DAY, HOUR, MarginCalls
from protocol.state import Listing, State
from protocol.venues.oracle_pool import OraclePool

MONDAY_8 = MarginCalls(begins=8.0 * HOUR)


def fallen(rule: MarginCalls, move: float = 0.07) -> tuple[State, Listing, int, int]:
    """One long below maintenance from time 0 on, and a keeper."""
    state, (debtor, keeper, *_) = open_world(exchange_for(OraclePool(), liquidation=rule), stake=10_000)
    listing = state.listings[0][0]
    exchange.trade(state, listing, debtor, 45 * COIN)
    exchange.deposit(state, state.houses[0], keeper, 500_000 * CASH)
    tell(state, PRICE * (1 - move))
    return state, listing, debtor, keeper


def at(state: State, hours: float, price: float = PRICE * 0.93) -> None:
    """Time goes on to so many hours after the start, at an index."""
    state.time = hours * HOUR
    tell(state, price)


@pytest.mark.parametrize(
    ("hours", "seconds"),
    [(0.0, 0.0), (1.0, 0.0), (2.5, 1.5 * HOUR), (9.0, 8 * HOUR), (16.0, 8 * HOUR), (26.0, 9 * HOUR)],
)
def test_business_time_stands_still_at_night(hours: float, seconds: float) -> None:
    assert MONDAY_8.business(hours * HOUR) == pytest.approx(seconds)


def test_business_time_stands_still_at_the_weekend() -> None:
    friday = 4 * DAY
    assert MONDAY_8.is_open(friday + 2 * HOUR)
    for day in (5, 6):
        assert not any(MONDAY_8.is_open(day * DAY + hour * HOUR) for hour in range(16))
    assert MONDAY_8.is_open(7 * DAY + 2 * HOUR)
    assert MONDAY_8.business(friday + 9 * HOUR) == MONDAY_8.business(6 * DAY) == 40 * HOUR
    assert MONDAY_8.business(7 * DAY + 2 * HOUR) == 41 * HOUR


def test_nobody_is_called_before_the_round_and_nobody_after_it() -> None:
    state, listing, debtor, keeper = fallen(MONDAY_8)
    for hours in (0.0, 0.99, 1.26, 5.0, 20.0):
        at(state, hours)
        with pytest.raises(NothingToDo):
            exchange.bark(state, listing, keeper, debtor)
    at(state, 25.1)
    started = exchange.bark(state, listing, keeper, debtor)
    assert started.reward == 2 * CASH
    with pytest.raises(InAuction):
        exchange.bark(state, listing, keeper, debtor)


def test_what_is_called_may_be_sold_after_the_delay_and_not_before() -> None:
    state, listing, debtor, keeper = fallen(MONDAY_8)
    at(state, 1.0)
    exchange.bark(state, listing, keeper, debtor)
    at(state, 1.99)
    assert state.exchange(listing.house).liquidation.plan(state, listing, debtor) is None
    at(state, 2.0)
    done = exchange.liquidate(state, listing, keeper, debtor)
    assert done.size == -45 * COIN
    assert (done.opened, done.rounds) == (1.0 * HOUR, 1)
    assert case_of(state, listing, debtor) is None


def test_an_answer_ends_the_matter() -> None:
    state, listing, debtor, keeper = fallen(MONDAY_8)
    at(state, 1.0)
    exchange.bark(state, listing, keeper, debtor)
    exchange.deposit(state, listing.house, debtor, 20_000 * CASH)
    at(state, 3.0)
    with pytest.raises(Healthy):
        exchange.liquidate(state, listing, keeper, debtor)
    exchange.lift(state, listing, debtor)
    assert case_of(state, listing, debtor) is None


def test_a_call_that_the_evening_overtakes_is_made_again_the_next_day() -> None:
    late = MarginCalls(begins=8.0 * HOUR, due=16.5 * HOUR)
    state, listing, debtor, keeper = fallen(late)
    at(state, 8.5)
    exchange.bark(state, listing, keeper, debtor)
    for hours in (9.0, 20.0, 25.4):  # evening, night, and the delay is not over the next morning
        at(state, hours)
        assert late.plan(state, listing, debtor) is None
        with pytest.raises(TooEarly):
            exchange.redo(state, listing, keeper, debtor)
    at(state, 25.6)  # half an hour of yesterday, and 36 minutes of today
    assert late.plan(state, listing, debtor) is not None
    at(state, 32.6)
    assert late.plan(state, listing, debtor) is None  # the next round voids it
    assert exchange.redo(state, listing, keeper, debtor).rounds == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("begins", -1.0),
        ("opening", 18 * HOUR),
        ("closing", 25 * HOUR),
        ("due", 8 * HOUR),
        ("days", 0),
        ("round", 0.0),
        ("delay", -1.0),
        ("routes", ()),
        ("tip", -1.0),
    ],
)
def test_a_house_that_makes_no_sense_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{field} = "):
        MarginCalls(**{field: value})  # type: ignore[arg-type]
