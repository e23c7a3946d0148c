"""A pool that trades at the index against the liquidity vault: spread, impact by skew, no depth of its own (GMX, Synthetix).

The vault's account is everybody's counterparty and carries the skew. Fills follow SIP-279: index * (1 + (premium before +
premium after) / 2) with premium = skew / skew_scale, so that a trade costs the same whole or sliced.
Attack surface: whoever knows better than the index trades at the index. Age, confidence and caps are the defences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from protocol.clearing import Batch, Desk, Fills, Terms, claims_loop, pricing_loop
from protocol.compiled import compiled
from protocol.errors import StalePrice
from protocol.ledger import Floats, Ints
from protocol.oracles.base import Status, read_index
from protocol.state import Listing, State
from protocol.venues.base import Venue


@compiled
def take(pool: Floats, size: float) -> float:
    """Cash units owed for `size` units; `pool` = [price in cash units per size unit, skew units, skew scale units, half spread]."""
    premium = (pool[1] + 0.5 * size) / pool[2]
    side = 1.0 if size > 0.0 else -1.0
    factor = 1.0 + premium + side * pool[3]
    if factor <= 0.0:
        return np.nan
    pool[1] += size
    owed: float = np.ceil(size * pool[0] * factor)
    return owed


_fill_loop = claims_loop(take)
_pricing_loop = pricing_loop(take)


@compiled
def _fill(pool: Floats, desk: Desk, terms: Terms, batch: Batch, fills: Fills) -> None:
    _fill_loop(pool, desk, terms, batch, fills)


@compiled
def _price(pool: Floats, sizes: Ints, owed: Floats) -> None:
    _pricing_loop(pool, sizes, owed)


@dataclass(frozen=True)
class OraclePool(Venue):
    """Index pricing. `spread` is full, relative; `skew_scale` in base coins; `confidence_weight` widens by the oracle's doubt."""

    spread: float = 0.0004
    skew_scale: float = 500_000.0
    confidence_weight: float = 0.0

    counterparty: ClassVar[str] = "vault"

    def __post_init__(self) -> None:
        """Refuse negative spreads and scales."""
        wrong = [
            f"{name} = {value}: must be {allowed}"
            for name, value, good, allowed in (
                ("spread", self.spread, 0 <= self.spread < 1, "0 to below 1"),
                ("skew_scale", self.skew_scale, self.skew_scale > 0, "above 0 base coins"),
                ("confidence_weight", self.confidence_weight, self.confidence_weight >= 0, "0 or more"),
            )
            if not good
        ]
        if wrong:
            raise ValueError("\n".join(wrong))

    def start(self, state: State, listing: Listing, price: float) -> None:
        """The vault's position is its memory."""

    def _skew(self, state: State, listing: Listing) -> float:
        return -float(state.ledger.balance[listing.size, listing.desk])

    def mid(self, state: State, listing: Listing) -> float:
        """Index with the premium of the present skew."""
        return read_index(state, listing).value * (
            1.0 + self._skew(state, listing) / (self.skew_scale * listing.size_scale)
        )

    def pool(self, state: State, listing: Listing) -> Floats:
        """[price, skew, skew scale, half spread]. Raises StalePrice."""
        reading = read_index(state, listing)
        if reading.status != Status.FRESH:
            raise StalePrice(market=listing.name, status=reading.status.name, age=state.time - reading.time)
        half = 0.5 * self.spread + self.confidence_weight * reading.confidence / reading.value
        return np.array(
            [
                reading.value * listing.price_scale,
                self._skew(state, listing),
                self.skew_scale * listing.size_scale,
                half,
            ]
        )

    def fill(self, pool: Floats, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """See `Venue.fill`."""
        _fill(pool, desk, terms, batch, fills)

    def price(self, pool: Floats, sizes: Ints, owed: Floats) -> None:
        """See `Venue.price`."""
        _price(pool, sizes, owed)
