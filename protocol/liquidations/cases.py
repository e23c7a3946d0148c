"""Cases: what the exchange remembers of an account that is up for auction, or has been told that it is below.

One table a market (`.cases`, a mapping from account to `Case`, replaced and never written into), journaled like any other.
Rules read it; only verbs write it. The table is not there until the first case is opened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from protocol.ledger import Ints
from protocol.state import House, Listing, State

NONE: Mapping[int, Case] = MappingProxyType({})


class Case(NamedTuple):
    """An account put up, or warned. Times in seconds, prices in cash coins per base coin."""

    account: int
    opened: float  # when somebody first said so
    started: float  # when the present round began
    start: float  # what a base coin of the contract was worth then, at the index
    span: float  # how far from there a price may go against its owner: of a long, down to nothing
    locked: bool  # whether its owner may neither trade nor quote meanwhile
    rounds: int = 1
    bidder: int = -1  # whose bid stands; -1: nobody's
    bid: float = math.nan  # its price
    held: int = 0  # cash units of the bidder's that lie in escrow
    ends: float = math.inf  # when the standing bid wins
    ahead: float = 0.0  # seconds of the course that the round passed over when it began


NOBODY: Ints = np.empty(0, np.int64)


def cases(state: State, listing: Listing) -> Mapping[int, Case]:
    """A market's cases by account."""
    found: Mapping[int, Case] = state.tables.get(listing.path + ".cases", NONE)
    return found


def case_of(state: State, listing: Listing, account: int) -> Case | None:
    """The account's case, if there is one."""
    known = state.tables.get(listing.path + ".cases")
    return None if known is None else known.get(account)


def put_case(state: State, listing: Listing, case: Case) -> None:
    """Remember a case in place of the account's last one."""
    state.put(listing.path + ".cases", {**cases(state, listing), case.account: case})


def drop_case(state: State, listing: Listing, account: int) -> None:
    """Forget the account's case."""
    left = {who: case for who, case in cases(state, listing).items() if who != account}
    state.put(listing.path + ".cases", left)


def locked(state: State, house: House) -> Ints:
    """Accounts of an exchange whose owners may not trade. Shape [found]."""
    found = [
        case.account
        for listing in state.listings[house.index]
        for case in cases(state, listing).values()
        if case.locked
    ]
    return np.array(found, np.int64) if found else NOBODY


def held(state: State, house: House) -> int:
    """Cash units that lie in escrow for standing bids."""
    return sum(case.held for listing in state.listings[house.index] for case in cases(state, listing).values())
