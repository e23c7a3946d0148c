"""The matching loops of an order book: takers eat outwards from the best price, each fill checked against its maker.

There is one way to match, for claims and for tokens; what differs is how a fill is carried: as positions that both must have
margin for, or as delivery against payment. A taker is filled wholly or not at all, and a failed one leaves neither moves
nor a mark on the book.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from protocol import errors
from protocol.clearing import (
    Batch,
    Desk,
    Fills,
    Till,
    charged,
    count_interest,
    deliver,
    gained,
    opened,
    pay_funding,
    propose,
    realise,
    settle_funding,
    standing,
)
from protocol.compiled import compiled, inner, making
from protocol.ledger import Arrays, Floats, Ints, Reason, shift, undo
from protocol.solvency import Terms, claims
from protocol.venues.base import SLACK
from protocol.venues.self_trade import BOTH, NEWER

PRICE, SIZE, OWNER, ORDER = 0, 1, 2, 3  # columns of the table

_FEE, _TRADE = int(Reason.FEE), int(Reason.TRADE)
_SLIPPED, _DEEP = errors.SlippageExceeded.code, errors.DepthExceeded.code
_CAPPED, _NOTHING = errors.OpenInterestCapped.code, errors.NothingToDo.code
_SELF, _POOR = errors.SelfTrade.code, errors.InsufficientBalance.code


class Book(NamedTuple):
    """Resting orders, for fills to eat from. An order of size 0 is gone."""

    rows: Ints  # [orders, 4] ticks, units left (bids above 0, asks below), account, number; bids first, prices rising
    best: Ints  # [2] row of the best bid (-1: none) and of the best ask (orders: none)
    tick: float  # cash coins per base coin
    worth: float  # cash units per size unit and tick
    rule: int  # what to do when an order meets its own sender's: a code of `self_trade`


@inner
def _worst(limit: float, step: int, tick: float) -> float:
    """The last tick within a limit; nan: none."""
    return float(step * np.floor(step * limit / tick + SLACK))


@inner
def _touched(book: Book, side: int, first: int) -> tuple[int, int]:
    """Rows (from, to) between the best order of before and that of now, both included."""
    now = book.best[side]
    return max(min(first, now), 0), min(max(first, now) + 1, len(book.rows))


@inner
def _keep_if(filled: bool, book: Book, spare: Ints, side: int, first: int) -> None:
    """After an order, what is left of what it touched into `spare`; or, where it was not filled, the book as it was before."""
    start, stop = _touched(book, side, first)
    for row in range(start, stop):
        if filled:
            spare[row] = book.rows[row, SIZE]
        else:
            book.rows[row, SIZE] = spare[row]
    if not filled:
        book.best[side] = first


@inner
def _part(book: Book, row: int, left: int) -> int:
    """How much of `left` the order in `row` can fill, in the taker's sign."""
    offered = -book.rows[row, SIZE]
    return offered if abs(offered) < abs(left) else left


@inner
def _due(book: Book, row: int, part: int) -> int:
    """Cash units the taker owes for `part` at the order's price, rounded against the taker."""
    return int(np.ceil(float(part) * book.rows[row, PRICE] * book.worth))


@inner
def _carried(desk: Desk, terms: Terms, account: int, maker: int, part: int, due: int) -> bool:
    """Trade with one maker; False, and nothing has moved, where the maker cannot carry it. `desk` is the makers'."""
    before, after = claims(desk.arrays, terms, maker), desk.room[0]
    size = before[desk.seats.size - terms.first]
    paid, gain = propose(desk, terms, before, -part, -due, 0, after)
    if standing(desk, terms, before, after) != 0:
        return False
    pay_funding(desk, maker, paid)
    deliver(desk, account, maker, part, due)
    realise(desk, maker, gain)
    count_interest(desk, size, size - part)
    return True


@inner
def _delivered(till: Till, terms: Any, account: int, maker: int, part: int, due: int) -> bool:
    """Trade tokens with one maker; False, with nothing done, where the maker has not got them."""
    balance = till.arrays.balance
    if balance[till.base, maker] < part or balance[till.cash, maker] < -due:
        return False
    shift(till.arrays, till.base, maker, account, part, _TRADE)
    shift(till.arrays, till.cash, account, maker, due, _TRADE)
    return True


def matcher(carry: Callable[..., bool]) -> Any:
    """Matching of one taker, where `carry` does a fill with a maker or says that the maker cannot."""

    @inner
    def match(book: Book, makers: Any, terms: Any, account: int, traded: int, limit: float) -> tuple[int, int, int]:
        """Fill one taker from the best price outwards: (code, cash units owed, units lost to its own orders)."""
        side, step = (1, 1) if traded > 0 else (0, -1)
        worst = _worst(limit, step, book.tick)
        left, owed, lost = traded, 0, 0
        while left != 0:
            row = book.best[side]
            if row < 0 or row >= len(book.rows):
                return _DEEP, 0, 0
            if step * (book.rows[row, PRICE] - worst) > 0:
                return _SLIPPED, 0, 0
            maker, part = book.rows[row, OWNER], _part(book, row, left)
            due = _due(book, row, part)
            if maker == account and book.rule == NEWER:
                return _SELF, 0, 0
            if maker == account and book.rule == BOTH:
                book.rows[row, SIZE] += part
                left -= part
                lost += part
            elif maker != account and carry(makers, terms, account, maker, part, due):
                book.rows[row, SIZE] += part
                left -= part
                owed += due
            else:
                book.rows[row, SIZE] = 0
            if book.rows[row, SIZE] == 0:
                book.best[side] += step
        return 0, owed, lost

    return match


