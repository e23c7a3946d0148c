"""A pool that trades at the index against the liquidity vault: spread, impact by skew, no depth of its own (GMX, Synthetix).

The vault's account is everybody's counterparty and carries the skew. Fills follow SIP-279: index * (1 + (premium before +
premium after) / 2) with premium = skew / skew_scale, so that a trade costs the same whole or sliced. What is marked off the
index (a future, an option) trades around its mark instead. An option that the vault sells also raises volatility, by
`volatility_impact` times the vega traded, and pays the mean of before and after (Lyra's and Derive's pools); the surface
keeps what has moved. A spread that follows the index's age (`age_spread`) and its doubt (`confidence_weight`) answers those who
trade on a stale index or pick one out of several: how far fair may have gone since grows with the root of time. It costs
honest users as much, most of all where nobody refreshes the index before they trade.
Attack surface: whoever knows better than the index trades at the index. Age, confidence and caps are the defences. One
option's trades move the marks of all on its surface.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from protocol import surface
from protocol.clearing import Batch, Fills, claims_loop, pricing_loop
from protocol.compiled import compiled, shared, steady
from protocol.errors import StalePrice
from protocol.fixed_point import to_zero, towards
from protocol.instruments.option import Option
from protocol.ledger import Floats, Ints
from protocol.oracles.base import Status, read_index, read_mark
from protocol.settings import refuse
from protocol.state import Listing, State
from protocol.venues.base import Venue

N = TypeVar("N", int, float)


@shared
def premium_of(skew: N, scale: N, one: N) -> N:
    """What a skew adds to the index, as a share of it: skew / scale. SIP-279."""
    return to_zero(skew, one, scale)


@shared
def factor_of(premium: N, spread: N, one: N) -> N:
    """What the index is multiplied by: a premium, and half a spread with the sign of the trade (GMX V1, `getPrice`)."""
    return one + premium + spread


@shared
def leaning(worth: N, factor: N, one: N) -> N:
    """What so much is worth where the index is multiplied by a factor. Exact on ints: what leans is cut, as both contracts do."""
    return towards(worth, factor, one)


@shared
def middle(before: N, after: N, one: N) -> N:
    """The mean of before and after: of a trade, which moves the skew as it goes."""
    return to_zero(before + after, one, 2 * one)


def fill_price(price: N, skew: N, size: N, scale: N, one: N) -> N:
    """What `size` trades at: the mean of the prices before and after. PerpsV2MarketBase.sol `_fillPrice`.

    It rounds each of the two; `take`, which rounds nothing, has the price at the mean of the skews instead.
    """
    zero = 0 * one
    ends = [leaning(price, factor_of(premium_of(s, scale, one), zero, one), one) for s in (skew, skew + size)]
    return middle(ends[0], ends[1], one)


@compiled
def take(pool: Floats, size: float) -> float:
    """Cash units owed for `size` units.

    `pool` = [price in cash units per size unit, skew units, skew scale units, half spread, and for options: half spread and
    vega in cash units per size unit, volatility moved so far, volatility a unit moves, most that one order may move].
    """
    side = 1.0 if size > 0.0 else -1.0
    skew = middle(pool[1], pool[1] + size, 1.0)
    factor = factor_of(premium_of(skew, pool[2], 1.0), side * pool[3], 1.0)
    if factor <= 0.0:
        return np.nan
    moved = size * pool[7]
    if abs(moved) > pool[8]:
        return np.nan
    shift = side * pool[4] + pool[5] * (pool[6] + 0.5 * moved)
    worth = leaning(size * pool[0], factor, 1.0) + size * shift
    pool[1] += size
    pool[6] += moved
    owed: float = np.ceil(worth if worth * side > 0.0 else 0.0)  # nobody pays to sell
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
class OraclePool(Venue):
    """Index pricing. `spread` is full, relative; `skew_scale` in base coins; `confidence_weight` widens by the oracle's doubt.

    `age_spread` (full, relative, per root second) widens by the index's age.

    For options also: `volatility_spread`, full, and `volatility_impact`, per cash coin of vega (the change of value for 1.00 of
    volatility) traded, both per root year; one order may move volatility by `most_impact`.
    """

    spread: float = 0.0004
    skew_scale: float = 500_000.0
    confidence_weight: float = 0.0
    age_spread: float = 0.0
    volatility_spread: float = 0.02
    volatility_impact: float = 0.0
    most_impact: float = 0.1

    counterparty: ClassVar[str] = "vault"

    def __post_init__(self) -> None:
        """Refuse negative spreads and scales."""
        refuse(
            self,
            spread=(0 <= self.spread < 1, "0 to below 1"),
            skew_scale=(self.skew_scale > 0, "above 0 base coins"),
            confidence_weight=(self.confidence_weight >= 0, "0 or more"),
            age_spread=(self.age_spread >= 0, "0 or more per root second"),
            volatility_spread=(self.volatility_spread >= 0, "0 or more per root year"),
            volatility_impact=(self.volatility_impact >= 0, "0 or more per cash coin"),
            most_impact=(self.most_impact > 0, "above 0 per root year"),
        )

    def start(self, state: State, listing: Listing, price: float) -> None:
        """The vault's position is its memory."""

    def _skew(self, state: State, listing: Listing) -> float:
        return -float(state.ledger.balance[listing.size, listing.desk])

    @property
    def moves_marks(self) -> bool:
        """Its trades shift the surface."""
        return self.volatility_impact > 0

    def mid(self, state: State, listing: Listing) -> float:
        """Mark with the premium of the present skew; of an option worth nothing, the least that a price can be."""
        mark = max(read_mark(state, listing).value, 1.0 / listing.house.cash_scale)
        scale = self.skew_scale * listing.size_scale
        return mark + to_zero(mark, premium_of(self._skew(state, listing), scale, 1.0), 1.0)

    def pool(self, state: State, listing: Listing) -> Floats:
        """See `take`. Raises StalePrice."""
        reading = read_index(state, listing)
        if reading.status != Status.FRESH:
            raise StalePrice(market=listing.name, status=reading.status.name, age=state.time - reading.time)
        instrument, half = state.market(listing).instrument, 0.5 * self.spread
        price = instrument.price(state, listing, reading.value)
        doubt = self.confidence_weight * reading.confidence
        doubt += 0.5 * self.age_spread * math.sqrt(max(0.0, state.time - reading.time)) * reading.value
        wide = vega = unit = 0.0
        if isinstance(instrument, Option):
            greeks = instrument.greeks(state, listing, reading.value)
            vega = float(greeks.vega)
            wide = 0.5 * self.volatility_spread * vega
            wide += doubt * abs(float(greeks.delta))
            unit = self.volatility_impact * vega / listing.size_scale
        else:
            half += doubt / reading.value
        scale = listing.price_scale
        skew = self._skew(state, listing), self.skew_scale * listing.size_scale
        return np.array([price * scale, *skew, half, wide * scale, vega * scale, 0.0, unit, self.most_impact])

    def keep(self, state: State, listing: Listing, pool: Floats) -> None:
        """The vault's position is its memory; what volatility has moved, the surface's."""
        instrument = state.market(listing).instrument
        if pool[6] != 0.0 and isinstance(instrument, Option):
            seconds = instrument.expiry - state.time
            surface.shift(state, listing.house, instrument.base, seconds, float(pool[6]))

    def fill(self, pool: Floats, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """See `Venue.fill`."""
        _fill(pool, pool.copy(), tuple(desk), tuple(terms), tuple(batch), tuple(fills))

    def price(self, pool: Floats, sizes: Ints, owed: Floats) -> None:
        """See `Venue.price`."""
        _price(pool, pool.copy(), sizes, owed)
