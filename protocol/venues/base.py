"""The venue family: how a market prices the next trade. Venues propose; the exchange settles.

`take(pool, size)` is the whole rule: what `size` units of base owe in whole cash units, rounded against the taker, with
`pool` (the venue's numbers, in units) brought forward; nan where the venue cannot fill it. Each venue file compiles it into
the one filling loop of `clearing`. `counterparty` says who is on the other side, and so who holds a deficit.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from protocol.clearing import MOVES_PER_FILL, Batch, Fills
from protocol.ledger import Floats, Ints
from protocol.state import Listing, State

Mask = Callable[[Any, int], Any]  # (a table's value, the account that looks) to what that account may know of it

QUEUED = -1  # an order's code where nothing is traded yet: what becomes of it is told at the close of a block
ENDLESS = 1e15  # cash coins of depth: more than there is
AT_ONCE, AT_THE_CLOSE = "at once", "at the close"
SLACK = 1e-6  # of a tick: what a float price may miss its tick by
GRID = 1e-9  # seconds: how far apart two equal times may be


class Resting(NamedTuple):
    """One account's orders that wait to be filled. Shapes [n]."""

    order: Ints
    price: Floats  # cash coins per base coin
    size: Ints  # units left, signed


def whole_ticks(size: int, price: float, tick: float) -> int:
    """A price in whole ticks, never beyond what the order's owner named: bids down, asks up. 0: no price."""
    if not 0 < price / tick < 2**53:
        return 0
    return math.floor(price / tick + SLACK) if size > 0 else math.ceil(price / tick - SLACK)


def many_ticks(size: Ints, price: Floats, tick: float) -> Ints:
    """`whole_ticks` of many. Shapes [n]."""
    ratio = price / tick
    priced = (ratio > 0) & (ratio < 2**53)
    ratio = np.where(priced, ratio, 0.0)
    found: Ints = np.where(size > 0, np.floor(ratio + SLACK), np.ceil(ratio - SLACK)).astype(np.int64)
    return np.where(priced, found, 0)


def product_depth(cash: float, move: float) -> float:
    """Cash that buying pays in until the mid of a constant product is `move` higher: it goes with the square of that reserve."""
    return cash * (math.sqrt(1.0 + move) - 1.0)


class Due(NamedTuple):
    """What accounts owe the venue's side for fills of the past that are settled now. Shapes [n]."""

    account: Ints
    units: Ints  # cash units; negative: they receive


NOTHING_DUE = Due(np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Venue(ABC):
    """A rule of execution."""

    trades: ClassVar[str] = "claims"  # or "tokens", or "both"
    settles: ClassVar[str] = AT_ONCE  # or AT_THE_CLOSE: `fill` queues, and nothing is quoted
    counterparty: ClassVar[str] = "venue"  # whose account is the other side: "venue", "vault" or "makers"

    @abstractmethod
    def start(self, state: State, listing: Listing, price: float) -> None:
        """Open its table at genesis, around `price` (cash coins per base coin)."""

    @abstractmethod
    def mid(self, state: State, listing: Listing) -> float:
        """The price of an infinitely small trade, cash coins per base coin, without spread and fee."""

    def endowment(self, listing: Listing, price: float) -> tuple[int, int, float]:
        """What founders put into a pool of tokens at genesis: base units, cash units, and the coins of shares they get."""
        return 0, 0, 0.0

    def protocol_shares(self, state: State, listing: Listing, supply: int) -> int:
        """Shares of the pool, of which there are `supply`, that the exchange is owed for its part of the fees. A view."""
        return 0

    def liquidity_changed(self, state: State, listing: Listing) -> None:
        """Note that somebody has come or gone, and what the exchange was owed has been minted. Most venues owe nothing."""
        return

    def depth_within(self, state: State, listing: Listing, move: float) -> float:
        """Cash coins of the lesser order, buy or sell, that moves the mid by `move`, relative; endless where none does."""
        return ENDLESS

    def belongs(self, state: State, listing: Listing) -> tuple[tuple[int, int, int], ...]:
        """(account, base units, cash units) of what lies with the venue and is somebody's by name rather than by share."""
        return ()

    def masks(self, listing: Listing) -> Mapping[str, Mask]:
        """Tables that players may not see as they are, by path, and what an account may know of each. Most hide nothing."""
        return {}

    @property
    def moves_marks(self) -> bool:
        """Whether its trades move what positions are marked at, otherwise than through an oracle."""
        return False

    def clear(self, state: State, listing: Listing) -> None:
        """Drop what rests: the market has settled. Nothing rests on most venues."""
        return

    def moves(self, state: State, listing: Listing, orders: int) -> int:
        """The most journal entries that filling so many orders now can need."""
        return MOVES_PER_FILL * orders

    @abstractmethod
    def pool(self, state: State, listing: Listing) -> Any:
        """A fresh copy of the numbers `take` works on, in units. Raises StalePrice where it needs an index it lacks."""

    def keep(self, state: State, listing: Listing, pool: Any) -> None:
        """Remember `pool` after fills. Nothing to do where the ledger is the memory."""
        return

    def note(self, state: State, listing: Listing, batch: Batch, fills: Fills) -> None:
        """Remember who filled what. Most venues need not know."""
        return

    def observe(self, state: State, listing: Listing) -> Due:
        """Look at a block that has just been sealed, and say what is due. Most fills are final, and owe nothing later."""
        return NOTHING_DUE

    def settlement(self) -> float:
        """Seconds after which a fill is settled at the index of then; 0: a fill is final."""
        return 0.0

    def is_pending(self, state: State, listing: Listing, account: int) -> bool:
        """Whether a fill of the account is still to be settled."""
        return False

    @abstractmethod
    def fill(self, pool: Any, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """Run the filling loop of `clearing` with this venue's `take`. `batch.size` becomes what was traded where that is less."""

    @abstractmethod
    def price(self, pool: Any, sizes: Ints, owed: Floats) -> None:
        """Run `clearing.price_each` with this venue's `take`."""

    def cost(self, state: State, listing: Listing, sizes: Ints) -> Floats:
        """What each order in turn would owe, cash units (nan: cannot be filled). A view. Shapes [n]."""
        owed = np.empty(len(sizes))
        self.price(self.pool(state, listing), np.asarray(sizes, np.int64), owed)
        return owed
