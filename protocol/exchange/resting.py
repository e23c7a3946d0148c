"""Resting orders: posting to a book, and taking off it."""

from __future__ import annotations

import numpy as np

from protocol.errors import (
    AccountIsolated,
    BookFull,
    CrossesBook,
    NotAllowed,
    NothingToDo,
    SlippageExceeded,
    UnderMargined,
    UnknownOrder,
)
from protocol.exchange.admission import need_admission
from protocol.exchange.checks import usable_index
from protocol.margins.base import Threshold
from protocol.state import Listing, State
from protocol.venues.order_book import OrderBook


def post(state: State, listing: Listing, account: int, size: int, price: float) -> int:
    """Rest an order on the book, at `price` or the tick before it, without trading now. Returns its number.

    Raises NothingToDo, NotAdmitted, CrossesBook, BookFull, StalePrice, SlippageExceeded beyond the book's reach of the index, and
    UnderMargined or AccountIsolated where the account could not carry all its orders of that side at the index.
    """
    book = _book(state, listing)
    ticks = book.ticks(size, price)
    if size == 0 or ticks == 0:
        raise NothingToDo(market=listing.name, size=size, price=price)
    need_admission(state, state.market(listing).access, account, listing.name)
    if book.crosses(state, listing, size, ticks):
        raise CrossesBook(market=listing.name, size=size, price=price)
    if book.is_full(state, listing):
        raise BookFull(market=listing.name, slots=book.slots)
    index = usable_index(state, listing).value
    if not index / book.reach <= ticks * book.tick <= index * book.reach:
        raise SlippageExceeded(market=listing.name, price=price, index=index, reach=book.reach)
    own = book.resting(state, listing, account).size
    _need_margin_if_filled(state, listing, account, int(size) + int(own[own * np.sign(size) > 0].sum()))

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


def _book(state: State, listing: Listing) -> OrderBook:
    venue = state.market(listing).venue
    if not isinstance(venue, OrderBook):
        raise NothingToDo(market=listing.name, venue=type(venue).__name__)
    return venue


def _need_margin_if_filled(state: State, listing: Listing, account: int, size: int) -> None:
    """What `clearing.standing` would say, were `size` filled at the index now."""
    house, row = listing.house, listing.size - listing.house.first
    terms = state.exchange(house).margin.terms(state, house, Threshold.INITIAL)
    sizes = state.ledger.balance[house.first : house.last, account].copy()
    worth, held = float(terms.weight @ sizes), int(sizes[row])
    sizes[row] = then = held + size
    rate = np.where(sizes > 0, terms.long, terms.short)
    needs = float(np.abs(sizes) @ (rate + terms.slope * np.abs(sizes))) + float(
        np.max(-terms.grid @ sizes, initial=0.0)
    )
    positions = np.count_nonzero(sizes[(terms.long != 0.0) | (terms.short != 0.0)])
    if positions > terms.most:
        raise AccountIsolated(account=account, market=listing.name)
    shrinks = positions > 0 and abs(then) < abs(held) and then * held >= 0
    if worth < needs and not shrinks:
        raise UnderMargined(account=account, equity=worth, required=needs)
