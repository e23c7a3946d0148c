"""Trades: orders filled in turn against a market's venue, each wholly or not at all."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from protocol.clearing import Batch, Fills, Till
from protocol.errors import (
    NotAdmitted,
    UnderMargined,
    reasons,
)
from protocol.exchange.admission import admitted
from protocol.exchange.checks import desk_of, need_usable, usable_index
from protocol.exchange.fills import Fill
from protocol.margins.base import Threshold
from protocol.state import Listing, State

REVERTS = reasons()


def fill(state: State, listing: Listing, batch: Batch) -> Fills:
    """Fill a batch of orders in turn, each wholly or not at all; failures are codes. Raises StalePrice for the whole batch."""
    may = admitted(state, listing, batch)
    if may is not None:
        return _fill_some(state, listing, batch, may)
    return _fill(state, listing, batch)


def _fill_some(state: State, listing: Listing, batch: Batch, may: NDArray[np.bool_]) -> Fills:
    """Fill the orders that may be, and refuse the others."""
    owed, code = np.zeros(len(may), np.int64), np.full(len(may), NotAdmitted.code, np.int64)
    if may.any():
        some = _fill(state, listing, Batch(batch.account[may], batch.size[may], batch.limit[may]))
        owed[may], code[may] = some.owed, some.code
    return Fills(owed, code)


def _fill(state: State, listing: Listing, batch: Batch) -> Fills:
    fills = Fills(np.zeros(len(batch.size), np.int64), np.zeros(len(batch.size), np.int64))
    market, house = state.market(listing), listing.house
    state.ledger.reserve(market.venue.moves(state, listing, len(batch.size)))

    if listing.size < 0:
        pool = market.venue.pool(state, listing)
        till = Till(state.ledger.arrays, listing.base, house.token, listing.desk, listing.price_scale)
        market.venue.fill(pool, till, None, batch, fills)
    else:
        index = usable_index(state, listing)
        pool = market.venue.pool(state, listing)
        terms = state.exchange(house).margin.terms(state, house, Threshold.INITIAL)
        interest = state.edit(listing.path + ".interest")
        desk = desk_of(state, listing, interest, 0.0, market.fee, index.value)
        market.venue.fill(pool, desk, terms, batch, fills)

    market.venue.keep(state, listing, pool)
    market.venue.note(state, listing, batch, fills)
    return fills


def trade(state: State, listing: Listing, account: int, size: int, limit: float = math.nan) -> Fill:
    """One order, whole or not at all. `limit`: worst average price (on a book: of any part). Raises what the filling loop found."""
    if listing.size >= 0:
        need_usable(state, listing.house, account)
    before = _standing_if_live(state, listing, account)

    fills = fill(state, listing, Batch(np.array([account]), np.array([size]), np.array([limit])))
    code = int(fills.code[0])
    if code:
        raise REVERTS[code](account=account, market=listing.name, size=size)

    after = _standing_if_live(state, listing, account)
    if after < 0 and after < before:
        raise UnderMargined(account=account, excess=after)
    return Fill(account, listing, size, int(fills.owed[0]))


def is_live(state: State, listing: Listing) -> bool:
    """Whether a trade in this market may itself move an index that accounts of its exchange are margined at."""
    return listing.size >= 0 and any(market.oracle.live for market in state.exchange(listing.house).markets)


def _standing_if_live(state: State, listing: Listing, account: int) -> float:
    """Excess over initial margin where a trade may itself move an index it is margined at; 0 elsewhere."""
    if not is_live(state, listing):
        return 0.0
    worth, needs = state.exchange(listing.house).margin.standing(state, listing.house, Threshold.INITIAL, account)
    return worth - needs
