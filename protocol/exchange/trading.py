"""Trades: orders filled in turn against a market's venue, each wholly or not at all."""

from __future__ import annotations

import math

import numpy as np

from protocol.clearing import Batch, Fills, Till
from protocol.errors import (
    Expired,
    Halted,
    InAuction,
    NotAdmitted,
    OpenInterestCapped,
    Revert,
    StalePrice,
    UnderMargined,
    VaultUtilised,
    reasons,
)
from protocol.exchange.admission import admitted, shrinking
from protocol.exchange.cases import barred
from protocol.exchange.checks import Gate, desk_of, doubtful_elsewhere, gate_of, usable_index
from protocol.exchange.fills import Fill, Queued
from protocol.ledger import Ints
from protocol.limits.base import interest_cap, is_halted
from protocol.liquidations.cases import NOBODY
from protocol.margins.base import INITIAL
from protocol.state import Listing, State
from protocol.venues.base import QUEUED

REVERTS = reasons()


def fill(state: State, listing: Listing, batch: Batch) -> Fills:
    """Fill a batch of orders in turn, each wholly or not at all; failures are codes.

    Raises StalePrice for the whole batch, and then nothing has changed.
    """
    gate = gate_of(state, listing)
    return _fill_in_turn(state, listing, batch) if gate.live else _try(state, listing, batch, gate)


def _fill_in_turn(state: State, listing: Listing, batch: Batch) -> Fills:
    """Trade one order after the other, where a trade may move the index that the next is margined at."""
    fills = Fills(*np.zeros((2, len(batch.size)), np.int64))
    for row in range(len(batch.size)):
        mark = state.mark()
        try:
            size, limit = int(batch.size[row]), float(batch.limit[row])
            fills.owed[row] = trade(state, listing, int(batch.account[row]), size, limit).owed
        except Revert as revert:
            state.rewind(mark)
            fills.code[row] = revert.code
    return fills


def _try(state: State, listing: Listing, batch: Batch, gate: Gate) -> Fills:
    """Fill in one call the orders that may be tried. Raises as `fill`."""
    if gate.free:
        return _fill(state, listing, batch, gate)
    mark = state.mark()
    try:
        codes = refused(state, listing, batch, gate)
        return _fill(state, listing, batch, gate) if codes is None else _fill_others(state, listing, batch, gate, codes)
    except StalePrice:
        state.rewind(mark)
        raise


def refused(state: State, listing: Listing, batch: Batch, gate: Gate) -> Ints | None:
    """Why each order may not be tried, 0 where it may; None: all may. Shape [n]."""
    may = admitted(state, listing, batch) if gate.access else None
    up = barred(state, listing.house, batch.account) if listing.size >= 0 else NOBODY
    doubts = doubtful_elsewhere(state, listing, batch.account) if gate.elsewhere else []
    closed = gate.limits and is_halted(state, listing)
    if may is None and not len(up) and not doubts and not closed:
        return None
    code = np.zeros(len(batch.size), np.int64)
    if closed:
        code[~shrinking(state, listing, batch)] = Halted.code
    for _, touched in doubts:
        code[touched] = StalePrice.code
    if may is not None:
        code[~may] = NotAdmitted.code
    code[np.isin(batch.account, up)] = InAuction.code
    return code


def _fill_others(state: State, listing: Listing, batch: Batch, gate: Gate, codes: Ints) -> Fills:
    """Fill the orders that may be tried."""
    fills, free = Fills(np.zeros(len(codes), np.int64), codes), codes == 0
    if free.any():
        others = Batch(batch.account[free], batch.size[free], batch.limit[free])
        fills.owed[free], fills.code[free] = _fill(state, listing, others, gate)
        batch.size[free] = others.size
    return fills


def _fill(state: State, listing: Listing, batch: Batch, gate: Gate) -> Fills:
    count, house, market = len(batch.size), listing.house, gate.market
    fills, venue = Fills(np.empty(count, np.int64), np.empty(count, np.int64)), market.venue
    if gate.dated and state.time >= market.instrument.expires():
        fills.owed[:], fills.code[:] = 0, Expired.code
        return fills
    state.ledger.reserve(venue.moves(state, listing, count))

    if listing.size < 0:
        pool = venue.pool(state, listing)
        till = Till(state.ledger.bare, listing.base, house.token, listing.desk, listing.price_scale)
        venue.fill(pool, till, None, batch, fills)
    else:
        asks = gate.capped or not gate.sure
        index = usable_index(state, listing).value if asks else math.nan  # nothing hangs on it
        pool = venue.pool(state, listing)
        terms = gate.margin.terms(state, house, INITIAL)
        interest = state.edit(listing.interest_at)
        desk = desk_of(state, listing, interest, 0.0, market.fee, index)
        venue.fill(pool, desk, terms, batch, fills)
        if gate.bounded:  # sides that the vault's bound closes
            most = interest_cap(state, listing) / index * listing.size_scale
            closed = np.where(batch.size > 0, desk.cap[0] < most, desk.cap[1] < most)
            fills.code[(fills.code == OpenInterestCapped.code) & closed] = VaultUtilised.code

    venue.keep(state, listing, pool)
    if gate.notes:
        venue.note(state, listing, batch, fills)
    return fills


def trade(state: State, listing: Listing, account: int, size: int, limit: float = math.nan) -> Fill | Queued:
    """One order, whole or not at all; in an auction, queued. `limit`: worst average price (on a book: of any part).

    Raises what the filling loop found.
    """
    before = _standing_if_live(state, listing, account)

    batch = Batch(np.array([account]), np.array([size]), np.array([limit]))
    fills = _try(state, listing, batch, gate_of(state, listing))
    code = int(fills.code[0])
    if code == QUEUED:
        return Queued(account, listing, size)
    if code:
        raise REVERTS[code](account=account, market=listing.name, size=size)

    after = _standing_if_live(state, listing, account)
    if after < 0 and after < before:
        raise UnderMargined(account=account, excess=after)
    return Fill(account, listing, int(batch.size[0]), int(fills.owed[0]))


def _standing_if_live(state: State, listing: Listing, account: int) -> float:
    """Excess over initial margin where a trade may itself move an index it is margined at; 0 elsewhere."""
    if not gate_of(state, listing).live:
        return 0.0
    worth, needs = state.exchange(listing.house).margin.standing(state, listing.house, INITIAL, account)
    return worth - needs
