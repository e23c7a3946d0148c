"""Settlement: what has expired is turned into cash, for all accounts at once and exactly.

Positions close against the clearing account at one price, each rounded against its holder; since sizes and quotes sum to
zero, what rounding leaves is all that clearing has over, and goes to the insurance. Debts of those left with nothing else pass
down the waterfall in order of account, and what they owe loan pools is written off. It happens at the end of the first block
at or after expiry, however late that is.
"""

from __future__ import annotations

import math

import numpy as np

from protocol.compiled import compiled
from protocol.exchange.bearing import is_flat, pass_on, settle_loans
from protocol.exchange.cases import close_case
from protocol.instruments.settling import Settled, outcome
from protocol.ledger import Arrays, Bare, Reason, shift
from protocol.liquidations.cases import cases
from protocol.losses.base import players
from protocol.oracles.base import read_index
from protocol.state import Listing, State

MOVES_PER_ACCOUNT = 3
_SETTLEMENT = int(Reason.SETTLEMENT)


@compiled
def _pay(bare: Bare, size: int, quote: int, cash: int, clearing: int, rest: int, price: float) -> int:
    """Close everybody's position at `price` (cash units per size unit); what rounding leaves goes to `rest`, and is returned."""
    arrays = Arrays(*bare)
    balance = arrays.balance
    over = 0
    for account in range(balance.shape[1]):
        held, cost = balance[size, account], balance[quote, account]
        if account == clearing or (held == 0 and cost == 0):
            continue
        worth = int(np.floor(held * price))
        shift(arrays, size, account, clearing, held, _SETTLEMENT)
        shift(arrays, quote, account, clearing, cost, _SETTLEMENT)
        shift(arrays, cash, clearing, account, worth + cost, _SETTLEMENT)
        over -= worth
    shift(arrays, cash, clearing, rest, over, _SETTLEMENT)
    return over


def close_dated(state: State, listing: Listing) -> None:
    """Bring a dated market to the end of a block, and settle it if that is past its expiry."""
    if not math.isnan(outcome(state, listing).value):
        return
    instrument = state.market(listing).instrument
    index = read_index(state, listing).value
    instrument.observe(state, listing, index)
    if state.time >= instrument.expires():
        settle(state, listing)


def settle(state: State, listing: Listing) -> Settled:
    """Turn every position of an expired market into cash at the settlement price, and drop its resting orders."""
    house, ledger = listing.house, state.ledger
    instrument, index = state.market(listing).instrument, read_index(state, listing).value
    price = instrument.price(state, listing, index)
    holders = np.flatnonzero(ledger.balance[listing.size])
    mine = np.intersect1d(holders, players(state))

    ledger.reserve(MOVES_PER_ACCOUNT * ledger.accounts + 1)
    where = listing.size, listing.quote, house.cash, house.clearing, house.insurance
    dust = _pay(ledger.bare, *where, price * listing.price_scale)
    state.edit(listing.interest_at)[:] = 0.0
    state.market(listing).venue.clear(state, listing)

    for account in list(cases(state, listing)):
        close_case(state, listing, account)
    deficit = uncovered = 0
    for account in mine[ledger.balance[house.cash, mine] < 0].tolist():
        if is_flat(state, house, account):
            owed, covered = pass_on(state, house, account)
            deficit += owed
            uncovered += owed - sum(paid for _, paid in covered)
    for account in mine.tolist():
        settle_loans(state, house, account)
    settled = Settled(price, state.time, len(holders), int(dust), deficit, uncovered)
    state.put(listing.path + ".settled", settled)
    return settled
