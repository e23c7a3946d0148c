"""The end of a case: an account stands again, or has nothing left to sell, and a standing bid is given back.

Verbs that close positions end it in passing; an owner who stands again is free at its next order.
"""

from __future__ import annotations

import numpy as np

from protocol.ledger import Ints, Reason
from protocol.liquidations.cases import NOBODY, Case, case_of, cases, drop_case, locked
from protocol.state import House, Listing, State


def close_case(state: State, listing: Listing, account: int) -> Case | None:
    """End the account's case if it needs no sale any more, a standing bid given back. Returns the case there was."""
    case = case_of(state, listing, account)
    if case is None or not state.exchange(listing.house).liquidation.recovered(state, listing, account):
        return case

    give_back(state, listing, case)
    drop_case(state, listing, account)
    return case


def end_cases(state: State, house: House) -> None:
    """End all cases of an exchange, standing bids given back: another rule would not know what to do with them."""
    for listing in state.listings[house.index]:
        for case in list(cases(state, listing).values()):
            give_back(state, listing, case)
            drop_case(state, listing, case.account)


def give_back(state: State, listing: Listing, case: Case) -> None:
    """What a standing bid had locked, to its bidder."""
    if case.held:
        state.ledger.move(listing.house.cash, listing.house.escrow, case.bidder, case.held, Reason.AUCTION)


def barred(state: State, house: House, accounts: Ints) -> Ints:
    """Those of `accounts` who are up for auction and may not trade; whoever stands again is let go. Shape [found]."""
    for listing in state.listings[house.index]:
        if cases(state, listing):
            break
    else:
        return NOBODY
    up = locked(state, house)
    if not len(up) or not len(found := np.intersect1d(up, accounts)):
        return NOBODY
    for account in found.tolist():
        for listing in state.listings[house.index]:
            close_case(state, listing, account)
    return np.intersect1d(locked(state, house), found)
