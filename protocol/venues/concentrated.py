"""A pool of two real tokens whose liquidity lies in ranges of price (Uniswap V3): deep where providers expect trade.

Price, liquidity, fees and amounts are the contract's whole numbers (`tick_pool`), so the books are exact, and everything a
position may take out is there. It runs as Python integers of any length, not compiled: some 25 microseconds an order.
Attack surface: the mid is as cheap to push as the ranges around it are thin, and beyond the last range it costs nothing at
all; liquidity may come for one block and leave (Lehar and Parlour 2021); a range out of the money is all in the worse token.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from protocol import errors
from protocol.clearing import MOST, Batch, Fills, Till
from protocol.ledger import Arrays, Floats, Ints, Reason, shift
from protocol.settings import refuse
from protocol.state import Listing, State
from protocol.venues.base import Venue
from protocol.venues.tick_math import HIGHEST_TICK, PARTS, Q96, cash_up, liquidity_for, price_at, tick_at
from protocol.venues.tick_pool import EMPTY, NOWHERE, Position, TickPool, is_range

WITHOUT_END = 1 << 200  # units: more than there are


class Held(NamedTuple):
    """What one position is and would give back now, fees included."""

    account: int
    low: int  # tick
    high: int  # tick
    liquidity: int
    base: int  # units
    cash: int


def _take(pool: TickPool, size: int) -> float:
    """Cash units owed for `size` base units: exact output if buying, else exact input; nan where it cannot be filled."""
    if size == 0 or abs(size) > MOST:
        return math.nan
    side = 1 if size > 0 else -1
    base, cash = pool.swap(side, -size, NOWHERE[side])
    return cash if base == -size and abs(cash) <= MOST else math.nan


@dataclass(frozen=True)
class ConcentratedPool(Venue):
    """`fee` is a share of what is paid in; ranges end on multiples of `spacing` ticks, a tick being 0.01 % of the price.

    Founders put in `liquidity` cash coins and as much in base, from the `width`-th part of the price to `width` times it.
    Tables: `.pool`, replaced and never written into, and `.positions`, by (account, low tick, high tick).
    """

    liquidity: float = 2_000_000.0
    width: float = 2.0
    fee: float = 0.003
    spacing: int = 60

    trades: ClassVar[str] = "tokens"

    def __post_init__(self) -> None:
        """Refuse a pool without liquidity, range or grid, and a fee that is none."""
        refuse(
            self,
            liquidity=(0 < self.liquidity < math.inf, "above 0 cash coins"),
            width=(1 < self.width < math.inf, "above 1, a multiple of the price"),
            fee=(0 <= self.fee < 1, "0 to below 1"),
            spacing=(1 <= self.spacing < 16_384, "1 to 16383 ticks"),
        )

    # ------------------------------------------------------------------ a venue

    def endowment(self, listing: Listing, price: float) -> tuple[int, int, float]:
        """What the founders' range takes; its worth is a position, not shares."""
        pool, low, high, liquidity = self._founded(listing, price)
        return (*pool.needs(low, high, liquidity), 0.0)

    def start(self, state: State, listing: Listing, price: float) -> None:
        """The founders' range, for whoever has just sat down as one."""
        pool, low, high, liquidity = self._founded(listing, price)
        position, _, _ = pool.change(EMPTY, low, high, liquidity)
        founders = int(state.ledger.of_group([f"{listing.house.prefix}founders"])[-1])
        state.put(listing.path + ".pool", pool)
        state.put(listing.path + ".positions", {(founders, low, high): position})

    def _founded(self, listing: Listing, price: float) -> tuple[TickPool, int, int, int]:
        pool = TickPool(round(self.fee * PARTS), root(price, listing))
        low, high = self.span(price / self.width, price * self.width, listing)
        units = math.floor(self.liquidity * listing.house.cash_scale)
        per = cash_up(1 << 64, price_at(low), pool.price)  # for so much liquidity
        return pool, low, high, (units << 64) // per

    def mid(self, state: State, listing: Listing) -> float:
        """The price that the root stands for."""
        pool: TickPool = state.tables[listing.path + ".pool"]
        mid: float = (pool.price / Q96) ** 2 / listing.price_scale
        return mid

    def pool(self, state: State, listing: Listing) -> TickPool:
        """A copy of the books."""
        pool: TickPool = state.tables[listing.path + ".pool"]
        return pool.copy()

    def keep(self, state: State, listing: Listing, pool: TickPool) -> None:
        """The books are its memory."""
        state.put(listing.path + ".pool", pool)

    def fill(self, pool: TickPool, desk: Till, terms: Any, batch: Batch, fills: Fills) -> None:
        """See `Venue.fill`; the same tests in the same order as `clearing.tokens_loop`, on whole numbers."""
        arrays = Arrays(*desk.arrays)
        for row, size in enumerate(batch.size.tolist()):
            account, limit, saved = int(batch.account[row]), float(batch.limit[row]), pool.copy()
            cost = _take(pool, size)
            code = 0
            if size == 0:
                code = errors.NothingToDo.code
            elif math.isnan(cost):
                code = errors.DepthExceeded.code
            elif (cost - limit * size * desk.price_scale) > 0:
                code = errors.SlippageExceeded.code
            elif arrays.balance[desk.cash, account] < cost or arrays.balance[desk.base, account] < -size:
                code = errors.InsufficientBalance.code
            fills.code[row], fills.owed[row] = code, 0
            if code:
                pool.become(saved)
                continue
            shift(arrays, desk.base, desk.venue, account, size, int(Reason.TRADE))
            shift(arrays, desk.cash, account, desk.venue, int(cost), int(Reason.TRADE))
            fills.owed[row] = int(cost)

    def price(self, pool: TickPool, sizes: Ints, owed: Floats) -> None:
        """See `Venue.price`."""
        for row, size in enumerate(np.asarray(sizes).tolist()):
            saved = pool.copy()
            owed[row] = _take(pool, size)
            if math.isnan(owed[row]):
                pool.become(saved)

    # ------------------------------------------------------------------ views

    def size_to(self, state: State, listing: Listing, price: float) -> int:
        """Base units that bring the mid to `price`: above 0 to buy them, below 0 to sell."""
        pool = self.pool(state, listing)
        there = min(max(root(price, listing), NOWHERE[-1]), NOWHERE[1])
        if there == pool.price:
            return 0
        base, _ = pool.swap(1 if there > pool.price else -1, WITHOUT_END, there)
        return -base

    def depth_within(self, state: State, listing: Listing, move: float) -> float:
        """See `Venue.depth_within`."""
        mid = self.mid(state, listing)
        sizes = [self.size_to(state, listing, mid * (1.0 + side * move)) for side in (1, -1)]
        return min(abs(size) for size in sizes) / listing.size_scale * mid

    def span(self, low: float, high: float, listing: Listing) -> tuple[int, int]:
        """The smallest range of ticks on the grid that holds two prices, cash coins per base coin."""
        first, last = tick_at(root(low, listing)), tick_at(root(high, listing))
        most = HIGHEST_TICK // self.spacing * self.spacing
        return max(first // self.spacing * self.spacing, -most), min(-(-last // self.spacing) * self.spacing, most)

    def is_range(self, low: int, high: int) -> bool:
        """Whether two ticks are ends of a range here."""
        return is_range(low, high, self.spacing)

    def liquidity_of(self, state: State, listing: Listing, low: int, high: int, base: int, cash: int) -> int:
        """The most liquidity that so many units of each give in a range now."""
        pool: TickPool = state.tables[listing.path + ".pool"]
        return liquidity_for(pool.price, price_at(low), price_at(high), base, cash)

    def held(self, state: State, listing: Listing) -> tuple[Held, ...]:
        """Every position there is."""
        pool: TickPool = state.tables[listing.path + ".pool"]
        positions: dict[tuple[int, int, int], Position] = state.tables[listing.path + ".positions"]
        found = []
        for (account, low, high), position in positions.items():
            base, cash = pool.yields(low, high, position.liquidity)
            fees = pool.fees(position, low, high)
            found.append(Held(account, low, high, position.liquidity, base + fees[0], cash + fees[1]))
        return tuple(found)

    def belongs(self, state: State, listing: Listing) -> tuple[tuple[int, int, int], ...]:
        """What of the pool's tokens is whose."""
        return tuple((one.account, one.base, one.cash) for one in self.held(state, listing))

    # ------------------------------------------------------------------ what the verbs of the exchange change

    def change(
        self, state: State, listing: Listing, account: int, low: int, high: int, liquidity: int
    ) -> tuple[int, int]:
        """Put liquidity into an account's range, or take some out (below 0). Returns the (base, cash) fees then due."""
        pool, key = self.pool(state, listing), (account, low, high)
        positions = dict(state.tables[listing.path + ".positions"])
        positions[key], base, cash = pool.change(positions.get(key, EMPTY), low, high, liquidity)
        if positions[key].liquidity == 0:
            del positions[key]
        state.put(listing.path + ".pool", pool)
        state.put(listing.path + ".positions", positions)
        return base, cash


def root(price: float, listing: Listing) -> int:
    """The root price of `price` cash coins per base coin, times 2**96."""
    return int(math.sqrt(price * listing.price_scale) * 2.0**96)
