"""Seizure of collateral: worked examples, two steps against one, and the frontier beyond which it harms (A3.1 to A3.3).

A borrower pledges ether and borrows cash at one index, which then moves; a keeper repays and takes. What is measured is what the
ledger says afterwards.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

from scipy.optimize import brentq

from experiments.incidents.places import lender_of
from experiments.validation.base import Claim, exactly
from experiments.validation.bench import CASH, COIN, Told, market_for, only, open_world, tell
from protocol import exchange
from protocol.appraisal import Collateral
from protocol.ledger import WORLD, Reason
from protocol.lending import LoanPool
from protocol.liquidations.seizure import Seizure, debts, health, liens, two_step, two_step_gain
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.state import State
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange

SUBJECT = "Seizure of collateral"
QIN = "Qin, Zhou, Gamito, Jovanovic and Gervais 2021, arXiv:2106.06389"
EXAM = "a worked example of an exam bank, S7"
WARMUZ = "Warmuz, Chaudhary and Pinna 2022, arXiv:2212.07306"
SPOT = 1  # the market that prices the collateral
COMPOUND_THRESHOLD = 0.75
HEALTH = 0.97  # of who is seized in two steps
CASES = ((0.75, 0.08, 0.5), (0.8, 0.05, 0.5), (0.6, 0.1, 0.3))  # threshold, spread, close factor
FRONTIERS = {0.045: 95.69, 0.08: 92.59, 0.1: 90.91}


def lending_world(threshold: float = 0.8, seizure: Seizure | None = None, **changes: Any) -> tuple[State, list[int]]:
    """A perpetual on a vault pool, a spot market, ETH and vault shares as collateral, a pool of USD and one of ETH."""
    rules = Exchange(
        markets=(market_for(OraclePool(), name="perp"), market_for(ConstantProduct(), name="spot")),
        vault=Vault(liquidity=1e6),
        collateral=(
            Collateral("ETH", 1.0 - threshold, 1.0 - threshold),
            Collateral("dex.share", 0.1, 0.05),
            Collateral("dex.USD.supply", 0.1, 0.05),
        ),
        loans=(LoanPool("USD", liquidity=10e6), LoanPool("ETH", liquidity=1_000.0)),
        seizure=seizure or Seizure(spread=0.1),
        losses=(Insurance(), Socialise()),
    )
    return open_world(replace(rules, **changes), stake=0)


def indebted(
    coins: float, debt: float, price: float, threshold: float, seizure: Seizure, at: float = 0.0
) -> tuple[State, list[int]]:
    """A borrower with `coins` ETH pledged and `debt` USD owed, once the index has come to `price`."""
    state, traders = lending_world(threshold, seizure)
    tell(state, at or 1.2 * max(price, debt / (threshold * coins)))
    exchange.pledge(state, state.pledges[0][0], traders[0], round(coins * COIN))
    exchange.borrow(state, state.lenders[0][0], traders[0], round(debt * CASH))
    tell(state, price)
    return state, traders


def health_of(state: State, account: int, threshold: float) -> float:
    """Health factor as the ledger has it."""
    house = state.houses[0]
    held, due = liens(state, house, account), debts(state, house, account)
    return health(sum(one.value for one in held), sum(one.value for one in due), threshold)


def seize(state: State, keeper: int, borrower: int, most: int = 1 << 62) -> exchange.Seized:
    """Repay up to `most` units of cash for ether."""
    house = state.houses[0]
    return exchange.seize(state, house, keeper, borrower, house.token, state.listings[0][SPOT].base, most)


def qin() -> tuple[float, float, float, float]:
    """3 ETH at 3,300 against 8,400, LT .8, LS .1: health before, repaid, received, profit."""
    state, (borrower, keeper, *_) = indebted(3.0, 8_400.0, 3_300.0, 0.8, Seizure(spread=0.1))
    before = health_of(state, borrower, 0.8)
    done = seize(state, keeper, borrower)
    return before, done.repaid / CASH, done.taken / COIN * 3_300.0, done.profit


def after(repaid: float) -> float:
    """Health of 2 coins at 68,000 against 110,000, LT .8, LS 5 %, once so much has been repaid."""
    state, (borrower, keeper, *_) = indebted(2.0, 110_000.0, 68_000.0, 0.8, Seizure(spread=0.05))
    if repaid:
        seize(state, keeper, borrower, round(repaid * CASH))
    return health_of(state, borrower, 0.8)


def by_equation(threshold: float, spread: float, close: float) -> float:
    """What two steps earn beyond one, %, with a health factor of .97, by equation 9."""
    return 100.0 * two_step_gain(HEALTH / threshold, threshold, spread, close)


def two_steps(threshold: float, spread: float, close: float) -> float:
    """The same on the ledger."""
    debt, coins = 100_000.0, 100.0
    price = HEALTH * debt / (threshold * coins)
    state, (borrower, keeper, *_) = indebted(coins, debt, price, threshold, Seizure(close, spread))
    mark = state.mark()
    once = seize(state, keeper, borrower).profit
    state.rewind(mark)
    first, _ = two_step(coins * price, debt, threshold, spread, close)
    steps = (math.floor((first - 0.01) * CASH), 1 << 62)  # a grain short, for what is taken is rounded down
    earned = sum(seize(state, keeper, borrower, most).profit for most in steps)
    return 100.0 * (earned / once - 1.0)


def worsening(ratio: float, spread: float) -> float:
    """Change of the loan-to-value when 1 % of the debt is seized at a price that stands still."""
    debt, coins = 100_000.0, 100.0
    state, (borrower, keeper, *_) = indebted(coins, debt, debt / ratio / coins, 0.5, Seizure(0.01, spread, dust=0.0))
    seize(state, keeper, borrower)
    house = state.houses[0]
    due = sum(one.value for one in debts(state, house, borrower))
    return due / sum(one.value for one in liens(state, house, borrower)) - ratio


def frontier(spread: float) -> float:
    """Loan-to-value at which a seizure changes nothing, %."""
    return 100.0 * float(brentq(worsening, 0.8, 0.99, args=(spread,), xtol=1e-5))


class Compound(NamedTuple):
    """The farmer of 26 November 2020, and the keeper who has not yet come."""

    state: State
    farmer: int
    keeper: int

    @property
    def dai(self) -> int:
        """The token's row."""
        return self.state.listings[0][0].base

    def seize(self, most: float = 1e9) -> tuple[float, float]:
        """Repay up to so many DAI for DAI: what was repaid and what was taken, in DAI."""
        house = self.state.houses[0]
        done = exchange.seize(self.state, house, self.keeper, self.farmer, self.dai, self.dai, round(most * COIN))
        return done.repaid / COIN, done.taken / COIN

    def health(self) -> float:
        """Of the farmer."""
        return health_of(self.state, self.farmer, COMPOUND_THRESHOLD)


