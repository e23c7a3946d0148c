"""How much: amounts as fractions of what there is, so that a step keeps its sense whatever was done before it.

An amount is a factor times one of several bases: what margin, collateral or a wallet carries, what is held, what the other
side holds, and a single unit. Which rows matter to a verb is written down where its first guess would be far off; any other
verb is sized by the rows of the place that it names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from protocol.appraisal import token_price
from protocol.errors import Revert
from protocol.issuing import exchange_rate, rules
from protocol.margins.base import Threshold
from protocol.oracles.base import read_mark
from protocol.state import House, Issue, Lender, Listing, Pledgeable, State
from protocol.venues.base import AT_THE_CLOSE

HALVINGS = 6
MOST = 1 << 60  # units: nothing is larger, and sums of two still fit

ROWS: dict[str, str] = {  # the row that a verb moves out of the sender's account
    "Deposit": "token",
    "Withdraw": "cash",
    "Invest": "token",
    "Divest": "share",
    "Provide": "token",
    "Remove": "share",
    "Pledge": "token",
    "Release": "claim",
    "Supply": "token",
    "Redeem": "share",
    "Borrow": "token",
    "Repay": "token",
    "Lock": "token",
    "Unlock": "locked",
    "Mint": "base",
    "Burn": "base",
    "Convert": "base",
}
BASES = 5  # of every amount: two of the first, that is the likeliest


def row_of(place: Any, name: str) -> int:
    """A row of the ledger by its name at a place; -1: it has none."""
    if hasattr(place, name):
        return int(getattr(place, name))
    home = place.listing if isinstance(place, Issue) else place
    if hasattr(home, name):
        return int(getattr(home, name))
    return int(getattr(home.house, name, -1))


def other_side(place: Any) -> int:
    """The account that holds what is to be had at a place."""
    if isinstance(place, House):
        return place.custody
    if isinstance(place, Listing):
        return place.desk
    if isinstance(place, Lender):
        return place.account
    return int(place.house.custody if isinstance(place, Pledgeable) else place.listing.house.custody)


def amount(state: State, verb: str, place: Any, account: int, basis: int, factor: float) -> int:
    """Units, 0 or more: `factor` times a basis, at least 1 where that is above 0."""
    base = _basis(state, verb, place, account, basis)
    units = min(base * abs(factor), float(MOST))
    return max(1, math.floor(units)) if units > 0 else 0


def _basis(state: State, verb: str, place: Any, account: int, basis: int) -> float:
    balance = state.ledger.balance
    row = row_of(place, ROWS.get(verb, "token"))
    if basis == BASES - 1 or row < 0:
        return 1.0
    if basis == 3:
        return float(max(0, balance[row, other_side(place)]))
    if basis < 2 and verb in REACH:
        return max(0.0, REACH[verb](state, place, account))
    return float(max(0, balance[row, account]))


def size(state: State, listing: Listing, account: int, basis: int, factor: float) -> int:
    """Signed units of base for an order: what margin or wallet carries, what is held, depth, or a single unit."""
    balance, house = state.ledger.balance, listing.house
    if basis == BASES - 1:
        base = 1.0
    elif basis == 2:
        base = float(abs(balance[listing.size if listing.size >= 0 else listing.base, account]))
    elif basis == 3:
        base = float(abs(balance[listing.size if listing.size >= 0 else listing.base, listing.desk]))
    elif listing.size < 0:
        bought = float(balance[house.token, account]) / (price_of(state, listing) * listing.price_scale)
        base = bought if factor > 0 else float(balance[listing.base, account])
    else:
        base = reach(state, listing, account, math.copysign(1.0, factor))
    if not math.isfinite(base):
        return 0
    units = math.floor(min(base * abs(factor), float(MOST)))
    return int(math.copysign(max(1, units), factor)) if base > 0 else 0


def price_of(state: State, listing: Listing) -> float:
    """What a base coin, or a contract on one, goes for: the mark, or the mid of a spot venue."""
    found = read_mark(state, listing).value if listing.size >= 0 else state.market(listing).venue.mid(state, listing)
    return found if math.isfinite(found) and found > 0 else 1.0


def excess(state: State, house: House, account: int) -> float:
    """Cash coins by which an account stands above initial margin; below 0 where it does not."""
    worth, needs = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, account)
    return worth - needs


def reach(state: State, listing: Listing, account: int, side: float) -> float:
    """Units of base that the account's free margin carries, what the trade itself costs taken off; a halving or more too few."""
    share, _ = state.exchange(listing.house).margin.rate(state, listing, Threshold.INITIAL)
    free, price = max(0.0, excess(state, listing.house, account)), price_of(state, listing)
    units = min(free / max(share, 1e-3) / price * listing.size_scale, float(MOST))
    venue = state.market(listing).venue
    for _ in range(HALVINGS):
        if units < 1.0 or venue.settles == AT_THE_CLOSE:
            break
        owed = _cost(state, listing, int(side * units))
        lost = (owed / listing.house.cash_scale) - side * units / listing.size_scale * price
        if math.isfinite(owed) and lost + share * units / listing.size_scale * price <= free:
            break
        units *= 0.5
    return units


def _cost(state: State, listing: Listing, units: int) -> float:
    """Cash units that an order would owe; nan where the venue cannot say."""
    try:
        return float(state.market(listing).venue.cost(state, listing, np.array([units]))[0])
    except Revert:
        return math.nan


def _power(state: State, lender: Lender, account: int) -> float:
    """Units of a loan pool's asset that the account's free margin carries."""
    price = token_price(state, lender.house, lender.token).value
    return max(0.0, excess(state, lender.house, account)) / price * lender.scale if price > 0 else 0.0


def _room(state: State, issue: Issue, account: int) -> float:
    """Units of a synthetic that what is locked carries."""
    rate = exchange_rate(state, issue)
    return (
        float(state.ledger.balance[issue.locked, account]) / rate / float(rules(state, issue).opening) if rate else 0.0
    )


def _owed(state: State, lender: Lender, account: int) -> float:
    return float(-state.ledger.balance[lender.debt, account])


REACH: dict[str, Callable[[State, Any, int], float]] = {"Borrow": _power, "Mint": _room, "Repay": _owed}
