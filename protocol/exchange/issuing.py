"""Synthetics: collateral locked, units minted against it, and both ways back; conversion, and the bite."""

from __future__ import annotations

import math
from typing import NamedTuple

from protocol import issuing
from protocol.appraisal import token_price
from protocol.errors import (
    DepthExceeded,
    DustyDebt,
    EmptyTill,
    Healthy,
    InsufficientBalance,
    IssueCapped,
    NotAllowed,
    NothingToDo,
    UnderCollateralised,
)
from protocol.exchange.checks import need_price, usable_index
from protocol.issuing import IssueBook
from protocol.ledger import WORLD, Reason
from protocol.lending import RAY
from protocol.oracles.base import read_index
from protocol.state import Issue, State


class Bitten(NamedTuple):
    """A position, or part of one, that a keeper has closed. Units."""

    account: int
    keeper: int
    issue: Issue
    burnt: int  # of the synthetic
    taken: int  # of the collateral
    lost: int  # of the synthetic: debt written off
    notional: float  # cash coins at the index of what was taken
    price: float  # cash coins per coin of the synthetic at the index

    def told(self, state: State) -> dict[str, float | str]:
        """What there is to say about it, in coins."""
        ledger, listing = state.ledger, self.issue.listing
        return {
            "market": listing.path,
            "account": self.account,
            "group": ledger.groups[ledger.group[self.account]],
            "burnt": self.burnt / listing.size_scale,
            "taken": self.taken / self.issue.scale,
            "lost": self.lost / listing.size_scale,
            "notional": self.notional,
            "price": self.price,
        }


def lock(state: State, issue: Issue, account: int, units: int) -> None:
    """Collateral into a position. Raises InsufficientBalance, NothingToDo."""
    if units <= 0:
        raise NothingToDo(amount=units)

    custody = issue.listing.house.custody
    state.ledger.move(issue.token, account, custody, units, Reason.PLEDGE)
    state.ledger.move(issue.locked, custody, account, units, Reason.PLEDGE)


def unlock(state: State, issue: Issue, account: int, units: int) -> None:
    """Collateral out of a position. Raises InsufficientBalance, EmptyTill, UnderCollateralised, StalePrice, NothingToDo."""
    held = int(state.ledger.balance[issue.locked, account])
    if units <= 0:
        raise NothingToDo(amount=units)
    if held < units:
        raise InsufficientBalance(account=account, has=held, needs=units)

    accrue(state, issue)
    _take_out(state, issue, account, account, units, Reason.PLEDGE)

    _need_ratio(state, issue, account)