def compound() -> Compound:
    """108.51M DAI and 17.88M USDC put up, 93.22M DAI and 506.64K USDC owed, at 1.08; then DAI is told to be 1.095299."""
    haircut = 1.0 - COMPOUND_THRESHOLD
    share = "compound.USD.supply"
    rules = lender_of(
        "compound",
        "DAI",
        "USD",
        (Collateral("DAI", haircut, haircut), Collateral(share, haircut, haircut)),
        {"DAI": 400e6, "USD": 40e6},
        oracles={"DAI": Told()},
        seizure=Seizure(0.5, 0.08),
    )
    state, (farmer, keeper, *_) = open_world(replace(rules, chain="l2"), cash=100_000_000, stake=0)
    house, listing = only(state)
    for account in (farmer, keeper):
        state.ledger.move(listing.base, WORLD, account, 200_000_000 * COIN, Reason.GENESIS)
    pools = {lender.name: lender for lender in state.lenders[0]}
    pledges = {seat.name: seat for seat in state.pledges[0]}
    tell(state, 1.08)
    shares = exchange.supply(state, pools["USD"], farmer, round(17.88e6 * CASH))
    exchange.pledge(state, pledges[share], farmer, shares)
    exchange.pledge(state, pledges["DAI"], farmer, round(108.51e6 * COIN))
    exchange.borrow(state, pools["DAI"], farmer, round(93.22e6 * COIN))
    exchange.borrow(state, pools["USD"], farmer, round(506_640.0 * CASH))
    tell(state, 1.095299)
    return Compound(state, farmer, keeper)


