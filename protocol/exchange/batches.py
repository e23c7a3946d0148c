"""The end of an interval: what has waited for a batch auction trades at one price, or is passed over.

Each part trades with the venue's account, through the same loop as any other order; the parts sum to zero, so that account is
left with what rounding against everybody brings, and no position. If somebody cannot carry its part, all of it is undone, that
order is left out, and the price is found anew. What still waits when its contract has expired is dropped, in that block.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from protocol.clearing import MOVES_PER_FILL, Batch, Fills, Till
from protocol.errors import Expired, SlippageExceeded, StalePrice
from protocol.exchange.checks import desk_of, doubtful_elsewhere
from protocol.ledger import Ints
from protocol.margins.base import Threshold
from protocol.oracles.base import Status, read_index
from protocol.state import EVERY, Listing, State
from protocol.venues.base import GRID
from protocol.venues.batch_auction import OWNER, PRICE, SIZE, STAYS, BatchAuction, settle_claims, settle_tokens
from protocol.venues.uniform_price import allot, crossing


class Cleared(NamedTuple):
    """What became of the orders of an auction. Shapes [n]; `code` 0 where (partly) filled, else that of the Revert."""

    listing: Listing
    account: Ints
    size: Ints  # base units traded, signed
    owed: Ints  # cash units, fee apart
    code: Ints


def clear_auctions(state: State, chain: int = EVERY) -> tuple[Cleared, ...]:
    """Clear every auction of a chain that is due now, and drop what waits for an expired contract."""
    found = []
    for listing in (listing for house in state.houses_of(chain) for listing in state.listings[house.index]):
        venue = state.market(listing).venue
        if not isinstance(venue, BatchAuction):
            continue
        if state.time >= state.market(listing).instrument.expires():
            found.append(_drop(state, listing, venue))
        elif state.tables[listing.path + ".due"] <= state.time + GRID:
            missed = (state.time + GRID - state.tables[listing.path + ".due"]) // venue.interval
            state.put(listing.path + ".due", state.tables[listing.path + ".due"] + (missed + 1) * venue.interval)
            found.append(_clear(state, listing, venue))
    return tuple(one for one in found if len(one.account))


def _drop(state: State, listing: Listing, venue: BatchAuction) -> Cleared:
    """Let go of all that waits."""
    rows: Ints = state.tables[listing.path + ".bids"]
    none, code = np.zeros(len(rows), np.int64), np.full(len(rows), Expired.code)
    if len(rows):
        venue.cleared(state, listing, none, None)
    return Cleared(listing, rows[:, OWNER], rows[:, SIZE], none, code)


def _clear(state: State, listing: Listing, venue: BatchAuction) -> Cleared:
    """Find the price, trade, and leave out whoever cannot, until all can. Without a usable index of claims, all wait on."""
    rows: Ints = state.tables[listing.path + ".bids"]
    reading = read_index(state, listing)
    parts, owed, code = (np.zeros(len(rows), np.int64) for _ in range(3))
    if len(rows) == 0 or (listing.size >= 0 and reading.status != Status.FRESH):
        return Cleared(listing, *(np.empty(0, np.int64) for _ in range(4)))
    for _, touched in doubtful_elsewhere(state, listing, rows[:, OWNER]):
        code[touched] = StalePrice.code
    state.ledger.reserve(MOVES_PER_FILL * len(rows))
    mark, price = state.mark(), None
    while True:
        able = np.flatnonzero(code == 0)
        ticks, size = rows[able, PRICE], rows[able, SIZE]
        price = crossing(ticks, size, round(reading.value / venue.tick))
        parts[:] = 0
        if price is None:
            break
        parts[able] = allot(ticks, size, price, venue.ration)
        fills = _trade(state, listing, rows[:, OWNER], parts, price * venue.tick, reading.value)
        if not fills.code.any():
            owed = fills.owed
            break
        state.rewind(mark)
        code = np.maximum(code, fills.code)

    left = np.where(code == 0, rows[:, SIZE] - parts, 0)
    venue.cleared(state, listing, left, price)
    code[(code == 0) & (parts == 0) & (rows[:, STAYS] == 0)] = SlippageExceeded.code
    told = (parts != 0) | (code != 0)
    return Cleared(listing, rows[told, OWNER], np.where(code == 0, parts, rows[:, SIZE])[told], owed[told], code[told])


def _trade(state: State, listing: Listing, account: Ints, parts: Ints, price: float, index: float) -> Fills:
    """Trade each part at `price`; those that give up a position or tokens first. Shapes [n]."""
    house, market, balance = listing.house, state.market(listing), state.ledger.balance
    held = balance[listing.size if listing.size >= 0 else listing.base, account]
    eases = held * np.sign(parts) < 0
    turn = np.flatnonzero(parts)[np.argsort(~eases[parts != 0], kind="stable")]
    batch = Batch(account[turn], parts[turn], np.full(len(turn), np.nan))
    fills = Fills(np.zeros(len(turn), np.int64), np.zeros(len(turn), np.int64))
    pool = np.array([price * listing.price_scale])
    if listing.size < 0:
        till = Till(state.ledger.bare, listing.base, house.token, listing.desk, listing.price_scale)
        settle_tokens(pool, pool.copy(), tuple(till), tuple(batch), tuple(fills))
    else:
        terms = state.exchange(house).margin.terms(state, house, Threshold.INITIAL)
        interest = state.edit(listing.interest_at)
        desk = desk_of(state, listing, interest, 0.0, market.fee, index)
        settle_claims(pool, pool.copy(), tuple(desk), tuple(terms), tuple(batch), tuple(fills))
    owed, code = np.zeros(len(parts), np.int64), np.zeros(len(parts), np.int64)
    owed[turn], code[turn] = fills.owed, fills.code
    return Fills(owed, code)
