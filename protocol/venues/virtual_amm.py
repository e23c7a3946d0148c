"""A virtual automated market maker: constant-product prices over reserves that do not exist (Perpetual Protocol V1, 2020).

Its own account is everybody's counterparty. When longs and shorts do not match, that account gains or loses with the price,
and nothing stands behind it: its deficit is the sum of claims that custody cannot pay, held visibly by the venue's account.
The pure formula takes Python integers as well as floats, and then is the contract's own.
Attack surface: the mid is as cheap to push as `liquidity` is small, and every position is marked by whatever reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from protocol.clearing import Batch, Fills, claims_loop, pricing_loop
from protocol.compiled import compiled, shared, steady
from protocol.fixed_point import up
from protocol.ledger import Floats, Ints
from protocol.state import Listing, State
from protocol.venues.base import Venue, product_depth

N = TypeVar("N", int, float)


@shared
def owed_for(size: N, reserve: N, other: N, lost: N) -> N:
    """What `size` out of a reserve (into it if negative) costs in the other one. Perpetual Protocol V1 Amm.sol.

    (other size - lost) over (reserve - size), ints rounded up. `lost` is what the product of the reserves loses by fixed point: its
    remainder by 10**18 on chain, nothing of floats. `getInputPriceWithReserves` and `getOutputPriceWithReserves` are both this,
    with the reserves exchanged.
    """
    return up(other * size - lost, 1, reserve - size)


@compiled
def take(pool: Floats, size: float) -> float:
    """Cash units owed for `size` base units against reserves `pool` = [base, cash]: cash * size / (base - size), rounded up."""
    if size >= pool[0]:
        return np.nan
    owed: float = np.ceil(owed_for(size, pool[0], pool[1], 0.0))
    pool[0] -= size
    pool[1] += owed
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
class VirtualAmm(Venue):
    """Constant product over virtual reserves worth `liquidity` cash coins on each side at the start."""

    liquidity: float = 5_000_000.0

    def __post_init__(self) -> None:
        """Refuse a pool without reserves."""
        if not self.liquidity > 0:
            raise ValueError(f"liquidity = {self.liquidity}: must be above 0 cash coins")

    def start(self, state: State, listing: Listing, price: float) -> None:
        """Reserves in units: [base, cash]."""
        base = np.floor(self.liquidity / price * listing.size_scale)
        state.put(listing.reserves_at, np.array([base, np.floor(self.liquidity * listing.house.cash_scale)]))

    def mid(self, state: State, listing: Listing) -> float:
        """Ratio of the reserves."""
        base, cash = state.tables[listing.reserves_at].tolist()
        mid: float = cash / base / listing.price_scale
        return mid

    def depth_within(self, state: State, listing: Listing, move: float) -> float:
        """See `Venue.depth_within`."""
        return product_depth(state.tables[listing.reserves_at].item(1) / listing.house.cash_scale, move)

    def pool(self, state: State, listing: Listing) -> Floats:
        """[base, cash] units."""
        reserves: Floats = state.tables[listing.reserves_at].copy()
        return reserves

    def keep(self, state: State, listing: Listing, pool: Floats) -> None:
        """The reserves are its memory."""
        state.put(listing.reserves_at, pool)

    def fill(self, pool: Floats, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """See `Venue.fill`."""
        _fill(pool, pool.copy(), tuple(desk), tuple(terms), tuple(batch), tuple(fills))

    def price(self, pool: Floats, sizes: Ints, owed: Floats) -> None:
        """See `Venue.price`."""
        _price(pool, pool.copy(), sizes, owed)
