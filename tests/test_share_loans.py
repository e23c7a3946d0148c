"""Loans of a vault's own shares, a cap on how fast a share may grow as collateral, and who is bankrupt by it."""

import numpy as np
import pytest

from experiments.bankruptcy import bankrupt
from experiments.incidents.base import played
from experiments.incidents.venus_the import BEFORE
from protocol import exchange
from protocol.appraisal import Collateral, coins_behind, pledge_price, token_price
from protocol.errors import NothingToDo
from protocol.genesis import genesis
from protocol.laws import of_states as laws
from protocol.ledger import WORLD, Reason
from protocol.lending import LoanPool
from protocol.units import SECONDS_PER_YEAR
from protocol.vault import Vault
from protocol.world import Exchange, World

CASH = 10**6


def one(growth=1e12):
    rules = Exchange(
        vault=Vault(liquidity=1_000.0),
        loans=(LoanPool("dex.share"), LoanPool("USD", liquidity=1_000.0)),
        collateral=(Collateral("dex.share", 0.2, 0.2, growth=growth), Collateral("dex.dex.share.supply", 0.2, 0.2)),
    )
    state = genesis(World(exchanges=(rules,)), {"ETH": 2_000.0})
    trader = state.ledger.open("trader")
    state.ledger.move(state.ledger.row["USD"], WORLD, trader, 10_000 * CASH, Reason.GENESIS)
    return state, state.houses[0], trader


def test_a_vaults_shares_are_lent_and_what_is_lent_of_them_is_worth_a_share():
    state, house, trader = one()
    lender, seat = state.lenders[0][0], state.pledges[0][1]
    shares = exchange.invest(state, house, trader, 500 * CASH)
    claims = exchange.supply(state, lender, trader, shares)
    exchange.pledge(state, seat, trader, claims)
    exchange.borrow(state, lender, trader, shares // 2)
    assert state.ledger.balance[house.share, trader] == shares // 2
    before = pledge_price(state, seat).value
    exchange.donate(state, house, trader, 1_500 * CASH)
    assert token_price(state, house, house.share).value == pytest.approx(2.0, rel=1e-6)
    assert pledge_price(state, seat).value == pytest.approx(2.0 * before, rel=1e-6)


def test_coins_given_to_a_loan_pool_are_its_suppliers():
    state, house, trader = one()
    lender = state.lenders[0][1]
    shares = exchange.supply(state, lender, trader, 1_000 * CASH)
    exchange.donate(state, house, trader, 1_000 * CASH, lender)
    assert exchange.redeem(state, lender, trader, shares) == pytest.approx(1_500 * CASH, rel=1e-6)
    assert laws.loans_are_covered(state) == []
    with pytest.raises(NothingToDo):
        exchange.donate(state, house, trader, 0, lender)


def test_a_keeper_of_shares_sells_the_coins_behind_them_and_counts_what_those_fetch():
    """Venus, March 2026: keepers' own sales carry the price outside below where it had been."""
    course = played("venus-the", 1)["history"]
    assert course.track["index"].min() < 0.9 * BEFORE
    assert course.last("owed") == 0.0
    assert course.last("lost") > 0.0


def test_a_cap_on_growth_leaves_a_share_at_par_and_lets_it_grow_by_the_year():
    state, house, trader = one(growth=0.1)
    seat = state.pledges[0][0]
    assert pledge_price(state, seat).value == pytest.approx(1.0, rel=1e-9)
    exchange.donate(state, house, trader, 1_000 * CASH)
    assert coins_behind(state, house, house.share) == pytest.approx(2.0, rel=1e-9)
    assert pledge_price(state, seat).value == pytest.approx(1.0, rel=1e-9)
    state.time = SECONDS_PER_YEAR
    assert pledge_price(state, seat).value == pytest.approx(1.1, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LoanPool("dex.share", liquidity=5.0), "must be 0 of dex.share, which is bought with cash"),
        (lambda: Exchange(loans=(LoanPool("dex.share"),)), "loans.dex.share: no market prices it"),
        (lambda: Collateral(growth=-0.1), "growth = -0.1: must be 0 or more a year"),
        (lambda: Exchange(collateral=(Collateral("ETH", growth=0.1),)), "only what this exchange issues grows"),
    ],
)
def test_shares_that_cannot_be_lent_and_caps_on_what_does_not_grow_are_refused(make, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        make()


def test_whoever_holds_claims_on_a_bankrupt_is_bankrupt_too():
    """Cream's two accounts: each is the other's collateral, and both walk away."""
    course = played("cream", 1)["history"]
    assert course.refused == ""
    assert course.gain() == pytest.approx(122e6, rel=1e-6)

    state, house, _ = one()
    long, short = state.ledger.open("long"), state.ledger.open("short")
    accounts = state.ledger.accounts
    loans, pledged = np.zeros((2, accounts)), np.zeros((2, accounts))
    loans[0, short], loans[1, long], pledged[1, long] = 100.0, 60.0, 100.0
    worth = np.zeros(accounts)
    worth[short] = 50.0
    told = bankrupt(state, house, worth, loans, pledged, np.zeros(2))
    assert told[[long, short]].all()
    worth[short] = 70.0  # pays 70 of 100, and 70 is more than 60
    told = bankrupt(state, house, worth, loans, pledged, np.zeros(2))
    assert told[[long, short]].tolist() == [False, True]
