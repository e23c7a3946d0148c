"""A pool that trades with the vault at an index newer than the order: two steps, request and execution (Synthetix perps v2).

An order is a request that waits. At the close of each block those are executed for which the index has been renewed since: it
was true more than `delay` seconds after the request was made. So nobody trades on an index that he has seen, whether it is stale
or picked out of several that are still valid; GMX and Synthetix turned to it in 2021 and 2022. Fills follow SIP-279, as in
`OraclePool`. A request that sees no new index within `patience` lapses; while one waits, its owner withdraws nothing. It answers
trading on a stale index and picking reports. What it costs honest users: they do not know their price, wait for it, and
bear the moves of the wait unless they name a limit; and no forced sale finds depth here, so keepers must take positions over.
Attack surface: whoever knows the index further ahead than `delay` still trades on it; where users bring reports themselves, the
first of those newer than the request is whose anybody posts; and a limit lets its owner out for the price of the gas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from protocol import errors
from protocol.clearing import MOST, Batch, Desk, Fills, claims_loop
from protocol.compiled import compiled, steady
from protocol.ledger import Floats, Ints
from protocol.oracles.base import Reading, read_mark
from protocol.settings import refuse
from protocol.solvency import Terms
from protocol.state import Listing, State
from protocol.units import Seconds
from protocol.venues.base import AT_THE_CLOSE, QUEUED, Venue

OWNER, SIZE, LIMIT, ASKED = 0, 1, 2, 3  # columns of the table


@compiled
def take(pool: Floats, size: float) -> float:
    """Cash units owed for `size` units; `pool` = [price in cash units per size unit, skew units, skew scale units, half spread]."""
    factor = 1.0 + (pool[1] + 0.5 * size) / pool[2] + (1.0 if size > 0.0 else -1.0) * pool[3]
    if factor <= 0.0:
        return np.nan
    pool[1] += size
    owed: float = np.ceil(size * pool[0] * factor)
    return owed


_fill_loop = claims_loop(take)


@steady
def _fill(pool: Floats, spare: Floats, desk: Any, terms: Any, batch: Any, fills: Any) -> None:
    _fill_loop(pool, spare, desk, terms, batch, fills)


def execute_claims(pool: Floats, desk: Desk, terms: Terms, batch: Batch, fills: Fills) -> None:
    """Fill requests in turn, under the tests that all claims pass."""
    _fill(pool, pool.copy(), tuple(desk), tuple(terms), tuple(batch), tuple(fills))


@dataclass
class Tray:
    """Requests so far, and those of now."""

    rows: Floats
    new: list[tuple[float, float, float, float]]
    time: float
    slots: int


@dataclass(frozen=True)
class DelayedPool(Venue):
    """`spread` is full, relative; `skew_scale` in base coins; `confidence_weight` widens by the oracle's doubt.

    `delay` and `patience` in seconds; `slots` requests can wait. Table: `.requests`, replaced and never written into.
    """

    spread: float = 0.0004
    skew_scale: float = 500_000.0
    confidence_weight: float = 0.0
    delay: Seconds = 0.0
    patience: Seconds = 120.0
    slots: int = 65_536

    counterparty: ClassVar[str] = "vault"
    settles: ClassVar[str] = AT_THE_CLOSE

    def __post_init__(self) -> None:
        """Refuse negative spreads, scales and times."""
        refuse(
            self,
            spread=(0 <= self.spread < 1, "0 to below 1"),
            skew_scale=(self.skew_scale > 0, "above 0 base coins"),
            confidence_weight=(self.confidence_weight >= 0, "0 or more"),
            delay=(0 <= self.delay < math.inf, "0 or more seconds"),
            patience=(self.delay < self.patience < math.inf, f"above delay = {self.delay} seconds"),
            slots=(self.slots >= 1, "1 or more"),
        )

    def start(self, state: State, listing: Listing, price: float) -> None:
        """Nobody has asked: rows of [account, size units, limit in cash coins or nan, seconds]."""
        state.put(listing.path + ".requests", np.empty((0, 4)))

    def mid(self, state: State, listing: Listing) -> float:
        """The index with the premium of the present skew: what would be paid if nothing changed."""
        skew = -float(state.ledger.balance[listing.size, listing.desk])
        least = 1.0 / listing.house.cash_scale
        return max(read_mark(state, listing).value, least) * (1.0 + skew / (self.skew_scale * listing.size_scale))

    def moves(self, state: State, listing: Listing, orders: int) -> int:
        """None: requests move nothing."""
        return 0

    def clear(self, state: State, listing: Listing) -> None:
        """Drop what waits."""
        state.put(listing.path + ".requests", np.empty((0, 4)))

    def pool(self, state: State, listing: Listing) -> Tray:
        """The requests."""
        return Tray(state.tables[listing.path + ".requests"], [], state.time, self.slots)

    def keep(self, state: State, listing: Listing, pool: Tray) -> None:
        """Add the new ones."""
        if pool.new:
            state.put(listing.path + ".requests", np.vstack([pool.rows, np.array(pool.new)]))

    def fill(self, pool: Tray, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """Queue each order. A forced trade cannot wait, and finds no depth."""
        for row, size in enumerate(batch.size.tolist()):
            fills.owed[row], code = 0, QUEUED
            if size == 0:
                code = errors.NothingToDo.code
            elif desk.least == -math.inf or abs(size) > MOST:
                code = errors.DepthExceeded.code
            elif len(pool.rows) + len(pool.new) >= pool.slots:
                code = errors.BookFull.code
            else:
                pool.new.append((float(batch.account[row]), float(size), float(batch.limit[row]), pool.time))
            fills.code[row] = code

    def price(self, pool: Tray, sizes: Ints, owed: Floats) -> None:
        """Nobody knows before the index is renewed: nan."""
        owed[:] = np.nan

    def is_pending(self, state: State, listing: Listing, account: int) -> bool:
        """Whether a request of the account waits."""
        return bool((state.tables[listing.path + ".requests"][:, OWNER] == account).any())

    # ------------------------------------------------------------------ execution, at the close of a block

    def ready(self, state: State, listing: Listing, reading: Reading) -> Any:
        """Which requests the index has been renewed for. Shape [waiting]."""
        return state.tables[listing.path + ".requests"][:, ASKED] + self.delay < reading.time

    def prices(self, state: State, listing: Listing, reading: Reading) -> Floats:
        """See `take`, at an index that is fresh."""
        price = state.market(listing).instrument.price(state, listing, reading.value) * listing.price_scale
        half = 0.5 * self.spread + self.confidence_weight * reading.confidence / reading.value
        skew = -float(state.ledger.balance[listing.size, listing.desk])
        return np.array([price, skew, self.skew_scale * listing.size_scale, half])
