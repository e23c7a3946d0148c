"""A pool that trades at the index against the vault, with an impact on the imbalance it leaves behind (GMX v2).

A trade that takes the imbalance between longs and shorts from d0 to d1 cash coins is paid d0^e * k - d1^e * k, and charged
where that is negative; what balances is paid by a smaller k than what unbalances is charged by, so that nobody gains by going
back and forth. Cost is the growth of a potential, hence the same whole or in slices.
Attack surface: the index, as for every pool that trades at one; and between two balanced markets the paid side can be farmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from protocol.clearing import Batch, Fills, claims_loop, pricing_loop
from protocol.compiled import compiled, steady
from protocol.errors import StalePrice
from protocol.ledger import Floats, Ints
from protocol.oracles.base import Status, read_index
from protocol.state import Listing, State
from protocol.venues.base import Venue


@compiled
def impact(before: float, after: float, towards: float, away: float, exponent: float) -> float:
    """Cash coins paid for taking the imbalance from `before` to `after` (signed cash coins); negative: charged.

    `towards` and `away` are the factors k for less imbalance and for more; a trade that passes balance is paid for the way there
    and charged for the way on.
    """
    d0, d1 = abs(before), abs(after)
    first = towards if before * after < 0.0 or d1 < d0 else away
    last = away if before * after < 0.0 or d1 >= d0 else towards
    gain: float = first * d0**exponent - last * d1**exponent
    return gain


@compiled
def take(pool: Floats, size: float) -> float:
    """Cash units owed for `size` units.

    `pool` = [price in cash units per size unit, skew units, half spread, towards, away, exponent, cash units per coin].
    """
    coins = pool[0] / pool[6]
    gain = impact(pool[1] * coins, (pool[1] + size) * coins, pool[3], pool[4], pool[5]) * pool[6]
    owed: float = np.ceil(size * pool[0] + abs(size) * pool[0] * pool[2] - gain)
    if size < 0.0 and owed > 0.0:  # nobody pays to be rid of something
        return np.nan
    pool[1] += size
    return owed


_fill_loop = claims_loop(take)
_pricing_loop = pricing_loop(take)


@steady
def _fill(pool: Floats, spare: Floats, desk: Any, terms: Any, batch: Any, fills: Any) -> None:
    _fill_loop(pool, spare, desk, terms, batch, fills)


@compiled
def _price(pool: Floats, spare: Floats, sizes: Ints, owed: Floats) -> None:
    _pricing_loop(pool, spare, sizes, owed)


@dataclass(frozen=True)
class ImpactPool(Venue):
    """`towards` and `away` are k, cash coins per cash coin to the power of `exponent`; `spread` is full, relative."""

    spread: float = 0.0004
    towards: float = 1e-10
    away: float = 2e-10
    exponent: float = 2.0

    counterparty: ClassVar[str] = "vault"

    def __post_init__(self) -> None:
        """Refuse impacts that pay for going back and forth."""
        wrong = []
        if not 0 <= self.spread < 1:
            wrong.append(f"spread = {self.spread}: must be 0 to below 1")
        if not 0 <= self.towards <= self.away:
            wrong.append(f"towards = {self.towards}: allowed 0 to away = {self.away}")
        if not self.exponent >= 1:
            wrong.append(f"exponent = {self.exponent}: must be 1 or more")
        if wrong:
            raise ValueError("\n".join(wrong))

    def start(self, state: State, listing: Listing, price: float) -> None:
        """The vault's position is its memory."""

    def mid(self, state: State, listing: Listing) -> float:
        """The index, moved by the mean of what the next coin is charged and the last one was paid."""
        index = read_index(state, listing).value
        skew = -float(state.ledger.balance[listing.size, listing.desk]) / listing.size_scale * index
        slope = 0.5 * (self.towards + self.away) * self.exponent * abs(skew) ** (self.exponent - 1.0)
        mid: float = index * (1.0 + float(np.sign(skew)) * slope)
        return mid

    def pool(self, state: State, listing: Listing) -> Floats:
        """See `take`. Raises StalePrice."""
        reading = read_index(state, listing)
        if reading.status != Status.FRESH:
            raise StalePrice(market=listing.name, status=reading.status.name, age=state.time - reading.time)
        skew = -float(state.ledger.balance[listing.size, listing.desk])
        price, scale = reading.value * listing.price_scale, listing.house.cash_scale
        return np.array([price, skew, 0.5 * self.spread, self.towards, self.away, self.exponent, scale])

    def fill(self, pool: Floats, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """See `Venue.fill`."""
        _fill(pool, pool.copy(), tuple(desk), tuple(terms), tuple(batch), tuple(fills))

    def price(self, pool: Floats, sizes: Ints, owed: Floats) -> None:
        """See `Venue.price`."""
        _price(pool, pool.copy(), sizes, owed)