def mint(state: State, issue: Issue, account: int, units: int) -> int:
    """Units of the synthetic out against a debt (rounded up). Returns the scaled units now owed more.

    Raises UnderCollateralised, IssueCapped, DustyDebt, StalePrice, NothingToDo.
    """
    if units <= 0:
        raise NothingToDo(amount=units)

    scaled = -(-units * RAY // accrue(state, issue))
    state.ledger.move(issue.debt, account, issue.listing.house.custody, scaled, Reason.ISSUE)
    state.ledger.move(issue.listing.base, WORLD, account, units, Reason.ISSUE)

    _need_room(state, issue)
    _need_ratio(state, issue, account)
    _need_no_dust(state, issue, account)
    return scaled


def burn(state: State, issue: Issue, account: int, units: int) -> int:
    """Units of the synthetic in, a debt down by as much (rounded down). Returns the units taken, at most what is owed.

    Raises NothingToDo, InsufficientBalance, DustyDebt.
    """
    owes = state.ledger.balance[issue.debt, account] < 0
    if units <= 0 or not owes:
        raise NothingToDo(account=account, amount=units)

    accrue(state, issue)
    units = min(units, issuing.debt_of(state, issue, account))
    _forgive(state, issue, account, units)
    state.ledger.move(issue.listing.base, account, WORLD, units, Reason.ISSUE)

    _need_no_dust(state, issue, account)
    return units


def convert(state: State, issue: Issue, account: int, units: int) -> int:
    """Units of the synthetic in, collateral out at the index less the fee, from the riskiest positions that are covered.

    Returns the units of collateral. Raises NothingToDo, InsufficientBalance, StalePrice, and DepthExceeded for want of positions.
    """
    if units <= 0:
        raise NothingToDo(amount=units)
    usable_index(state, issue.listing)
    need_price(state, issue.listing.house, issue.token)

    accrue(state, issue)
    rate, fee = issuing.exchange_rate(state, issue), issuing.rules(state, issue).redemption_fee
    left, out = units, 0
    state.ledger.move(issue.listing.base, account, WORLD, units, Reason.ISSUE)
    for target, safety in zip(*issuing.riskiest(state, issue), strict=True):
        if left == 0:
            break
        if safety < 1.0:
            continue
        part = min(left, issuing.debt_of(state, issue, int(target)))
        drawn = min(math.floor(part * rate), int(state.ledger.balance[issue.locked, target]))
        paid = math.floor(drawn * (1.0 - fee))
        _forgive(state, issue, int(target), part)
        _take_out(state, issue, int(target), account, paid, Reason.ISSUE)
        _take_out(state, issue, int(target), issue.listing.house.treasury, drawn - paid, Reason.FEE)
        left, out = left - part, out + paid
    if left:
        raise DepthExceeded(market=issue.listing.name, wanted=units, left=left)
    if out <= 0:
        raise NothingToDo(amount=units, collateral=out)
    return out


def bite(state: State, issue: Issue, keeper: int, account: int, most: int = 1 << 62) -> Bitten:
    """Burn a risky position's debt out of the keeper's wallet and take its collateral at the bonus; write off what is left bare.

    Raises Healthy, NotAllowed, StalePrice, NothingToDo, InsufficientBalance.
    """
    if keeper == account:
        raise NotAllowed(account=keeper)
    usable_index(state, issue.listing)
    need_price(state, issue.listing.house, issue.token)
    accrue(state, issue)
    plan = issuing.plan_bite(state, issue, account, most)
    if plan is None:
        raise Healthy(account=account, market=issue.listing.name)
    if plan.burnt <= 0 or plan.taken <= 0:
        raise NothingToDo(account=account, burn=plan.burnt, taken=plan.taken)

    state.ledger.move(issue.listing.base, keeper, WORLD, plan.burnt, Reason.SEIZURE)
    _forgive(state, issue, account, plan.burnt, Reason.SEIZURE)
    _take_out(state, issue, account, keeper, plan.taken, Reason.SEIZURE)
    price = read_index(state, issue.listing).value
    notional = plan.taken / issue.scale * token_price(state, issue.listing.house, issue.token).value
    return Bitten(account, keeper, issue, plan.burnt, plan.taken, _write_off(state, issue, account), notional, price)


def accrue(state: State, issue: Issue) -> int:
    """Write the stability fee down, and mint it to the treasury; returns the index (RAY)."""
    kept: IssueBook = state.tables[issue.path]
    index = issuing.index_now(state, issue)
    scaled = int(state.ledger.balance[issue.debt, issue.listing.house.custody])
    due = scaled * index // RAY + kept.lost - issuing.supply_of(state, issue)
    if due > 0:
        state.ledger.move(issue.listing.base, WORLD, issue.listing.house.treasury, due, Reason.FEE)
    state.put(issue.path, kept._replace(index=index, time=state.time))
    return index


def _forgive(state: State, issue: Issue, account: int, units: int, reason: Reason = Reason.ISSUE) -> None:
    """A debt down by `units`: all of it where that is all, else rounded down. The issue has just been touched."""
    held = -int(state.ledger.balance[issue.debt, account])
    index: int = state.tables[issue.path].index
    scaled = held if units >= -(-held * index // RAY) else units * RAY // index
    state.ledger.move(issue.debt, issue.listing.house.custody, account, scaled, reason)


def _take_out(state: State, issue: Issue, account: int, target: int, units: int, reason: Reason) -> None:
    custody = issue.listing.house.custody
    if state.ledger.balance[issue.token, custody] < units:
        raise EmptyTill(has=int(state.ledger.balance[issue.token, custody]), needs=units)
    state.ledger.move(issue.locked, account, custody, units, reason)
    state.ledger.move(issue.token, custody, target, units, reason)


def _write_off(state: State, issue: Issue, account: int) -> int:
    """Give up a debt that nothing is locked for: from now on so many tokens have nothing behind them."""
    held = -int(state.ledger.balance[issue.debt, account])
    if held <= 0 or state.ledger.balance[issue.locked, account] > 0:
        return 0
    custody = issue.listing.house.custody
    kept: IssueBook = state.tables[issue.path]
    before = int(state.ledger.balance[issue.debt, custody]) * kept.index // RAY
    state.ledger.move(issue.debt, custody, account, held, Reason.WRITE_OFF)
    lost = before - int(state.ledger.balance[issue.debt, custody]) * kept.index // RAY
    state.put(issue.path, kept._replace(lost=kept.lost + lost))
    return lost


def _need_ratio(state: State, issue: Issue, account: int) -> None:
    """The position stands at the opening ratio, or owes nothing. Raises UnderCollateralised, StalePrice."""
    if state.ledger.balance[issue.debt, account] == 0:
        return
    usable_index(state, issue.listing)
    need_price(state, issue.listing.house, issue.token)
    needs = issuing.rules(state, issue).opening
    if not issuing.stands(state, issue, account, needs):
        raise UnderCollateralised(account=account, ratio=issuing.ratio(state, issue, account), required=needs)


def _need_no_dust(state: State, issue: Issue, account: int) -> None:
    """The position owes nothing, or enough to be left. Raises DustyDebt."""
    owed, scale = issuing.debt_of(state, issue, account), issue.listing.size_scale
    least = issuing.rules(state, issue).dust
    if issuing.is_dust(owed / scale, least):
        raise DustyDebt(account=account, owed=owed / scale, least=least)


def _need_room(state: State, issue: Issue) -> None:
    """All debts together are no more than may be. Raises IssueCapped."""
    supply, ceiling = issuing.supply_of(state, issue) / issue.listing.size_scale, issuing.rules(state, issue).ceiling
    if issuing.exceeds(supply, ceiling):
        raise IssueCapped(market=issue.listing.name, owed=supply, ceiling=ceiling)
