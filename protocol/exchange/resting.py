"""Resting orders: posting to a book or for an auction, and taking off it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from protocol.compiled import compiled
from protocol.errors import (
    AccountIsolated,
    BookFull,
    CrossesBook,
    InAuction,
    InsufficientBalance,
    NotAllowed,
    NothingToDo,
    SlippageExceeded,
    UnderMargined,
    UnknownOrder,
)
from protocol.exchange.admission import need_admission
from protocol.exchange.cases import barred
from protocol.exchange.checks import need_open, need_running, usable_index
from protocol.ledger import Arrays, Bare
from protocol.margins.base import Threshold
from protocol.solvency import Terms, claims, weigh
from protocol.state import Listing, State
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.order_book import OrderBook


def post(state: State, listing: Listing, account: int, size: int, price: float) -> int:
    """Rest an order, on a book or until an auction fills it, at `price` or the tick before it. Returns its number.

    Raises NothingToDo, NotAdmitted, Halted, Expired, CrossesBook, BookFull, StalePrice, SlippageExceeded beyond the book's reach
    of the mark (a few ticks are within it in any case), InAuction, and UnderMargined, AccountIsolated or InsufficientBalance
    where the account could not carry all its orders of that side, claims at the mark and tokens at their prices.
    """
    book = _book(state, listing)
    ticks = book.ticks(size, price)
    if size == 0 or ticks == 0:
        raise NothingToDo(market=listing.name, size=size, price=price)
    need_running(state, listing)
    need_admission(state, state.market(listing).access, account, listing.name)
    need_open(state, listing)
    if book.crosses(state, listing, size, ticks):
        raise CrossesBook(market=listing.name, size=size, price=price)
    if book.is_full(state, listing):
        raise BookFull(market=listing.name, slots=book.slots)
    if len(barred(state, listing.house, np.array([account]))):
        raise InAuction(account=account, market=listing.name)
    mark = state.market(listing).instrument.price(state, listing, usable_index(state, listing).value)
    if not mark / book.reach <= ticks * book.tick <= max(mark, book.tick) * book.reach:
        raise SlippageExceeded(market=listing.name, price=price, mark=mark, reach=book.reach)
    units, value = book.committed(state, listing, account, size)
    if listing.size < 0:
        _need_tokens_if_filled(state, listing, account, size + units, size * ticks * book.tick + value)
    else:
        _need_margin_if_filled(state, listing, account, size + units)

    return book.rest(state, listing, account, size, ticks)


def cancel(state: State, listing: Listing, account: int, order: int) -> None:
    """Take one order off the book. Raises NothingToDo where there is no book, UnknownOrder, NotAllowed."""
    book = _book(state, listing)
    owner = book.owner(state, listing, order)
    if owner < 0:
        raise UnknownOrder(market=listing.name, order=order)
    if owner != account:
        raise NotAllowed(account=account, market=listing.name, order=order)

    book.drop(state, listing, np.array([order]))


def cancel_all(state: State, listing: Listing, account: int) -> int:
    """Take all of an account's orders off the book. Returns how many. Raises NothingToDo where there is no book."""
    book = _book(state, listing)
    orders = book.resting(state, listing, account).order

    if len(orders):
        book.drop(state, listing, orders)
    return len(orders)


def withdraw_orders(state: State, listing: Listing, account: int) -> None:
    """Take all of an account's orders off the book, where there is one: it is up for auction."""
    venue = state.market(listing).venue
    if isinstance(venue, OrderBook | BatchAuction) and len(orders := venue.resting(state, listing, account).order):
        venue.drop(state, listing, orders)


def _book(state: State, listing: Listing) -> OrderBook | BatchAuction:
    venue = state.market(listing).venue
    if not isinstance(venue, OrderBook | BatchAuction):
        raise NothingToDo(market=listing.name, venue=type(venue).__name__)
    return venue


def _need_tokens_if_filled(state: State, listing: Listing, account: int, size: int, value: float) -> None:
    """What delivery against payment would say, were `size` units filled for `value` (cash coins per base coin times units)."""
    row, needs = (listing.base, -size) if size < 0 else (listing.house.token, math.ceil(value * listing.price_scale))
    has = int(state.ledger.balance[row, account])
    if has < needs:
        raise InsufficientBalance(account=account, market=listing.name, has=has, needs=needs)


def _need_margin_if_filled(state: State, listing: Listing, account: int, size: int) -> None:
    """What `clearing.standing` would say, were `size` filled at the mark now."""
    house = listing.house
    terms = state.exchange(house).margin.terms(state, house, Threshold.INITIAL)
    held = int(state.ledger.balance[listing.size, account])
    worth, needs, count = _if_filled(state.ledger.bare, tuple(terms), account, listing.size, size)
    if count > terms.most:
        raise AccountIsolated(account=account, market=listing.name)
    shrinks = count > 0 and abs(held + size) < abs(held) and (held + size) * held >= 0
    if worth < needs and not shrinks:
        raise UnderMargined(account=account, equity=worth, required=needs)


@compiled
def _if_filled(bare: Bare, margin: Any, account: int, row: int, size: int) -> tuple[float, float, int]:
    """(equity, requirement, positions) of an account, were `size` more of `row` filled at the index. Leaves all as it was."""
    arrays, terms = Arrays(*bare), Terms(*margin)
    held = claims(arrays, terms, account)
    worth, _, _ = weigh(terms, held)
    arrays.balance[row, account] += size
    _, needs, count = weigh(terms, held)
    arrays.balance[row, account] -= size
    return worth, needs, count
