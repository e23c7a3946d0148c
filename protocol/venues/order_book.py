"""A central limit order book: the best price first, among equals the oldest, and makers' own accounts on the other side.

Resting orders are one array sorted by price, bids below asks, so that the two best stand beside each other and every
taker eats outwards from there (`matching`). Claims or tokens, nothing is locked up by an order: what its maker needs is
checked at the fill, and an order that its maker cannot carry is cancelled and passed over (dYdX v4). A taker is filled
wholly, every fill within the limit, or not at all; makers pay no fee, and of tokens nobody does.
Attack surface: what rests is picked off by whoever knows sooner; the mid of a thin book belongs to whoever quoted last,
for free and until cancelled; depth shown need not be there when it is wanted, and more may be shown than margin carries
across markets; a forced trade takes any price within `reach`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from protocol.clearing import MOVES_PER_FILL, Batch, Fills, Till
from protocol.ledger import Floats, Ints
from protocol.settings import refuse
from protocol.state import Listing, State
from protocol.venues.base import Mask, Resting, Venue, whole_ticks
from protocol.venues.matching import (
    ORDER,
    OWNER,
    PRICE,
    SIZE,
    Book,
    commitment,
    count_bids,
    fill_claims,
    fill_tokens,
    insert_order,
    price_book,
)
from protocol.venues.owners import Owners, Shown
from protocol.venues.self_trade import OLDER, CancelMaker, SelfTradePrevention

Levels = list[tuple[float, int]]  # (price in cash coins, units resting there)


class Shelf(NamedTuple):
    """Every resting order as somebody sees it, bids first, prices rising. Shapes [n]."""

    order: Ints
    price: Floats  # cash coins per base coin
    size: Ints  # units left, signed
    owner: Ints  # account; NOBODY where the viewer is not told


@dataclass(frozen=True)
class OrderBook(Venue):
    """`tick` in cash coins; `slots` orders can rest; prices from the `reach`-th part of the mark to `reach` times it.

    Without a reach, one stray order would set the price of a forced trade as high as it liked. `self_trade` says what happens
    when an order meets its sender's own, `owners` who is told whose orders rest. Tables: `.book`,
    replaced and never written into, `.orders`, the number of the next order, and `.last`, the mid as last seen.
    """

    tick: float = 0.01
    slots: int = 4096
    reach: float = 20.0
    self_trade: SelfTradePrevention = field(default_factory=CancelMaker)
    owners: Owners = field(default_factory=Shown)

    trades: ClassVar[str] = "both"
    counterparty: ClassVar[str] = "makers"

    def __post_init__(self) -> None:
        """Refuse a book that nothing can rest on."""
        refuse(
            self,
            tick=(0 < self.tick < math.inf, "above 0 cash coins"),
            slots=(self.slots >= 1, "1 or more"),
            reach=(1 < self.reach < math.inf, "above 1, a multiple of the mark"),
        )

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
        bids = count_bids(rows)
        worth = self.tick * listing.price_scale
        return Book(rows, np.array([bids - 1, bids]), self.tick, worth, self.self_trade.code)

    def keep(self, state: State, listing: Listing, pool: Book) -> None:
        """What is left of the book."""
        self._put(state, listing, pool.rows[pool.rows[:, SIZE] != 0])

    def fill(self, pool: Book, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """See `Venue.fill`. Makers must always stand, even where the taker is forced; nobody is shielded by its own orders."""
        spare = pool.rows[:, SIZE].copy()
        if isinstance(desk, Till):
            fill_tokens(pool, spare, tuple(desk), tuple(batch), tuple(fills))
            return
        book = pool._replace(rule=OLDER if desk.least == -math.inf else pool.rule)
        makers = desk._replace(least=0.0)
        fill_claims(book, spare, tuple(desk), tuple(makers), tuple(terms), tuple(batch), tuple(fills))

    def price(self, pool: Book, sizes: Ints, owed: Floats) -> None:
        """See `Venue.price`. Knows no takers, and so counts each one's own orders too."""
        price_book(pool, pool.rows[:, SIZE].copy(), sizes, owed)

    def clear(self, state: State, listing: Listing) -> None:
        """All orders off; the last mid stays."""
        state.put(listing.path + ".book", np.empty((0, 4), np.int64))

    def masks(self, listing: Listing) -> Mapping[str, Mask]:
        """Whose the orders are, where the rule does not tell everybody."""

        def told(rows: Ints, viewer: int) -> Ints:
            seen = rows.copy()
            seen[:, OWNER] = self.owners.seen_by(viewer, rows[:, OWNER])
            return seen

        return {} if self.owners.tell_all else {listing.path + ".book": told}

    # ------------------------------------------------------------------ views of what rests

    def ticks(self, size: int, price: float) -> int:
        """A price in whole ticks, never beyond what the order's owner named: bids down, asks up. 0: no price."""
        return whole_ticks(size, price, self.tick)

    def is_full(self, state: State, listing: Listing) -> bool:
        """Whether no further order can rest."""
        return len(state.tables[listing.path + ".book"]) >= self.slots

    def crosses(self, state: State, listing: Listing, size: int, ticks: int) -> bool:
        """Whether an order would trade at once."""
        rows = state.tables[listing.path + ".book"]
        bids = count_bids(rows)
        if size > 0:
            return bids < len(rows) and bool(ticks >= rows[bids, PRICE])
        return bids > 0 and bool(ticks <= rows[bids - 1, PRICE])

    def depth_within(self, state: State, listing: Listing, move: float) -> float:
        """See `Venue.depth_within`: what rests that near on the thinner side."""
        rows, mid = state.tables[listing.path + ".book"], self.mid(state, listing)
        near = np.abs(rows[:, PRICE] * self.tick / mid - 1.0) <= move
        sides = [int(np.abs(rows[near & (side * rows[:, SIZE] > 0), SIZE]).sum()) for side in (1, -1)]
        return min(sides) / listing.size_scale * mid

    def depth(self, state: State, listing: Listing, levels: int) -> tuple[Levels, Levels]:
        """The best `levels` prices of bids and of asks, best first."""
        rows = state.tables[listing.path + ".book"]
        bids = count_bids(rows)
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

    def shelf(self, state: State, listing: Listing, viewer: int) -> Shelf:
        """Every order, as an account sees it."""
        rows = state.tables[listing.path + ".book"]
        owners = self.owners.seen_by(viewer, rows[:, OWNER])
        return Shelf(rows[:, ORDER].copy(), rows[:, PRICE] * self.tick, rows[:, SIZE].copy(), owners)

    def committed(self, state: State, listing: Listing, account: int, size: int) -> tuple[int, float]:
        """What an account has resting on the side of `size`: units, signed, and cash coins per base coin times units."""
        units, value = commitment(state.tables[listing.path + ".book"], account, 1 if size > 0 else -1)
        return units, value * self.tick

    def owner(self, state: State, listing: Listing, order: int) -> int:
        """Whose order it is; -1: nobody's."""
        rows = state.tables[listing.path + ".book"]
        owners = rows[rows[:, ORDER] == order, OWNER]
        return int(owners[0]) if len(owners) else -1

    # ------------------------------------------------------------------ what the verbs of the exchange change

    def rest(self, state: State, listing: Listing, account: int, size: int, ticks: int) -> int:
        """Put an order behind all others at its price. Returns its number."""
        rows, order = state.tables[listing.path + ".book"], state.tables[listing.path + ".orders"]
        state.put(listing.path + ".orders", order + 1)
        self._put(state, listing, insert_order(rows, ticks, size, account, order))
        return int(order)

    def drop(self, state: State, listing: Listing, orders: Ints) -> None:
        """Take orders off the book."""
        rows = state.tables[listing.path + ".book"]
        self._put(state, listing, rows[~np.isin(rows[:, ORDER], orders)])

    def _put(self, state: State, listing: Listing, rows: Ints) -> None:
        """Remember the book and, while there is one, its mid."""
        state.put(listing.path + ".book", rows)
        if len(rows):
            bids = count_bids(rows)
            best = rows[max(bids - 1, 0) : bids + 1, PRICE].tolist()  # one of each side, or the best of the only side
            state.put(listing.path + ".last", sum(best) / len(best) * self.tick)
