"""A central limit order book: the best price first, among equals the oldest, and makers' own accounts on the other side.

Resting orders are one array sorted by price, bids below asks, so that the two best stand beside each other and every
taker eats outwards from there. Nothing is locked up by an order: each maker's margin is checked at the fill, and an order
that its maker cannot carry is cancelled and passed over (dYdX v4), as is one that belongs to the taker. A taker is filled
wholly, every fill within the limit, or not at all; makers pay no fee.
Attack surface: what rests is picked off by whoever knows sooner; the mid of a thin book belongs to whoever quoted last,
for free and until cancelled; depth shown need not be there when it is wanted, and more may be shown than margin carries
across markets; a forced trade takes any price within `reach`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from protocol import errors
from protocol.clearing import (
    MOVES_PER_FILL,
    Batch,
    Desk,
    Fills,
    Terms,
    count_interest,
    deliver,
    equity,
    realise,
    required,
    settle_funding,
    standing,
)
from protocol.compiled import compiled, inner
from protocol.ledger import Floats, Ints, Reason, shift, undo
from protocol.state import Listing, State
from protocol.venues.base import Venue

Levels = list[tuple[float, int]]  # (price in cash coins, units resting there)
PRICE, SIZE, OWNER, ORDER = 0, 1, 2, 3  # columns of the table
SLACK = 1e-6  # of a tick: what a float price may miss its tick by

_FEE = int(Reason.FEE)
_SLIPPED, _DEEP = errors.SlippageExceeded.code, errors.DepthExceeded.code
_CAPPED, _NOTHING = errors.OpenInterestCapped.code, errors.NothingToDo.code


class Book(NamedTuple):
    """Resting orders, for fills to eat from. An order of size 0 is gone."""

    rows: Ints  # [orders, 4] ticks, units left (bids above 0, asks below), account, number; bids first, prices rising
    best: Ints  # [2] row of the best bid (-1: none) and of the best ask (orders: none)
    tick: float  # cash coins per base coin
    worth: float  # cash units per size unit and tick


class Resting(NamedTuple):
    """One account's resting orders, bids first, prices rising. Shapes [n]."""

    order: Ints
    price: Floats  # cash coins per base coin
    size: Ints  # units left, signed


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
    """Trade with one maker; undone, and False, where the maker cannot carry it. `desk` is the makers'."""
    balance = desk.arrays.balance
    mark = desk.arrays.count[0]
    size, quote = balance[desk.size, maker], balance[desk.quote, maker]
    excess = equity(desk.arrays, terms, maker) - required(desk.arrays, terms, maker)
    settle_funding(desk, maker)
    deliver(desk, account, maker, part, due)
    realise(desk, maker, size, quote, -part, -due)
    if standing(desk, terms, maker, size, excess) != 0:
        undo(desk.arrays, mark)
        return False
    count_interest(desk, size, size - part)
    return True


@inner
def _match(book: Book, makers: Desk, terms: Terms, account: int, traded: int, limit: float) -> tuple[int, int]:
    """Fill one taker from the best price outwards: (code, cash units owed). Its own account is left to settle."""
    side, step = (1, 1) if traded > 0 else (0, -1)
    worst = _worst(limit, step, book.tick)
    left, owed = traded, 0
    while left != 0:
        row = book.best[side]
        if row < 0 or row >= len(book.rows):
            return _DEEP, 0
        if step * (book.rows[row, PRICE] - worst) > 0:
            return _SLIPPED, 0
        maker, part = book.rows[row, OWNER], _part(book, row, left)
        due = _due(book, row, part)
        if maker != account and _carried(makers, terms, account, maker, part, due):
            book.rows[row, SIZE] += part
            left -= part
            owed += due
        else:
            book.rows[row, SIZE] = 0
        if book.rows[row, SIZE] == 0:
            book.best[side] += step
    return 0, owed


