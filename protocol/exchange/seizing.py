"""Seizure: a keeper repays what an account below maintenance owes, and takes its collateral for it."""

from __future__ import annotations

from typing import NamedTuple

from protocol.errors import BeyondFrontier, EmptyTill, Healthy, NotAllowed, NothingToDo
from protocol.exchange.bearing import pass_on, settle_loans
from protocol.exchange.checks import need_usable
from protocol.exchange.lending import repay_for
from protocol.ledger import Reason
from protocol.state import House, State


class Seized(NamedTuple):
    """A forced repayment that happened."""

    account: int
    keeper: int
    house: House
    debt: int  # token row
    lien: int  # token row
    repaid: int  # units of the debt's token
    taken: int  # units of the lien's token
    profit: float  # cash coins at the index
    lost: float  # cash coins of debt written off at the pools that lent
    deficit: int  # cash units that went down the waterfall
    covered: tuple[tuple[str, int], ...]  # (loss step, cash units it paid of that)
    notional: float  # cash coins at the index of what was taken

    def told(self, state: State) -> dict[str, float | str]:
        """What there is to say about it, in coins."""
        ledger = state.ledger
        debt, lien = ledger.assets[self.debt], ledger.assets[self.lien]
        return {
            "exchange": self.house.name,
            "account": self.account,
            "group": ledger.groups[ledger.group[self.account]],
            "debt": debt.name,
            "repaid": self.repaid / debt.scale,
            "collateral": lien.name,
            "taken": self.taken / lien.scale,
            "profit": self.profit,
            "lost": self.lost,
            "deficit": self.deficit / self.house.cash_scale,
            "notional": self.notional,
            **{f"paid by {step}": units / self.house.cash_scale for step, units in self.covered},
        }


def seize(state: State, house: House, keeper: int, account: int, debt: int, lien: int, most: int = 1 << 62) -> Seized:
    """Repay up to the close factor of a debt and take collateral worth that and the spread. Tokens, from wallet to wallet.

    `debt` and `lien` are token rows. An account with nothing left but debt has it written off, and a cash deficit passed on.
    Raises Healthy, BeyondFrontier, NotAllowed, StalePrice, NothingToDo, InsufficientBalance, EmptyTill.
    """
    if keeper == account:
        raise NotAllowed(account=keeper)
    need_usable(state, house, account)
    plan = state.exchange(house).seizure.plan(state, house, account, debt, lien, most)
    if plan is None and state.exchange(house).seizure.halted(state, house, account):
        raise BeyondFrontier(account=account, halt=state.exchange(house).seizure.halt)
    if plan is None:
        raise Healthy(account=account)
    if plan.repay <= 0 or plan.taken <= 0:
        raise NothingToDo(account=account, repay=plan.repay, taken=plan.taken)

    ledger, lender = state.ledger, plan.debt.lender
    if lender is not None:
        repaid = repay_for(state, lender, keeper, account, plan.repay, Reason.SEIZURE)
    else:
        repaid = plan.repay
        ledger.move(house.token, keeper, house.custody, repaid, Reason.SEIZURE)
        ledger.move(house.cash, house.custody, account, repaid, Reason.SEIZURE)
    if ledger.balance[plan.lien.token, house.custody] < plan.taken:
        raise EmptyTill(has=int(ledger.balance[plan.lien.token, house.custody]), needs=plan.taken)
    ledger.move(plan.lien.claim, account, house.custody, plan.taken, Reason.SEIZURE)
    ledger.move(plan.lien.token, house.custody, keeper, plan.taken, Reason.SEIZURE)

    lost = settle_loans(state, house, account)
    deficit, covered = pass_on(state, house, account)
    notional = plan.taken * plan.lien.price
    return Seized(account, keeper, house, debt, lien, repaid, plan.taken, plan.profit, lost, deficit, covered, notional)