def repaid_at_once() -> tuple[float, float]:
    """What the keeper of that day was given for his 46.14M DAI, and his profit; DAI."""
    repaid, taken = compound().seize(46.14e6)
    return taken, taken - repaid


def in_two() -> tuple[float, float, float]:
    """The most that can be repaid and does not cure, what may be repaid after it, and what both bring beyond the 46.14M; DAI."""
    case = compound()
    mark = case.state.mark()

    def over(repaid: float) -> float:
        case.seize(repaid)
        health = case.health()
        case.state.rewind(mark)
        return health - 1.0

    first = float(brentq(over, 1e3, 40e6, xtol=1.0)) - 1.0
    steps = [case.seize(first), case.seize()]
    profit = sum(taken - repaid for repaid, taken in steps)
    return steps[0][0], steps[1][0], profit - repaid_at_once()[1]


def exact(name: str, what: str, source: str, value: float, within: float, measure: Any) -> Claim:
    """A claim without chance in it."""
    return Claim(name, what, source, value, within, lambda _: exactly(measure()))


def two(case: tuple[float, float, float]) -> Claim:
    """The claim about one case of two steps."""
    threshold, spread, close = case
    value = by_equation(*case)
    what = f"profit of two steps over one, %: LT {threshold:g}, LS {spread:g}, CF {close:g}, health .97"
    name = f"A3.2-two-steps-{threshold:g}"
    return exact(name, what, f"{QIN}, equation 9", value, 0.01 * value, lambda: two_steps(*case))


def claims() -> tuple[Claim, ...]:
    """To the digit printed; two steps within 1 %, the frontier within .1 points; the case's first step is known to 2 %."""
    at = "3 ETH at 3,300 against 8,400"
    over = "2 coins at 68,000 against 110,000"
    return (
        exact("A3.1-health", f"health factor: {at}", QIN, 0.943, 5e-4, lambda: qin()[0]),
        exact("A3.1-repaid", f"repaid: {at}", QIN, 4_200.0, 1e-6, lambda: qin()[1]),
        exact("A3.1-received", f"received: {at}", QIN, 4_620.0, 1e-6, lambda: qin()[2]),
        exact("A3.1-profit", f"profit: {at}", QIN, 420.0, 1e-6, lambda: qin()[3]),
        exact("A3.2-before", f"health factor: {over}", EXAM, 0.9891, 5e-5, lambda: after(0.0)),
        exact(
            "A3.2-least",
            f"the same once the least that cures, 7,500, is repaid: {over}",
            EXAM,
            1.0,
            1e-6,
            lambda: after(7_500.0),
        ),
        exact("A3.2-half", f"the same once half is repaid: {over}", EXAM, 1.1382, 5e-5, lambda: after(55_000.0)),
        exact(
            "A3.2-received",
            "received for the 46.14M (to 10,000) that were repaid, DAI",
            QIN,
            49.83e6,
            5e3,
            lambda: repaid_at_once()[0],
        ),
        exact("A3.2-profit", "profit of that, DAI", QIN, 3.69e6, 5e3, lambda: repaid_at_once()[1]),
        exact(
            "A3.2-first",
            "first of two steps, DAI, inputs printed to 10,000",
            QIN,
            296.61e3,
            0.02 * 296.61e3,
            lambda: in_two()[0],
        ),
        exact("A3.2-second", "second of two steps, DAI", QIN, 46.46e6, 5e3, lambda: in_two()[1]),
        exact(
            "A3.2-extra",
            "what both earn beyond the 46.14M (to 10,000) that were repaid, DAI",
            QIN,
            49.26e3,
            400.0,
            lambda: in_two()[2],
        ),
        *(two(case) for case in CASES),
        *(
            exact(
                f"A3.3-frontier-{spread:g}",
                f"loan-to-value beyond which a seizure at {100 * spread:g} % harms, %",
                WARMUZ,
                value,
                0.1,
                lambda spread=spread: frontier(spread),
            )
            for spread, value in FRONTIERS.items()
        ),
    )
