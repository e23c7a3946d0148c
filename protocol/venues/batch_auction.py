"""A frequent batch auction: orders wait, sealed, until the interval ends, and then trade at one price (Budish et al. 2015).

Nothing is filled when it is sent: a plain order is *queued* for the next auction and gone after it, one that was posted stays until
it is filled or cancelled. Margin is asked at the clearing, where an order that its owner cannot carry is passed over and the
price found anew (CoW Protocol settles so: one price, what is not covered left out). Both sides pay the market's fee.
Attack surface: being first is worth nothing within an interval, and being last is (whoever sends at the end knows more); a
thin batch is priced by whoever is alone on a side; forced sales find no depth here, so keepers must take positions over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from protocol import errors
from protocol.clearing import MOST, Batch, Desk, Fills, claims_loop, tokens_loop
from protocol.compiled import compiled
from protocol.ledger import Floats, Ints
from protocol.oracles.base import read_index
from protocol.settings import refuse
from protocol.state import Listing, State
from protocol.units import Seconds
from protocol.venues.base import AT_THE_CLOSE, QUEUED, Mask, Resting, Venue, many_ticks, whole_ticks
from protocol.venues.ration import ProRata, Ration

PRICE, SIZE, OWNER, ORDER, STAYS = 0, 1, 2, 3, 4  # columns of the table


@compiled
def take(pool: Floats, size: float) -> float:
    """Cash units owed for `size` units at the one price, `pool` = [cash units per size unit], rounded against the taker."""
    owed: float = np.ceil(size * pool[0])
    return owed


_claims_loop, _tokens_loop = claims_loop(take), tokens_loop(take)


@compiled
def settle_claims(pool: Floats, spare: Floats, desk: Any, terms: Any, batch: Any, fills: Any) -> None:
    """Trade each part with the venue's account, at the one price and under the tests that all claims pass."""
    _claims_loop(pool, spare, desk, terms, batch, fills)


@compiled
def settle_tokens(pool: Floats, spare: Floats, till: Any, batch: Any, fills: Any) -> None:
    """The same for tokens."""
    _tokens_loop(pool, spare, till, batch, fills)


def _own(rows: Ints, viewer: int) -> Ints:
    found: Ints = rows[rows[:, OWNER] == viewer]
    return found


@dataclass
class Tray:
    """Bids for the next auction, and what a bid without a limit is taken to mean."""

    rows: Ints  # [n, 5]: ticks, units, account, number, 1 if it stays
    number: int  # of the next order
    lowest: int  # ticks
    highest: int
    slots: int


