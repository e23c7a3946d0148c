"""The batch auction: one price, found as the source finds it; sealed until it clears; and nobody carried who cannot be."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import CASH, COIN, PRICE, Told, exchange_for, market_for, open_world, tell

from protocol import errors, exchange, laws
from protocol.clearing import Batch
from protocol.funding.unfunded import Unfunded
from protocol.instruments.future import Future
from protocol.instruments.token import Token
from protocol.liquidations.full import Full
from protocol.liquidations.partial import Partial
from protocol.state import Listing, State
from protocol.vault import Vault
from protocol.venues.base import QUEUED
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.ration import ProRata, TimePriority
from protocol.venues.uniform_price import allot, crossing
from protocol.world import Market


def opened(tokens: bool = False, **changes: Any) -> tuple[State, Listing, list[int]]:
    venue = BatchAuction(**changes)
    rules = (
        exchange_for(markets=(Market("spot", Token(), Told(), venue, Unfunded()),)) if tokens else exchange_for(venue)
    )
    state, traders = open_world(rules, traders=6)
    return state, state.listings[0][0], traders


def bid(state: State, listing: Listing, *orders: tuple[int, float, float]) -> None:
    """(account, coins, limit) each."""
    for account, coins, limit in orders:
        assert isinstance(exchange.trade(state, listing, account, int(coins * COIN), limit), exchange.Queued)


def clear(state: State, listing: Listing) -> exchange.Cleared | None:
    state.time = max(state.time, state.tables[listing.path + ".due"])
    tell(state, state.tables[listing.path + ".oracle"][0], listing)
    found = exchange.close_block(state)
    laws.check(state)
    return found[0] if found else None


def held(state: State, listing: Listing, account: int) -> float:
    return float(state.ledger.balance[listing.size, account] / COIN)


# ---------------------------------------------------------------------- the price

orders = st.lists(st.tuples(st.integers(90, 110), st.integers(-9, 9).filter(bool)), min_size=1, max_size=12)


@given(orders, st.integers(80, 120))
def test_the_price_trades_the_most_and_leaves_nobody_who_would_rather_trade(book: Any, reference: int) -> None:
    ticks, size = np.array(book, np.int64).T
    price = crossing(ticks, size, reference)
    volumes = {
        p: min(int(size[(size > 0) & (ticks >= p)].sum()), -int(size[(size < 0) & (ticks <= p)].sum()))
        for p in range(80, 121)
    }
    if price is None:
        assert max(volumes.values()) == 0
        return
    assert volumes[price] == max(volumes.values()) > 0
    for ration in (ProRata(), TimePriority()):
        parts = allot(ticks, size, price, ration)
        assert parts.sum() == 0
        assert np.abs(parts).sum() == 2 * volumes[price]
        assert ((parts * size >= 0) & (np.abs(parts) <= np.abs(size))).all()
        assert ((price - ticks) * np.sign(parts) <= 0).all()  # nobody trades beyond its limit
        better = (price - ticks) * np.sign(size) < 0
        assert (parts[better] == size[better]).all()  # whoever would pay more than the price is served whole


@pytest.mark.parametrize(("reference", "price"), [(90, 95), (100, 100), (120, 105)])
def test_along_an_interval_the_price_nearest_to_the_reference_is_taken(reference: int, price: int) -> None:
    assert crossing(np.array([105, 95]), np.array([5, -5]), reference) == price


def test_where_one_side_wants_more_its_marginal_limit_is_the_price() -> None:
    assert crossing(np.array([105, 95]), np.array([10, -5]), 100) == 105
    assert crossing(np.array([105, 95]), np.array([5, -10]), 100) == 95


def test_the_margin_is_shared_in_proportion_or_by_arrival() -> None:
    wanted = np.array([30, 10, 20])
    assert ProRata().share(wanted, 30).tolist() == [15, 5, 10]
    assert ProRata().share(wanted, 31).tolist() == [16, 5, 10]
    assert TimePriority().share(wanted, 35).tolist() == [30, 5, 0]
    huge = np.array([2**62, 2**61])
    assert ProRata().share(huge, 3 * 2**60).tolist() == [2**61, 2**60]


# ---------------------------------------------------------------------- the course of an auction


@pytest.mark.parametrize("tokens", [False, True])
def test_all_trade_at_one_price_when_the_interval_ends_and_not_before(tokens: bool) -> None:
    state, listing, (a, b, c, *_) = opened(tokens, interval=12.0)
    row = listing.base if tokens else listing.size
    bid(state, listing, (a, 2, PRICE + 5), (b, 1, math.nan), (c, -3, PRICE + 1))
    before = state.ledger.balance[row].copy()
    state.time = 11.9
    tell(state, PRICE)
    assert exchange.close_block(state) == ()
    cleared = clear(state, listing)
    assert cleared is not None
    assert cleared.code.tolist() == [0, 0, 0]
    assert ((state.ledger.balance[row] - before) / COIN)[[a, b, c]].tolist() == [2, 1, -3]
    price = state.tables[listing.path + ".last"]
    assert price == pytest.approx(PRICE + 1)  # nearest to the index of what clears it
    assert (cleared.owed / cleared.size * COIN / CASH).tolist() == pytest.approx([price] * 3)
    assert state.market(listing).venue.mid(state, listing) == price
    assert int(state.ledger.balance[row, listing.desk]) == 0


def test_plain_orders_go_after_one_auction_and_posted_ones_stay_until_filled() -> None:
    state, listing, (a, b, *_) = opened()
    bid(state, listing, (a, 1, PRICE - 5))
    number = exchange.post(state, listing, b, -3 * COIN, PRICE + 5)
    cleared = clear(state, listing)
    assert cleared is not None
    assert (cleared.account.tolist(), cleared.code.tolist()) == ([a], [errors.SlippageExceeded.code])
    venue: Any = state.market(listing).venue
    assert venue.resting(state, listing, a).size.tolist() == []
    bid(state, listing, (a, 1, PRICE + 6))
    clear(state, listing)
    left = venue.resting(state, listing, b)
    assert (left.order.tolist(), left.size.tolist()) == ([number], [-2 * COIN])
    exchange.cancel(state, listing, b, number)
    assert exchange.cancel_all(state, listing, b) == 0


def test_whoever_cannot_carry_its_part_is_passed_over_and_the_price_found_anew() -> None:
    state, listing, (poor, rich, seller, *_) = opened()
    exchange.withdraw(state, listing.house, poor, 99_990 * CASH)
    bid(state, listing, (poor, 2, PRICE + 20), (rich, 2, PRICE + 10), (seller, -2, PRICE - 10))
    without = state.save()
    cleared = clear(state, listing)
    assert cleared is not None
    assert dict(zip(cleared.account.tolist(), cleared.code.tolist(), strict=True)) == {
        poor: errors.UnderMargined.code,
        rich: 0,
        seller: 0,
    }
    assert [held(state, listing, who) for who in (poor, rich, seller)] == [0, 2, -2]
    rows = without.tables[listing.path + ".bids"]
    without.put(listing.path + ".bids", rows[rows[:, 2] != poor])
    clear(without, listing)
    assert np.array_equal(without.ledger.balance, state.ledger.balance)


@pytest.mark.parametrize(("ration", "parts"), [(ProRata(), [3, 1]), (TimePriority(), [4, 0])])
def test_the_ration_is_a_parameter(ration: Any, parts: list[int]) -> None:
    state, listing, (first, second, seller, *_) = opened(ration=ration)
    bid(state, listing, (first, 6, PRICE), (second, 2, PRICE), (seller, -4, PRICE))
    clear(state, listing)
    assert [held(state, listing, who) for who in (first, second)] == parts


def test_the_cap_on_open_interest_holds_in_an_auction_and_lets_positions_change_hands() -> None:
    venue = BatchAuction()
    rules = replace(exchange_for(venue), markets=(market_for(venue, name="m0", open_interest_cap=10 * PRICE),))
    state, (a, b, c, *_) = open_world(rules, traders=6)
    listing = state.listings[0][0]
    bid(state, listing, (a, 10, PRICE), (b, -10, PRICE))
    clear(state, listing)
    bid(state, listing, (a, -10, PRICE), (c, 10, PRICE))
    clear(state, listing)
    assert [held(state, listing, who) for who in (a, b, c)] == [0, -10, 10]
    bid(state, listing, (a, 1, PRICE), (b, -1, PRICE))
    cleared = clear(state, listing)
    assert cleared is not None
    assert errors.OpenInterestCapped.code in cleared.code.tolist()
    assert held(state, listing, a) == 0


def test_without_a_usable_index_all_wait_on() -> None:
    state, listing, (a, b, *_) = opened()
    bid(state, listing, (a, 1, PRICE), (b, -1, PRICE))
    state.time += 10_000.0
    assert exchange.close_block(state) == ()
    assert held(state, listing, a) == 0
    clear(state, listing)
    assert held(state, listing, a) == 1


def test_what_waits_for_a_contract_that_has_expired_is_dropped_and_fills_nothing() -> None:
    future = Future(expiry=100.0, window=60.0)
    dated = Market(name="FUT", instrument=future, venue=BatchAuction(), funding=Unfunded(), index="PERP")
    rules = exchange_for(markets=(market_for(OraclePool(), name="PERP"), dated), vault=Vault(), liquidation=Partial())
    state, (a, b, *_) = open_world(rules)
    listing = state.listings[0][1]
    state.time = 99.0
    tell(state, PRICE)
    for who, side in ((a, 1), (b, -1)):
        exchange.post(state, listing, who, side * COIN, PRICE - 100.0)
    before = state.ledger.balance.copy()
    state.time = 110.0
    tell(state, PRICE)
    (cleared,) = exchange.close_block(state)
    assert cleared.code.tolist() == [errors.Expired.code] * 2
    assert (state.ledger.balance == before).all()
    assert len(state.tables[listing.path + ".bids"]) == 0
    assert exchange.close_block(state) == ()


@pytest.mark.parametrize("stale", [1, 2])
def test_whoever_stands_in_a_market_without_index_is_passed_over(stale: int) -> None:
    rules = exchange_for(BatchAuction(), OraclePool())
    state, (*holders, other, seller) = open_world(rules, traders=stale + 2)
    listing, pool = state.listings[0]
    for holder in holders:
        exchange.trade(state, pool, holder, COIN)
    ends = (other, seller) if stale == 1 else ()
    bid(state, listing, *((who, 1, PRICE) for who in holders))
    bid(state, listing, *((who, side, PRICE) for who, side in zip(ends, (1, -1), strict=False)))
    state.time = 1_000.0
    tell(state, PRICE, listing)
    (cleared,) = exchange.close_block(state)
    assert cleared.code.tolist() == [errors.StalePrice.code] * stale + [0] * len(ends)
    assert [held(state, listing, who) for who in ends] == [1, -1][: len(ends)]


def test_an_auction_undone_leaves_no_trace() -> None:
    state, listing, (a, b, *_) = opened()
    bid(state, listing, (a, 1, PRICE), (b, -1, PRICE))
    state.time = 12.0
    before, mark = state.digest(), state.mark()
    exchange.close_block(state)
    after = state.digest()
    state.rewind(mark)
    assert state.digest() == before
    exchange.close_block(state)
    assert state.digest() == after != before


# ---------------------------------------------------------------------- sealed


def test_nothing_that_a_player_is_told_depends_on_what_others_have_bid() -> None:
    state, listing, (me, other, third, *_) = opened()
    bid(state, listing, (me, 1, PRICE))
    told = []
    for more in ((), ((other, 5, PRICE + 3), (third, -2, PRICE - 1)), ((other, -90, math.nan),)):
        here = state.save()
        bid(here, listing, *more)
        venue: Any = here.market(listing).venue
        mine = venue.resting(here, listing, me)
        cost = venue.cost(here, listing, np.array([COIN, -COIN]))
        tried = exchange.trade(here, listing, me, COIN)
        terms = here.exchange(listing.house).margin.standing(here, listing.house, 0, me)
        told.append((venue.mid(here, listing), mine.size.tolist(), np.isnan(cost).tolist(), tried, terms))
    assert told[0] == told[1] == told[2]
    assert told[0][2] == [True, True]


# ---------------------------------------------------------------------- what is refused


def test_a_bid_that_is_none_or_finds_no_room_is_refused() -> None:
    state, listing, (a, *_) = opened()
    assert exchange.fill(state, listing, Batch(np.array([a]), np.array([2**51]), np.array([PRICE]))).code[0] > 0
    state, listing, (a, *_) = opened(slots=1)
    batch = Batch(np.array([a] * 4), np.array([0, COIN, 2**60, COIN]), np.array([PRICE, -1.0, PRICE, PRICE]))
    expected = [errors.NothingToDo.code, errors.NothingToDo.code, errors.DepthExceeded.code, QUEUED]
    assert exchange.fill(state, listing, batch).code.tolist() == expected
    with pytest.raises(errors.BookFull):
        exchange.trade(state, listing, a, COIN)


def test_claims_in_an_auction_need_keepers_who_take_over() -> None:
    with pytest.raises(ValueError, match="no forced sale finds depth"):
        replace(exchange_for(BatchAuction()), liquidation=Full())


def test_a_debtor_in_an_auction_is_taken_over_by_a_keeper() -> None:
    state, listing, (debtor, other, keeper, *_) = opened()
    bid(state, listing, (debtor, 400, PRICE), (other, -400, PRICE))
    clear(state, listing)
    tell(state, PRICE * 0.91)
    exchange.liquidate(state, listing, keeper, debtor)
    assert held(state, listing, keeper) > 0
    laws.check(state)


@pytest.mark.parametrize("wrong", [{"interval": 0.0}, {"tick": 0.0}, {"slots": 0}, {"reach": 1.0}])
def test_an_auction_that_never_is_cannot_be_built(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        BatchAuction(**wrong)