@compiled
def _fill(book: Book, desk: Desk, makers: Desk, terms: Terms, batch: Batch, fills: Fills) -> None:
    """Fill each order against the book, in turn; one that fails leaves neither moves nor a mark on the book."""
    balance = desk.arrays.balance
    spare = book.rows[:, SIZE].copy()
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
        size, quote = balance[desk.size, account], balance[desk.quote, account]
        excess = equity(desk.arrays, terms, account) - required(desk.arrays, terms, account)
        settle_funding(desk, account)
        code, owed = _match(book, makers, terms, account, traded, batch.limit[row])
        if code == 0:
            realise(desk, account, size, quote, traded, owed)
            shift(desk.arrays, desk.cash, account, desk.fees, int(np.ceil(abs(owed) * desk.fee)), _FEE)
            count_interest(desk, size, size + traded)
            code = standing(desk, terms, account, size, excess)
            if code == 0 and abs(size + traded) > abs(size) and desk.interest[1 - side] > desk.cap[1 - side]:
                code = _CAPPED
        start, stop = _touched(book, side, first)
        if code != 0:
            undo(desk.arrays, mark)
            desk.interest[0], desk.interest[1] = longs, shorts
            book.rows[start:stop, SIZE] = spare[start:stop]
            book.best[side] = first
        else:
            spare[start:stop] = book.rows[start:stop, SIZE]
            fills.owed[row] = owed
        fills.code[row] = code


@compiled
def _price(book: Book, sizes: Ints, owed: Floats) -> None:
    """What each order in turn would owe if every maker could carry its fill."""
    spare = book.rows[:, SIZE].copy()
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
        start, stop = _touched(book, side, first)
        if left != 0:
            owed[number] = np.nan
            book.rows[start:stop, SIZE] = spare[start:stop]
            book.best[side] = first
        else:
            spare[start:stop] = book.rows[start:stop, SIZE]


