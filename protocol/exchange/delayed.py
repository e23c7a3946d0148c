"""Requests that wait for a new index: at the close of a block those it has come for are executed, and those it has not lapse."""

from __future__ import annotations

import numpy as np

from protocol.clearing import MOVES_PER_FILL, Batch, Fills
from protocol.errors import Expired, StalePrice
from protocol.exchange.batches import Cleared
from protocol.exchange.checks import desk_of, gate_of
from protocol.exchange.trading import refused
from protocol.margins.base import Threshold
from protocol.oracles.base import Status, read_index
from protocol.state import EVERY, Listing, State
from protocol.venues.delayed_pool import ASKED, LIMIT, OWNER, SIZE, DelayedPool, execute_claims


def execute_requests(state: State, chain: int = EVERY) -> tuple[Cleared, ...]:
    """What became of requests in every market of a chain that makes orders wait for a new index."""
    found = []
    for listing in (listing for house in state.houses_of(chain) for listing in state.listings[house.index]):
        venue = state.market(listing).venue
        if isinstance(venue, DelayedPool) and len(state.tables[listing.path + ".requests"]):
            found.append(_execute(state, listing, venue))
    return tuple(one for one in found if len(one.account))


def _execute(state: State, listing: Listing, venue: DelayedPool) -> Cleared:
    """Fill what is ready, in the order of asking; drop what has waited too long, or whose contract is over."""
    rows, reading = state.tables[listing.path + ".requests"], read_index(state, listing)
    over = state.time >= state.market(listing).instrument.expires()
    ready = venue.ready(state, listing, reading) & (reading.status == Status.FRESH) & (not over)
    gone = ready | over | (rows[:, ASKED] + venue.patience <= state.time)
    state.put(listing.path + ".requests", rows[~gone])
    rows, ready = rows[gone], ready[gone]

    batch = Batch(rows[:, OWNER].astype(np.int64), rows[:, SIZE].astype(np.int64), rows[:, LIMIT].copy())
    fills = Fills(np.zeros(len(rows), np.int64), np.full(len(rows), (Expired if over else StalePrice).code))
    if ready.any():
        part = Batch(batch.account[ready], batch.size[ready], batch.limit[ready])
        fills.owed[ready], fills.code[ready] = _fill(state, listing, venue, part)
    return Cleared(listing, batch.account, batch.size, fills.owed, fills.code)


def _fill(state: State, listing: Listing, venue: DelayedPool, batch: Batch) -> Fills:
    """Fill requests at the index of now, each wholly or not at all."""
    house, market, reading = listing.house, state.market(listing), read_index(state, listing)
    codes = refused(state, listing, batch, gate_of(state, listing))
    code = np.zeros(len(batch.size), np.int64) if codes is None else codes
    fills, free = Fills(np.zeros(len(code), np.int64), code), code == 0
    state.ledger.reserve(MOVES_PER_FILL * len(code))
    terms = state.exchange(house).margin.terms(state, house, Threshold.INITIAL)
    desk = desk_of(state, listing, state.edit(listing.interest_at), 0.0, market.fee, reading.value)
    part = Batch(batch.account[free], batch.size[free], batch.limit[free])
    done = Fills(np.zeros(len(part.size), np.int64), np.zeros(len(part.size), np.int64))
    execute_claims(venue.prices(state, listing, reading), desk, terms, part, done)
    fills.owed[free], fills.code[free] = done
    return fills
