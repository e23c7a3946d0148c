"""An issue: who has minted how much of a synthetic, against what, and how safe that is.

A position is two claims: `locked` collateral in custody, and `debt` in scaled units (each worth one unit times an index that
grows by the stability fee). The fee is minted to the treasury when the issue is touched, so that the tokens there are equal
the debts there are, and what has been written off.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVar

import numpy as np

from protocol.appraisal import token_price
from protocol.fixed_point import down
from protocol.ledger import WORLD, Floats, Ints
from protocol.lending import RAY
from protocol.oracles.base import read_index
from protocol.state import Issue, State
from protocol.units import SECONDS_PER_YEAR

N = TypeVar("N", int, float)
SEED_RATIO = 3.0  # collateral over debt of the position that mints the first pool's tokens


class IssueBook(NamedTuple):
    """An issue's table."""

    index: int  # type: ignore[assignment]  # RAY: units owed for one scaled unit, as of `time`
    time: float  # seconds
    lost: int  # units of debt written off so far: tokens that nothing stands behind


def backing(price: N, ratio: N, one: N) -> N:
    """Debt that a unit of collateral may stand behind, at its price over the ratio. Maker's Spotter `poke`."""
    return down(price, one, ratio)


def is_backed(locked: N, each: N, owed: N) -> bool:
    """Whether so much collateral stands behind a debt, `each` being what a unit may. Vat `frob` not-safe, Dog `bark` not-unsafe."""
    return bool(owed <= locked * each)


def is_dust(owed: N, least: N) -> bool:
    """Whether a debt is too small to be left, and is not nothing. Vat `frob` dust."""
    return bool(0 < owed < least)


def exceeds(owed: N, ceiling: N) -> bool:
    """Whether all debts together are more than may be. Vat `frob` ceiling-exceeded."""
    return bool(owed > ceiling)


class Bite(NamedTuple):
    """What may be done to a position below the least ratio: `burnt` units in, `taken` units of collateral out."""

    account: int
    burnt: int
    taken: int


def rules(state: State, issue: Issue) -> Any:
    """The synthetic's parameters, as they are in force."""
    return state.market(issue.listing).instrument


def index_now(state: State, issue: Issue) -> int:
    """RAY: what one scaled unit owes now."""
    kept: IssueBook = state.tables[issue.path]
    fee: float = rules(state, issue).stability_fee
    return kept.index + -(
        -kept.index * math.ceil(math.expm1(fee * (state.time - kept.time) / SECONDS_PER_YEAR) * RAY) // RAY
    )


def debt_of(state: State, issue: Issue, account: int) -> int:
    """Units an account owes now, rounded up."""
    scaled = -int(state.ledger.balance[issue.debt, account])
    return -(-scaled * index_now(state, issue) // RAY)


def supply_of(state: State, issue: Issue) -> int:
    """Units there are."""
    return -int(state.ledger.balance[issue.listing.base, WORLD])


def exchange_rate(state: State, issue: Issue) -> float:
    """Units of collateral that one unit of the synthetic is worth, by the two indices."""
    listing = issue.listing
    worth = read_index(state, listing).value / listing.size_scale
    return worth / (token_price(state, listing.house, issue.token).value / issue.scale)


def stands(state: State, issue: Issue, account: int, least: float) -> bool:
    """Whether a position's collateral is worth `least` times what it owes."""
    locked, owed = int(state.ledger.balance[issue.locked, account]), debt_of(state, issue, account)
    each = backing(1.0 / exchange_rate(state, issue), least, 1.0) if owed else 0.0
    return is_backed(float(locked), each, float(owed))


def ratio(state: State, issue: Issue, account: int) -> float:
    """Collateral over debt in value; inf where nothing is owed."""
    owed = debt_of(state, issue, account)
    locked = int(state.ledger.balance[issue.locked, account])
    return locked / (owed * exchange_rate(state, issue)) if owed else math.inf


def riskiest(state: State, issue: Issue) -> tuple[Ints, Floats]:
    """(accounts that owe, the ratio of each), the riskiest first. Shapes [found]."""
    balance = state.ledger.balance
    who = np.flatnonzero(balance[issue.debt] < 0)
    owed = -balance[issue.debt, who] * (index_now(state, issue) / RAY)
    found = balance[issue.locked, who] / (owed * exchange_rate(state, issue))
    order = np.argsort(found, kind="stable")
    return who[order], found[order]


def plan_bite(state: State, issue: Issue, account: int, most: int = 1 << 62) -> Bite | None:
    """What a keeper may burn and take of a position, at most `most` units; None while it stands at the least ratio or above."""
    synthetic = rules(state, issue)
    if stands(state, issue, account, synthetic.least):
        return None
    locked, rate = int(state.ledger.balance[issue.locked, account]), exchange_rate(state, issue)
    burnt = min(most, debt_of(state, issue, account))
    taken = math.floor(burnt * rate * (1.0 + synthetic.bonus))
    if taken > locked:
        taken = locked
        burnt = min(burnt, math.ceil(taken / rate / (1.0 + synthetic.bonus)))
    return Bite(account, burnt, taken)