@dataclass(frozen=True)
class OrderBook(Venue):
    """`tick` in cash coins; `slots` orders can rest; prices from the `reach`-th part of the mark to `reach` times it.

    Without a reach, one stray order would set the price of a forced trade as high as it liked. Tables: `.book`,
    replaced and never written into, `.orders`, the number of the next order, and `.last`, the mid as last seen.
    """

    tick: float = 0.01
    slots: int = 4096
    reach: float = 20.0

    counterparty: ClassVar[str] = "makers"

    def __post_init__(self) -> None:
        """Refuse a book that nothing can rest on."""
        wrong = [
            f"{name} = {value}: must be {allowed}"
            for name, value, good, allowed in (
                ("tick", self.tick, 0 < self.tick < math.inf, "above 0 cash coins"),
                ("slots", self.slots, self.slots >= 1, "1 or more"),
                ("reach", self.reach, 1 < self.reach < math.inf, "above 1, a multiple of the mark"),
            )
            if not good
        ]
        if wrong:
            raise ValueError("\n".join(wrong))

    # ------------------------------------------------------------------ a venue

    def start(self, state: State, listing: Listing, price: float) -> None:
        """An empty book; `price` stands in for the mid until somebody quotes."""
        state.put(listing.path + ".orders", 1)
        state.put(listing.path + ".book", np.empty((0, 4), np.int64))
        state.put(listing.path + ".last", float(price))

    def mid(self, state: State, listing: Listing) -> float:
        """Halfway between the best bid and ask; the one there is; or, of an empty book, the last."""
        last: float = state.tables[listing.path + ".last"]
        return last

    def moves(self, state: State, listing: Listing, orders: int) -> int:
        """Each taker leaves one order partly filled at most: fills are no more than there are orders, and one each."""
        return MOVES_PER_FILL * (orders + len(state.tables[listing.path + ".book"]))

    def pool(self, state: State, listing: Listing) -> Book:
        """A copy of the book."""
        rows = state.tables[listing.path + ".book"].copy()
        bids = _bids(rows)
        return Book(rows, np.array([bids - 1, bids]), self.tick, self.tick * listing.price_scale)

    def keep(self, state: State, listing: Listing, pool: Book) -> None:
        """What is left of the book."""
        self._put(state, listing, pool.rows[pool.rows[:, SIZE] != 0])

    def fill(self, pool: Book, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """See `Venue.fill`. Makers must always stand, even where the taker is forced."""
        _fill(pool, desk, desk._replace(least=0.0), terms, batch, fills)

    def price(self, pool: Book, sizes: Ints, owed: Floats) -> None:
        """See `Venue.price`. Knows no takers, and so counts each one's own orders too."""
        _price(pool, sizes, owed)

    def clear(self, state: State, listing: Listing) -> None:
        """All orders off; the last mid stays."""
        state.put(listing.path + ".book", np.empty((0, 4), np.int64))

    # ------------------------------------------------------------------ views of what rests

    def ticks(self, size: int, price: float) -> int:
        """A price in whole ticks, never beyond what the order's owner named: bids down, asks up. 0: no price."""
        if not 0 < price / self.tick < 2**53:
            return 0
        return math.floor(price / self.tick + SLACK) if size > 0 else math.ceil(price / self.tick - SLACK)

    def is_full(self, state: State, listing: Listing) -> bool:
        """Whether no further order can rest."""
        return len(state.tables[listing.path + ".book"]) >= self.slots

    def crosses(self, state: State, listing: Listing, size: int, ticks: int) -> bool:
        """Whether an order would trade at once."""
        rows = state.tables[listing.path + ".book"]
        bids = _bids(rows)
        if size > 0:
            return bids < len(rows) and bool(ticks >= rows[bids, PRICE])
        return bids > 0 and bool(ticks <= rows[bids - 1, PRICE])

    def depth(self, state: State, listing: Listing, levels: int) -> tuple[Levels, Levels]:
        """The best `levels` prices of bids and of asks, best first."""
        rows = state.tables[listing.path + ".book"]
        bids = _bids(rows)
        return self._levels(rows[:bids][::-1], levels), self._levels(rows[bids:], levels)

    def _levels(self, rows: Ints, levels: int) -> Levels:
        starts = np.flatnonzero(np.diff(rows[:, PRICE], prepend=-1))
        totals = np.add.reduceat(np.abs(rows[:, SIZE]), starts) if len(rows) else starts
        prices = (rows[starts, PRICE] * self.tick).tolist()
        return list(zip(prices[:levels], totals[:levels].tolist(), strict=True))

    def resting(self, state: State, listing: Listing, account: int) -> Resting:
        """An account's orders."""
        rows = state.tables[listing.path + ".book"]
        own = rows[rows[:, OWNER] == account]
        return Resting(own[:, ORDER], own[:, PRICE] * self.tick, own[:, SIZE])

    def owner(self, state: State, listing: Listing, order: int) -> int:
        """Whose order it is; -1: nobody's."""
        rows = state.tables[listing.path + ".book"]
        owners = rows[rows[:, ORDER] == order, OWNER]
        return int(owners[0]) if len(owners) else -1

    # ------------------------------------------------------------------ what the verbs of the exchange change

    def rest(self, state: State, listing: Listing, account: int, size: int, ticks: int) -> int:
        """Put an order behind all others at its price. Returns its number."""
        rows, order = state.tables[listing.path + ".book"], state.tables[listing.path + ".orders"]
        bids = _bids(rows)
        if size > 0:
            at = int(np.searchsorted(rows[:bids, PRICE], ticks, "left"))
        else:
            at = bids + int(np.searchsorted(rows[bids:, PRICE], ticks, "right"))
        state.put(listing.path + ".orders", order + 1)
        self._put(state, listing, np.insert(rows, at, (ticks, size, account, order), axis=0))
        return int(order)

    def drop(self, state: State, listing: Listing, orders: Ints) -> None:
        """Take orders off the book."""
        rows = state.tables[listing.path + ".book"]
        self._put(state, listing, rows[~np.isin(rows[:, ORDER], orders)])

    def _put(self, state: State, listing: Listing, rows: Ints) -> None:
        """Remember the book and, while there is one, its mid."""
        state.put(listing.path + ".book", rows)
        if len(rows):
            bids = _bids(rows)
            best = rows[max(bids - 1, 0) : bids + 1, PRICE]  # one of each side, or the best of the only side
            state.put(listing.path + ".last", float(best.mean() * self.tick))


def _bids(rows: Ints) -> int:
    """How many of the orders are bids."""
    return int(np.count_nonzero(rows[:, SIZE] > 0))
