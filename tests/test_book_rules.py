"""The order book's parameters: what self-trade does, whose orders one sees, and a book of tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Told, exchange_for, open_world, tell

from protocol import errors, exchange, laws
from protocol.clearing import Batch
from protocol.funding.unfunded import Unfunded
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.state import Listing, State
from protocol.venues.order_book import OrderBook
from protocol.venues.owners import NOBODY, Hidden, Owners, Shown
from protocol.venues.self_trade import CancelMaker, CancelTaker, DecrementBoth
from protocol.world import Market


def opened(venue: OrderBook, tokens: bool = False) -> tuple[State, Listing, list[int]]:
    rules = exchange_for(venue)
    if tokens:
        rules = exchange_for(markets=(Market("spot", Token(), Told(), venue, Unfunded()),))
    state, traders = open_world(rules)
    return state, state.listings[0][0], traders


def held(state: State, listing: Listing, account: int) -> int:
    row = listing.size if listing.size >= 0 else listing.base
    return int(state.ledger.balance[row, account])


def rests(state: State, listing: Listing, account: int) -> list[int]:
    venue: Any = state.market(listing).venue
    return venue.resting(state, listing, account).size.tolist()


# ---------------------------------------------------------------------- self-trade


@pytest.mark.parametrize("tokens", [False, True])
def test_cancel_maker_takes_the_resting_order_off_and_lets_the_taker_go_on(tokens: bool) -> None:
    state, listing, (me, other, *_) = opened(OrderBook(self_trade=CancelMaker()), tokens)
    exchange.post(state, listing, me, -COIN, PRICE + 1)
    exchange.post(state, listing, other, -COIN, PRICE + 2)
    before = held(state, listing, me)
    assert exchange.trade(state, listing, me, COIN).owed == (PRICE + 2) * CASH
    assert held(state, listing, me) == before + COIN
    assert rests(state, listing, me) == []


@pytest.mark.parametrize("tokens", [False, True])
def test_cancel_taker_refuses_the_taker_by_name_and_leaves_what_rests(tokens: bool) -> None:
    state, listing, (me, other, *_) = opened(OrderBook(self_trade=CancelTaker()), tokens)
    exchange.post(state, listing, other, -COIN, PRICE + 0.5)
    exchange.post(state, listing, me, -COIN, PRICE + 1)
    before, mark = state.digest(), state.mark()
    with pytest.raises(errors.SelfTrade):
        exchange.trade(state, listing, me, 2 * COIN)
    state.rewind(mark)
    assert state.digest() == before
    exchange.trade(state, listing, me, COIN)
    assert rests(state, listing, me) == [-COIN]


@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize(("mine", "asked", "traded"), [(1, 3, 2), (3, 3, 0), (4, 3, 0)])
def test_decrement_both_takes_what_they_have_in_common_off_both(
    tokens: bool, mine: int, asked: int, traded: int
) -> None:
    state, listing, (me, other, *_) = opened(OrderBook(self_trade=DecrementBoth()), tokens)
    exchange.post(state, listing, me, -mine * COIN, PRICE + 1)
    exchange.post(state, listing, other, -5 * COIN, PRICE + 2)
    before = held(state, listing, me)
    done = exchange.trade(state, listing, me, asked * COIN)
    assert (done.size, done.owed) == (traded * COIN, traded * (PRICE + 2) * CASH)
    assert held(state, listing, me) == before + traded * COIN
    assert rests(state, listing, me) == ([-(mine - asked) * COIN] if mine > asked else [])
    assert rests(state, listing, other) == [-(5 - traded) * COIN]
    laws.check(state)


@pytest.mark.parametrize("rule", [CancelMaker(), CancelTaker(), DecrementBoth()])
def test_no_rule_shields_a_debtor_from_being_sold(rule: Any) -> None:
    state, listing, (debtor, other, keeper, buyer) = opened(OrderBook(self_trade=rule))
    exchange.post(state, listing, other, -400 * COIN, PRICE)
    exchange.trade(state, listing, debtor, 400 * COIN)
    exchange.post(state, listing, debtor, COIN, PRICE * 0.94)
    tell(state, PRICE * 0.9)
    exchange.post(state, listing, buyer, 400 * COIN, PRICE * 0.9)
    exchange.liquidate(state, listing, keeper, debtor)
    assert held(state, listing, debtor) == 0
    assert rests(state, listing, debtor) == []


# ---------------------------------------------------------------------- owners


@pytest.mark.parametrize(
    ("rule", "told"), [(Shown(), lambda me, other: [me, other]), (Hidden(), lambda me, _: [me, NOBODY])]
)
def test_a_viewer_sees_every_order_and_the_owners_it_may(rule: Owners, told: Any) -> None:
    state, listing, (me, other, stranger, _) = opened(OrderBook(owners=rule))
    exchange.post(state, listing, me, COIN, PRICE - 1)
    exchange.post(state, listing, other, -2 * COIN, PRICE + 1)
    venue: Any = state.market(listing).venue
    seen = venue.shelf(state, listing, me)
    assert seen.size.tolist() == [COIN, -2 * COIN]
    assert seen.owner.tolist() == told(me, other)
    from_outside = venue.shelf(state, listing, stranger)
    assert from_outside.size.tolist() == seen.size.tolist()
    assert from_outside.owner.tolist() == ([me, other] if isinstance(rule, Shown) else [NOBODY, NOBODY])
    seen.owner[:] = 0  # a copy
    assert venue.owner(state, listing, int(seen.order[1])) == other


# ---------------------------------------------------------------------- tokens


def test_a_token_book_delivers_against_payment_to_the_unit() -> None:
    state, listing, (maker, taker, *_) = opened(OrderBook(), tokens=True)
    token = listing.house.token
    exchange.post(state, listing, maker, -3 * COIN, PRICE + 1)
    before = state.ledger.balance.copy()
    owed = exchange.trade(state, listing, taker, 2 * COIN + 1).owed
    change = state.ledger.balance - before
    assert owed == 2 * (PRICE + 1) * CASH + 21  # a unit of base is worth 20.01 units of cash, rounded against the taker
    assert (change[listing.base, taker], change[token, taker]) == (2 * COIN + 1, -owed)
    assert (change[listing.base, maker], change[token, maker]) == (-2 * COIN - 1, owed)
    assert np.abs(change).sum() == 2 * (2 * COIN + 1 + owed)
    laws.check(state)


def test_an_order_for_tokens_must_be_backed_together_with_its_owners_others() -> None:
    state, listing, (maker, *_) = opened(OrderBook(), tokens=True)
    exchange.post(state, listing, maker, -600 * COIN, PRICE + 1)  # of 1,000 base coins
    with pytest.raises(errors.InsufficientBalance):
        exchange.post(state, listing, maker, -401 * COIN, PRICE + 2)
    exchange.post(state, listing, maker, -400 * COIN, PRICE + 2)
    exchange.post(state, listing, maker, 440 * COIN, PRICE - 1)  # of 900,000 cash coins
    with pytest.raises(errors.InsufficientBalance):
        exchange.post(state, listing, maker, 11 * COIN, PRICE - 2)


@pytest.mark.parametrize("side", [1, -1])
def test_tokens_that_are_gone_at_the_fill_are_passed_over(side: int) -> None:
    state, listing, (poor, rich, taker, _) = opened(OrderBook(), tokens=True)
    exchange.post(state, listing, poor, -side * 10 * COIN, PRICE + side)
    exchange.post(state, listing, rich, -side * 10 * COIN, PRICE + 2 * side)
    row = listing.base if side > 0 else listing.house.token
    state.ledger.move(row, poor, WORLD, held_of(state, row, poor), Reason.WITHDRAW)
    owed = exchange.trade(state, listing, taker, side * COIN).owed
    assert owed == side * (PRICE + 2 * side) * CASH
    assert rests(state, listing, poor) == []
    laws.check(state)


def test_a_taker_without_the_tokens_leaves_no_mark() -> None:
    state, listing, (maker, taker, *_) = opened(OrderBook(), tokens=True)
    exchange.post(state, listing, maker, -900 * COIN, PRICE + 1)
    exchange.post(state, listing, maker, 400 * COIN, PRICE - 1)
    state.ledger.move(listing.base, taker, WORLD, 999 * COIN, Reason.WITHDRAW)
    before = state.digest()
    sizes = np.array([500, -2]) * COIN
    fills = exchange.fill(state, listing, Batch(np.array([taker, taker]), sizes, np.array([np.nan, np.nan])))
    assert fills.code.tolist() == [errors.InsufficientBalance.code] * 2
    assert state.digest() == before


def held_of(state: State, row: int, account: int) -> int:
    return int(state.ledger.balance[row, account])
