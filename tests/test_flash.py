"""Flash loans: paid back with a fee or never made, worth nothing to who deals in the lender's own shares meanwhile."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, open_world

from agents.view import View
from protocol import chain, errors, exchange, laws
from protocol.appraisal import Collateral, token_price, vault_total
from protocol.flash import Flash, available, out
from protocol.gas import GAS
from protocol.ledger import WORLD
from protocol.lending import LoanPool, accrued, owed, worth_of
from protocol.loan_transactions import Borrow, FlashLoan, Pledge, Redeem, Repay, Supply
from protocol.mempool import Mempool, Pending
from protocol.transactions import Bundle, Deposit, Divest, Invest, Trade, Withdraw
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool

RULES = exchange_for(
    OraclePool(),
    ConstantProduct(liquidity=100_000.0),
    vault=Vault(liquidity=500_000.0),
    flash=Flash(fee=0.0009),
    loans=(LoanPool("USD", liquidity=200_000.0), LoanPool("ETH", liquidity=50.0)),
    collateral=(Collateral("dex.share"), Collateral("ETH")),
)


def nothing(state):
    return ()


def opened(**changes):
    return open_world(replace(RULES, **changes))


def test_the_vault_lends_for_a_fee_rounded_up_that_its_shares_are_worth_more_by():
    state, (trader, *_) = opened()
    house, wallet, before = state.houses[0], state.ledger.balance[0].copy(), vault_total(state, state.houses[0])
    Witness(state).does(exchange.flashloan, trader, house, trader, 100_000 * CASH + 1, nothing)
    fee = 90 * CASH + 1
    assert wallet[trader] - state.ledger.balance[0, trader] == fee == vault_total(state, house) - before
    assert out(state, house, None) == 0


@pytest.mark.parametrize("number", [0, 1])
def test_a_loan_pool_lends_its_token_for_a_fee_that_its_shares_are_worth_more_by(number):
    state, (trader, *_) = opened()
    house, lender = state.houses[0], state.lenders[0][number]
    before = accrued(state, lender)
    Witness(state).does(exchange.flashloan, trader, house, trader, before.tokens, nothing, lender)
    after = accrued(state, lender)
    assert after.assets - before.assets == Flash().charge(before.tokens) > 0
    assert after.shares == before.shares


def test_a_loan_that_is_not_there_at_its_end_was_never_made():
    state, (trader, *_) = opened()
    house = state.houses[0]
    loan = FlashLoan(house, trader, 400_000 * CASH, (Deposit(house, trader, 1_300_000 * CASH),))
    digest, mark = state.digest(), state.mark()
    with pytest.raises(errors.FlashUnpaid, match="has=0, needs=400360000000"):
        loan.apply(state)
    state.rewind(mark)
    assert state.digest() == digest


def test_nobody_lends_where_no_rule_says_so_nor_more_than_there_is():
    state, (trader, *_) = opened(flash=None)
    with pytest.raises(errors.NotAllowed):
        exchange.flashloan(state, state.houses[0], trader, CASH, nothing)
    state, (trader, *_) = opened()
    for lender, has in ((None, 500_000 * CASH), (state.lenders[0][1], 50 * COIN)):
        with pytest.raises(errors.EmptyTill, match=f"has={has}, needs={has + 1}"):
            exchange.flashloan(state, state.houses[0], trader, has + 1, nothing, lender)
    with pytest.raises(errors.NothingToDo):
        exchange.flashloan(state, state.houses[0], trader, 0, nothing)


def test_what_traders_have_deposited_is_not_lent_however_loans_are_nested():
    state, (trader, *_) = opened()
    house = state.houses[0]
    inner = FlashLoan(house, trader, 400_000 * CASH, ())
    with pytest.raises(errors.EmptyTill, match=f"has={200_000 * CASH}"):
        FlashLoan(house, trader, 300_000 * CASH, (inner,)).apply(state)


def test_loans_may_be_nested_and_each_lender_gets_its_fee():
    state, (trader, *_) = opened()
    house, lender = state.houses[0], state.lenders[0][0]
    vault, pool = vault_total(state, house), accrued(state, lender).assets
    inner = Bundle(trader, (FlashLoan(house, trader, 200_000 * CASH, (), lender),))
    FlashLoan(house, trader, 500_000 * CASH, (inner, inner)).apply(state)
    assert vault_total(state, house) - vault == 450 * CASH
    assert accrued(state, lender).assets - pool == 360 * CASH
    assert available(state, house, lender) == 200_360 * CASH


def test_a_share_is_worth_the_same_while_what_stands_behind_it_is_lent():
    state, (trader, *_) = opened()
    house, lender = state.houses[0], state.lenders[0][0]
    seen = []

    def look(state):
        seen.append((vault_total(state, house), accrued(state, lender).assets))

    before = vault_total(state, house), accrued(state, lender).assets
    exchange.flashloan(
        state,
        house,
        trader,
        500_000 * CASH,
        lambda state: exchange.flashloan(state, house, trader, 200_000 * CASH, look, lender),
    )
    assert seen == [before]


def test_who_invests_the_vaults_own_cash_in_it_meanwhile_gains_nothing():
    state, (trader, other, *_) = opened()
    house = state.houses[0]
    for own in (
        0,
        400_000 * CASH,
    ):  # the loan alone, and the loan beside own cash, which is how Cream's pools were robbed
        units = 500_000 * CASH
        before, mark = state.ledger.balance[house.token, trader], state.mark()
        shares = units * 1_000 + own * 1_000
        parts = (Invest(house, trader, units + own), Divest(house, trader, shares))
        FlashLoan(house, trader, units, parts).apply(state)
        assert state.ledger.balance[house.token, trader] <= before - 450 * CASH
        assert state.ledger.balance[house.share, trader] == 0
        state.rewind(mark)
    exchange.flashloan(
        state, house, trader, 500_000 * CASH, lambda state: exchange.invest(state, house, other, 400_000 * CASH)
    )
    assert exchange.divest(state, house, other, int(state.ledger.balance[house.share, other])) <= 400_200 * CASH


def test_who_supplies_a_pool_while_its_tokens_are_lent_gains_no_more_than_a_share_of_the_fee():
    state, (trader, *_) = opened()
    house, lender = state.houses[0], state.lenders[0][0]
    units, before = 200_000 * CASH, int(state.ledger.balance[house.token, trader])
    FlashLoan(house, trader, units, (Supply(lender, trader, 400_000 * CASH),), lender).apply(state)
    shares = int(state.ledger.balance[lender.share, trader])
    Redeem(lender, trader, shares).apply(state)
    assert state.ledger.balance[house.token, trader] < before


def test_a_deposit_of_what_is_lent_is_no_repayment():
    state, (trader, *_) = open_world(RULES, cash=100_000)
    house = state.houses[0]
    loan = FlashLoan(house, trader, 400_000 * CASH, (Deposit(house, trader, 400_000 * CASH),))
    with pytest.raises(errors.FlashUnpaid):
        loan.apply(state)


def test_a_loan_carries_a_round_trip_through_a_pool_and_is_simulated_without_a_trace():
    state, (trader, *_) = opened()
    house, spot = state.houses[0], state.listings[0][1]
    poor = state.ledger.open("poor")
    state.ledger.move(house.token, WORLD, poor, 10_000 * CASH, 0)
    trip = Trade(spot, poor, 10 * COIN), Trade(spot, poor, -10 * COIN)
    loan = FlashLoan(house, poor, 50_000 * CASH, trip)
    view = View(SimpleNamespace(masks=lambda state: {}), state, 0.0, 0, 0.0, 12.0)
    digest = state.digest()
    fills, revert = view.simulate(loan)
    assert revert is None
    assert [fill.size for fill in fills] == [10 * COIN, -10 * COIN]
    assert state.digest() == digest
    _, revert = view.simulate(Bundle(poor, trip))
    assert isinstance(revert, errors.DepthExceeded | errors.InsufficientBalance)


def test_a_loan_pays_the_gas_of_all_it_does_and_is_judged_by_all_its_verbs():
    state, (trader, *_) = opened()
    house = state.houses[0]
    loan = FlashLoan(house, trader, 1_000 * CASH, (Deposit(house, trader, CASH), Withdraw(house, trader, CASH)))
    assert loan.gas == GAS["FlashLoan"] + GAS["Deposit"] + GAS["Withdraw"]
    seen, pool = [], Mempool()

    class Clerk:
        def before(self, state):
            return None

        def after(self, state, seen_, verb, account, reverted, outcome):
            seen.append((verb, reverted))

    pool.send(Pending(Bundle(trader, (loan, loan)), 0.0, 0.0, 100.0))
    block = chain.seal(state, 0, pool, 2.0, witness=Clerk())
    assert [receipt.revert for receipt in block.receipts] == [None]
    one = "flashloan+deposit+withdraw"
    assert seen[0] == (f"{one}+{one}", False)


def test_a_pledged_share_counts_for_as_much_while_its_vault_has_lent():
    state, (trader, *_) = opened()
    house, seat = state.houses[0], state.pledges[0][0]
    shares = exchange.invest(state, house, trader, 100_000 * CASH)
    Pledge(seat, trader, shares).apply(state)
    standing = RULES.margin.standing
    before = standing(state, house, 0, trader)
    worth = []
    exchange.flashloan(
        state, house, trader, 300_000 * CASH, lambda state: worth.append(standing(state, house, 0, trader))
    )
    assert worth == [before]


@pytest.mark.parametrize("fee", [-0.01, 1.0, float("nan")])
def test_a_fee_without_sense_is_refused_and_so_is_a_rule_with_nobody_to_lend(fee):
    with pytest.raises(ValueError, match=f"fee = {fee}: allowed 0 to below 1"):
        Flash(fee=fee)
    with pytest.raises(ValueError, match="flash = Flash: needs a vault or a loan pool"):
        exchange_for(ConstantProduct(), flash=Flash())


SHARES = 1_000  # units per cash unit at the start


class Borrower:
    """Makes up flash loans out of what an exchange lets one do at an index that stands still, loans within loans included."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.state, (self.account, *_) = open_world(RULES, traders=1, cash=100_000, stake=20_000)
        self.house, self.spot = self.state.houses[0], self.state.listings[0][1]

    def units(self):
        return int(10 ** self.rng.uniform(4.0, 12.0))

    def part(self, depth):
        me, house, lender = self.account, self.house, self.state.lenders[0][int(self.rng.integers(2))]
        size = int(self.rng.choice([-1, 1]) * 10 ** self.rng.uniform(4.0, 9.5))
        choices = [
            Deposit(house, me, self.units()),
            Withdraw(house, me, self.units()),
            Invest(house, me, self.units()),
            Divest(house, me, self.units() * SHARES),
            Supply(lender, me, self.units()),
            Redeem(lender, me, self.units() * SHARES),
            Borrow(lender, me, self.units()),
            Repay(lender, me, self.units()),
            Pledge(self.state.pledges[0][1], me, self.units()),
            Trade(self.spot, me, size),
        ]
        if depth < 3 and self.rng.random() < 0.3:
            return self.loan(depth + 1)
        return choices[int(self.rng.integers(len(choices)))]

    def loan(self, depth=0):
        which = [None, *self.state.lenders[0]][int(self.rng.integers(3))]
        parts = tuple(self.part(depth) for _ in range(int(self.rng.integers(4))))
        return FlashLoan(self.house, self.account, self.units(), parts, which)

    def worth(self):
        """Everything it has, cash coins, at the index and at what shares are redeemed for."""
        held = self.state.ledger.balance[:, self.account]
        rows = {self.house.token: 1 / CASH, self.house.cash: 1 / CASH, self.spot.base: PRICE / COIN}
        rows[self.state.pledges[0][1].claim] = PRICE / COIN
        total = sum(float(held[row]) * price for row, price in rows.items())
        total += float(held[self.house.share]) * token_price(self.state, self.house, self.house.share).value / 1e9
        for lender in self.state.lenders[0]:
            price = token_price(self.state, self.house, lender.token).value / lender.scale
            total += worth_of(int(held[lender.share]), accrued(self.state, lender), lender) * price
            total -= owed(self.state, lender, self.account) * price
        return total