@dataclass(frozen=True)
class BatchAuction(Venue):
    """Clears every `interval` seconds, at the end of the block; `tick` in cash coins; `slots` orders can wait.

    Prices lie between the `reach`-th part of the index and `reach` times it. Tables: `.bids`, replaced and never written into,
    `.orders`, the number of the next one, `.due`, when the next auction is, and `.last`, the price of the last.
    """

    interval: Seconds = 12.0
    tick: float = 0.01
    slots: int = 4096
    reach: float = 20.0
    ration: Ration = field(default_factory=ProRata)

    trades: ClassVar[str] = "both"
    counterparty: ClassVar[str] = "makers"
    settles: ClassVar[str] = AT_THE_CLOSE

    def __post_init__(self) -> None:
        """Refuse an auction that never is, or that nothing can wait for."""
        refuse(
            self,
            interval=(0 < self.interval < math.inf, "above 0 seconds"),
            tick=(0 < self.tick < math.inf, "above 0 cash coins"),
            slots=(self.slots >= 1, "1 or more"),
            reach=(1 < self.reach < math.inf, "above 1, a multiple of the index"),
        )

    # ------------------------------------------------------------------ a venue

    def start(self, state: State, listing: Listing, price: float) -> None:
        """Nobody has bid; `price` stands in for the last."""
        state.put(listing.path + ".bids", np.empty((0, 5), np.int64))
        state.put(listing.path + ".orders", 1)
        state.put(listing.path + ".due", state.time + self.interval)
        state.put(listing.path + ".last", float(price))

    def mid(self, state: State, listing: Listing) -> float:
        """What the last auction cleared at: the only price that anybody is told."""
        last: float = state.tables[listing.path + ".last"]
        return last

    def moves(self, state: State, listing: Listing, orders: int) -> int:
        """None: bids move nothing before the auction."""
        return 0

    def pool(self, state: State, listing: Listing) -> Tray:
        """The bids so far."""
        index = read_index(state, listing).value
        return Tray(
            state.tables[listing.path + ".bids"],
            state.tables[listing.path + ".orders"],
            max(1, math.ceil(index / self.reach / self.tick)),
            math.floor(index * self.reach / self.tick),
            self.slots,
        )

    def keep(self, state: State, listing: Listing, pool: Tray) -> None:
        """Bids are its memory."""
        if pool.number != state.tables[listing.path + ".orders"]:
            state.put(listing.path + ".bids", pool.rows)
            state.put(listing.path + ".orders", pool.number)

    def fill(self, pool: Tray, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """Queue each order for the next auction. A forced trade cannot wait, and finds no depth."""
        forced = isinstance(desk, Desk) and desk.least == -math.inf
        most = min(MOST, (1 << 62) // self.slots)  # units: all that can wait must add up in 64 bits
        size, open_end = batch.size, np.where(batch.size > 0, pool.highest, pool.lowest)
        given = many_ticks(size, np.where(np.isnan(batch.limit), self.tick, batch.limit), self.tick)
        ticks = np.where(np.isnan(batch.limit), open_end, given)
        code = np.full(len(size), QUEUED)
        code[(np.abs(size) > most) | forced] = errors.DepthExceeded.code
        code[(size == 0) | (ticks == 0)] = errors.NothingToDo.code
        waits = np.flatnonzero(code == QUEUED)
        room = max(0, pool.slots - len(pool.rows))
        code[waits[room:]] = errors.BookFull.code
        waits = waits[:room]
        fills.owed[:], fills.code[:] = 0, code
        new = np.zeros((len(waits), 5), np.int64)
        new[:, PRICE] = np.minimum(np.maximum(ticks[waits], pool.lowest), pool.highest)
        new[:, SIZE], new[:, OWNER] = size[waits], batch.account[waits]
        new[:, ORDER] = pool.number + np.arange(len(waits))
        pool.rows, pool.number = np.concatenate((pool.rows, new)), pool.number + len(waits)

    def clear(self, state: State, listing: Listing) -> None:
        """All bids out; the last price stays."""
        state.put(listing.path + ".bids", np.empty((0, 5), np.int64))

    def price(self, pool: Tray, sizes: Ints, owed: Floats) -> None:
        """Nobody knows before the auction: nan."""
        owed[:] = np.nan

    def masks(self, listing: Listing) -> Mapping[str, Mask]:
        """Of the bids an account sees its own. How many there have been is no secret: the next order's number tells."""
        return {listing.path + ".bids": _own}

    # ------------------------------------------------------------------ views of what waits: one's own

    def ticks(self, size: int, price: float) -> int:
        """A price in whole ticks, never beyond what the order's owner named. 0: no price."""
        return whole_ticks(size, price, self.tick)

    def is_full(self, state: State, listing: Listing) -> bool:
        """Whether no further order can wait."""
        return len(state.tables[listing.path + ".bids"]) >= self.slots

    def crosses(self, state: State, listing: Listing, size: int, ticks: int) -> bool:
        """Nothing trades at once."""
        return False

    def resting(self, state: State, listing: Listing, account: int) -> Resting:
        """An account's own orders, the oldest first."""
        rows = state.tables[listing.path + ".bids"]
        own = rows[rows[:, OWNER] == account]
        return Resting(own[:, ORDER], own[:, PRICE] * self.tick, own[:, SIZE])

    def committed(self, state: State, listing: Listing, account: int, size: int) -> tuple[int, float]:
        """What an account has waiting on the side of `size`: units, signed, and cash coins per base coin times units."""
        rows = state.tables[listing.path + ".bids"]
        own = rows[(rows[:, OWNER] == account) & (rows[:, SIZE] * (1 if size > 0 else -1) > 0)]
        return int(own[:, SIZE].sum()), float((own[:, SIZE].astype(float) * own[:, PRICE]).sum() * self.tick)

    def owner(self, state: State, listing: Listing, order: int) -> int:
        """Whose order it is; -1: nobody's."""
        rows = state.tables[listing.path + ".bids"]
        owners = rows[rows[:, ORDER] == order, OWNER]
        return int(owners[0]) if len(owners) else -1

    # ------------------------------------------------------------------ what the verbs of the exchange change

    def rest(self, state: State, listing: Listing, account: int, size: int, ticks: int) -> int:
        """An order that waits through auctions until it is filled or cancelled. Returns its number."""
        rows, order = state.tables[listing.path + ".bids"], state.tables[listing.path + ".orders"]
        state.put(listing.path + ".orders", order + 1)
        state.put(listing.path + ".bids", np.vstack([rows, [ticks, size, account, order, 1]]))
        return int(order)

    def drop(self, state: State, listing: Listing, orders: Ints) -> None:
        """Take orders out."""
        rows = state.tables[listing.path + ".bids"]
        state.put(listing.path + ".bids", rows[~np.isin(rows[:, ORDER], orders)])

    def cleared(self, state: State, listing: Listing, left: Ints, ticks: int | None) -> None:
        """Remember an auction: of each bid what is `left` (units [n]) if it stays, and the price if there was a trade."""
        rows = state.tables[listing.path + ".bids"].copy()
        rows[:, SIZE] = left
        state.put(listing.path + ".bids", rows[(left != 0) & (rows[:, STAYS] == 1)])
        if ticks is not None:
            state.put(listing.path + ".last", ticks * self.tick)