_match_claims = matcher(_carried)
_match_tokens = matcher(_delivered)


@inner
def _settle(
    book: Book,
    batch: Batch,
    fills: Fills,
    spare: Ints,
    row: int,
    first: int,
    side: int,
    code: int,
    owed: int,
    traded: int,
) -> None:
    """Report an order, and keep what it did to the book or put that back."""
    fills.code[row] = code
    _keep_if(code == 0, book, spare, side, first)
    if code == 0:
        fills.owed[row] = owed
        batch.size[row] = traded


@compiled
def fill_claims(book: Book, spare: Ints, where: Any, theirs: Any, margin: Any, orders: Any, done: Any) -> None:
    """Fill each order against the book, in turn. `batch.size` becomes what was traded of it. `spare`: a copy of the sizes."""
    desk, makers, terms = opened(where), opened(theirs), Terms(*margin)
    batch, fills, before = Batch(*orders), Fills(*done), desk.room[1]
    for row in range(len(batch.size)):
        account, traded = batch.account[row], batch.size[row]
        fills.owed[row] = 0
        if traded == 0:
            fills.code[row] = _NOTHING
            continue
        side = 1 if traded > 0 else 0
        first = book.best[side]
        mark = desk.arrays.count[0]
        longs, shorts = desk.interest[0], desk.interest[1]
        held = claims(desk.arrays, terms, account)
        for claim in range(len(before)):
            before[claim] = held[claim]
        size, quote = before[desk.seats.size - terms.first], before[desk.seats.quote - terms.first]
        settle_funding(desk, account)
        code, owed, lost = _match_claims(book, makers, terms, account, traded, batch.limit[row])
        traded -= lost
        if code == 0 and traded != 0:
            realise(desk, account, gained(size, quote, traded, owed))
            shift(desk.arrays, desk.seats.cash, account, desk.seats.fees, charged(desk, owed), _FEE)
            count_interest(desk, size, size + traded)
            code = standing(desk, terms, before, held)
            if code == 0 and abs(size + traded) > abs(size) and desk.interest[1 - side] > desk.cap[1 - side]:
                code = _CAPPED
        if code != 0:
            undo(desk.arrays, mark)
            desk.interest[0], desk.interest[1] = longs, shorts
        _settle(book, batch, fills, spare, row, first, side, code, owed, traded)


@compiled
def fill_tokens(book: Book, spare: Ints, where: Any, orders: Any, done: Any) -> None:
    """Fill each order for tokens against the book, in turn. `batch.size` becomes what was traded of it."""
    till, batch, fills = Till(Arrays(*where[0]), *where[1:]), Batch(*orders), Fills(*done)
    balance = till.arrays.balance
    for row in range(len(batch.size)):
        account, traded = batch.account[row], batch.size[row]
        fills.owed[row] = 0
        if traded == 0:
            fills.code[row] = _NOTHING
            continue
        side = 1 if traded > 0 else 0
        first = book.best[side]
        mark = till.arrays.count[0]
        code, owed, lost = _match_tokens(book, till, 0, account, traded, batch.limit[row])
        if code == 0 and (balance[till.cash, account] < 0 or balance[till.base, account] < 0):
            code = _POOR
        if code != 0:
            undo(till.arrays, mark)
        _settle(book, batch, fills, spare, row, first, side, code, owed, traded - lost)


@compiled
def price_book(book: Book, spare: Ints, sizes: Ints, owed: Floats) -> None:
    """What each order in turn would owe if every maker could carry its fill. `spare`: a copy of the sizes."""
    for number in range(len(sizes)):
        side, step = (1, 1) if sizes[number] > 0 else (0, -1)
        first, left = book.best[side], sizes[number]
        owed[number] = 0.0
        while left != 0 and 0 <= book.best[side] < len(book.rows):
            row = book.best[side]
            part = _part(book, row, left)
            owed[number] += _due(book, row, part)
            book.rows[row, SIZE] += part
            left -= part
            if book.rows[row, SIZE] == 0:
                book.best[side] += step
        if left != 0:
            owed[number] = np.nan
        _keep_if(left == 0, book, spare, side, first)


@compiled
def count_bids(rows: Ints) -> int:
    """How many of the orders are bids."""
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        if rows[middle, SIZE] > 0:
            low = middle + 1
        else:
            high = middle
    return low


@making
def insert_order(rows: Ints, ticks: int, size: int, account: int, order: int) -> Ints:
    """The book with one more order, behind all others at its price."""
    ahead = ticks if size < 0 else ticks - 1  # the highest price that stays below the new order in the table
    at, high = 0, len(rows)
    while at < high:
        middle = (at + high) // 2
        if rows[middle, PRICE] <= ahead:
            at = middle + 1
        else:
            high = middle
    more = np.empty((len(rows) + 1, 4), np.int64)
    flat, old = more.ravel(), rows.ravel()
    flat[: 4 * at], flat[4 * at + 4 :] = old[: 4 * at], old[4 * at :]
    more[at, PRICE], more[at, SIZE], more[at, OWNER], more[at, ORDER] = ticks, size, account, order
    return more


@compiled
def commitment(rows: Ints, account: int, side: int) -> tuple[int, float]:
    """What an account has resting on one side: (size units, signed; those times their ticks)."""
    units, value = 0, 0.0
    for row in range(len(rows)):
        if rows[row, OWNER] == account and rows[row, SIZE] * side > 0:
            units += rows[row, SIZE]
            value += float(rows[row, SIZE]) * rows[row, PRICE]
    return units, value