def test_no_loan_of_a_thousand_leaves_who_takes_it_richer_and_each_is_judged_by_every_law():
    borrower = Borrower(seed=1)
    state, reached = borrower.state, {}
    for _ in range(1_000):
        loan, before, worth, mark = borrower.loan(), laws.snapshot(state), borrower.worth(), state.mark()
        verb = chain._verb(loan)
        try:
            loan.apply(state)
            name = "nested" if any(isinstance(part, FlashLoan) for part in loan.transactions) else "lent"
        except errors.Revert as revert:
            state.rewind(mark)
            name = type(revert).__name__
        reached[name] = reached.get(name, 0) + 1
        laws.check(state)
        laws.check_step(before, laws.Deed(verb, borrower.account, name[0].isupper()), state)
        after = {name: laws.share_prices(state)[name] for name in ("dex", "dex.USD.loans", "dex.ETH.loans")}
        assert all(
            assets * before.shares[n][1] >= before.shares[n][0] * shares for n, (assets, shares) in after.items()
        )
        assert borrower.worth() < worth + 1e-6
        if "trade" in verb or borrower.rng.random() < 0.5:
            state.rewind(mark)  # a pool that stands off the index is worth trading with
    wanted = "lent", "nested", "FlashUnpaid", "EmptyTill", "InsufficientBalance", "NothingToDo"
    assert [name for name in wanted if reached.get(name, 0) < 5] == []
