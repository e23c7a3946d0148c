"""Seizure at a fixed spread: somebody repays part of what an account owes, and takes its collateral at a discount (Aave, Compound).

Qin, Zhou, Livshits and Gervais 2021, "An Empirical Study of DeFi Liquidations" (arXiv:2106.06389): of a debt D at most
`close_factor` * D may be repaid at once, r repaid takes r * (1 + `spread`) of collateral at the index. An account is open to it
below maintenance: with loans alone, where the sum of collateral after the maintenance haircut is less than the debt (health
factor below 1). The collateral comes in kind, so that keepers choose where to sell it. Attack surface: the close factor is
by call, not by block, so that two calls take more than one (`two_step`, their Algorithm 2); beyond a loan-to-value of
1 / (1 + spread) each call leaves the account worse (Warmuz, Chaudhary, Pinna, arXiv:2212.07306), so that whoever holds such an
account takes its collateral through a second one of his own and leaves the debt to the lenders: `halt` at that frontier
answers it, at the price that debts beyond it stay until the collateral recovers; and a borrower who keeps a grain of a second
collateral puts off the day his bad debt is written off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from protocol.appraisal import pledge_price, token_price
from protocol.fixed_point import down, up
from protocol.ledger import WORLD
from protocol.lending import owed
from protocol.margins.base import Threshold
from protocol.state import House, Lender, State

NEVER = 1e12  # loan-to-value: more than there is
N = TypeVar("N", int, float)


class Debt(NamedTuple):
    """What an account owes in one token. `lender` None: a cash claim below zero, owed to the exchange."""

    token: int  # row
    units: int  # rounded up
    price: float  # cash coins per unit
    lender: Lender | None

    @property
    def value(self) -> float:
        """Cash coins."""
        return self.units * self.price


class Lien(NamedTuple):
    """What may be taken of an account in one token."""

    token: int  # row: the token, in custody
    claim: int  # row: the claim on it
    units: int
    price: float  # cash coins per unit, without haircut
    threshold: float = 1.0  # one less the maintenance haircut

    @property
    def value(self) -> float:
        """Cash coins."""
        return self.units * self.price


class SeizurePlan(NamedTuple):
    """A forced repayment: `repay` units of the debt's token in, `taken` units of the lien's token out."""

    account: int
    debt: Debt
    lien: Lien
    repay: int
    taken: int

    @property
    def profit(self) -> float:
        """Cash coins at the index, before gas and before the collateral is sold."""
        return self.taken * self.lien.price - self.repay * self.debt.price


def debts(state: State, house: House, account: int) -> list[Debt]:
    """What an account owes an exchange and its loan pools."""
    found = []
    for lender in state.lenders[house.index]:
        if state.ledger.balance[lender.debt, account] < 0:
            price = token_price(state, house, lender.token).value / lender.scale
            found.append(Debt(lender.token, owed(state, lender, account), price, lender))
    cash = int(state.ledger.balance[house.cash, account])
    if cash < 0:
        found.append(Debt(house.token, -cash, 1.0 / house.cash_scale, None))
    return found


def liens(state: State, house: House, account: int) -> list[Lien]:
    """What an account has in custody that could be taken: its collateral, and its cash claim."""
    found = []
    for pledge, rule in zip(state.pledges[house.index], state.exchange(house).collateral, strict=True):
        units = int(state.ledger.balance[pledge.claim, account])
        if units > 0:
            price = pledge_price(state, pledge).value / pledge.scale
            found.append(Lien(pledge.token, pledge.claim, units, price, 1.0 - rule.maintenance))
    cash = int(state.ledger.balance[house.cash, account])
    if cash > 0:
        found.append(Lien(house.token, house.cash, cash, 1.0 / house.cash_scale))
    return found


def capacity(collateral: N, threshold: N, one: N) -> N:
    """The most that may be owed against `collateral` (its worth) at its liquidation threshold, one less the maintenance haircut."""
    return down(collateral, threshold, one)


def health(collateral: float, debt: float, threshold: float) -> float:
    """Health factor: collateral at its liquidation threshold, for each coin of debt."""
    return capacity(collateral, threshold, 1.0) / debt


def incentive(threshold: N, cursor: N, most: N, one: N) -> N:
    """Collateral for each coin repaid: 1 / (1 - cursor (1 - threshold)), at most `most`. Morpho.sol `liquidate`."""
    return min(most, down(one, one, one - down(cursor, one - threshold, one)))


def closable(health_factor: N, close: N, deep: N, one: N) -> N:
    """The share of a debt that may be repaid at once: all of it at a health factor of `deep` or less. Aave V3."""
    return one if health_factor <= deep else close


def taken_for(repaid: N, bonus: N, one: N, debt_price: N, lien_price: N) -> N:
    """Units of collateral for `repaid` units, `bonus` for one, each step rounded down."""
    return down(down(repaid, bonus, one), debt_price, lien_price)


def repaid_for(taken: N, bonus: N, one: N, debt_price: N, lien_price: N) -> N:
    """Units to repay for `taken` units of collateral, each step rounded up."""
    return up(up(taken, lien_price, debt_price), one, bonus)


def least_cure(collateral: float, debt: float, threshold: float, spread: float) -> float:
    """The least repayment that brings the health factor to 1. Qin et al. 2021, eq. 6; needs threshold (1 + spread) < 1."""
    return (debt - threshold * collateral) / (1.0 - threshold * (1.0 + spread))


def two_step(
    collateral: float, debt: float, threshold: float, spread: float, close_factor: float
) -> tuple[float, float]:
    """The two repayments that earn a keeper most: one that just does not cure, then the close factor of what is left.

    Qin et al. 2021, Algorithm 2, eq. 6 and 7. All in cash coins; both are 0 for a healthy account. Where no repayment can cure
    (threshold (1 + spread) of 1 or more), or the first would exceed the close factor, there is one step.
    """
    if threshold * collateral >= debt:
        return 0.0, 0.0
    cures = 1.0 - threshold * (1.0 + spread)
    first = least_cure(collateral, debt, threshold, spread) if cures > 0 else math.inf
    if first >= close_factor * debt:
        return 0.0, close_factor * debt
    return first, close_factor * (debt - first)


def two_step_gain(ratio: float, threshold: float, spread: float, close_factor: float) -> float:
    """By how much two steps beat one, relative to one. `ratio`: collateral over debt. Qin et al. 2021, eq. 9."""
    return (1.0 - close_factor) / close_factor * (1.0 - threshold * ratio) / (1.0 - threshold * (1.0 + spread))


@dataclass(frozen=True)
class Seizure:
    """`close_factor` of a debt at most by one call, at `spread` off the index; debts below `dust` cash coins go whole.

    Nothing is seized of an account whose debts are more than `halt` of what could be taken of it, both at the index. With a
    `cursor` the spread follows the haircut of what is taken, `spread` at most: Morpho Blue has 0.3, and 0.15 at most. At a health
    factor of `deep` or less a debt goes whole: Aave V3 has 0.95.
    """

    close_factor: float = 0.5
    spread: float = 0.08
    dust: float = 100.0
    halt: float = NEVER
    cursor: float = NEVER
    deep: float = 0.0

    def __post_init__(self) -> None:
        """Refuse factors that are none."""
        wrong = []
        if not 0 < self.close_factor <= 1:
            wrong.append(f"close_factor = {self.close_factor}: allowed above 0 to 1, a share of the debt")
        if not 0 <= self.spread < 1:
            wrong.append(f"spread = {self.spread}: allowed 0 to below 1, a share of what is repaid")
        if not self.dust >= 0:
            wrong.append(f"dust = {self.dust}: must be 0 or more cash coins")
        if not self.halt > 0:
            wrong.append(f"halt = {self.halt}: must be above 0, a loan-to-value; the frontier is {self.frontier}")
        if not 0 <= self.deep <= 1:
            wrong.append(f"deep = {self.deep}: allowed 0 to 1, a health factor")
        if not (0 <= self.cursor < 1 or self.cursor == NEVER):
            wrong.append(
                f"cursor = {self.cursor}: allowed 0 to below 1, a share of the haircut, or {NEVER} for a fixed spread"
            )
        if wrong:
            raise ValueError("\n".join(wrong))

    @property
    def frontier(self) -> float:
        """The loan-to-value beyond which a seizure raises it: 1 / (1 + spread). Warmuz et al. 2022."""
        return 1.0 / (1.0 + self.spread)

    def spread_on(self, threshold: float) -> float:
        """Off the index, of a token whose liquidation threshold is `threshold`."""
        if self.cursor == NEVER:
            return self.spread
        return incentive(threshold, self.cursor, 1.0 + self.spread, 1.0) - 1.0

    def halted(self, state: State, house: House, account: int) -> bool:
        """Whether an account owes more than `halt` of what could be taken of it."""
        if self.halt >= NEVER:
            return False
        owes = sum(one.value for one in debts(state, house, account))
        return owes > self.halt * sum(one.value for one in liens(state, house, account))

    def _close(self, state: State, house: House, account: int) -> float:
        owes = sum(one.value for one in debts(state, house, account))
        worth = sum(one.value * one.threshold for one in liens(state, house, account))
        return closable(health(worth, owes, 1.0), self.close_factor, self.deep, 1.0)

    def plan(
        self, state: State, house: House, account: int, debt: int, lien: int, most: int = 1 << 62
    ) -> SeizurePlan | None:
        """What may be repaid of the debt in token row `debt`, at most `most` units, for collateral in token row `lien`.

        None while the account is healthy or beyond the `halt`, owes no such token or has no such collateral.
        """
        if state.ledger.exchange[account] >= 0 or account == WORLD:
            return None
        worth, needs = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, account)
        if worth >= needs or self.halted(state, house, account):
            return None
        due = next((one for one in debts(state, house, account) if one.token == debt), None)
        held = next((one for one in liens(state, house, account) if one.token == lien), None)
        if due is None or held is None or held.price <= 0:
            return None

        whole = due.value <= self.dust
        close = self.close_factor if self.deep == 0 else self._close(state, house, account)
        repay = min(most, due.units if whole else max(1, int(due.units * close)))
        bonus = 1.0 + self.spread_on(held.threshold)
        taken = math.floor(taken_for(repay, bonus, 1.0, due.price, held.price))
        if taken > held.units:
            taken = held.units
            repay = min(repay, math.ceil(repaid_for(taken, bonus, 1.0, due.price, held.price)))
        return SeizurePlan(account, due, held, repay, taken)
