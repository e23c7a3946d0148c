"""Loans, collateral and seizure: published numbers met on the machine, and what happens when nobody pays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, market_for, tell

from experiments.validation import loans
from experiments.validation.loans import FRONTIERS, health_of, lending_world, worsening
from protocol import errors, exchange, laws
from protocol.appraisal import Collateral, token_price, vault_total
from protocol.funding.unfunded import Unfunded
from protocol.genesis import genesis
from protocol.instruments.future import Future
from protocol.instruments.settling import outcome
from protocol.ledger import WORLD, Reason
from protocol.lending import RAY, LoanPool, accrued, book, owed, supply_rate
from protocol.liquidations.seizure import (
    Seizure,
    debts,
    incentive,
    least_cure,
    liens,
)
from protocol.margins.base import Threshold
from protocol.rates.growth import Binomial, Continuous, Growth, Simple, Taylor
from protocol.rates.kinked import Kinked
from protocol.state import State
from protocol.units import SECONDS_PER_YEAR
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market, World

PERP, SPOT = 0, 1


def opened(threshold: float = 0.8, seizure: Seizure | None = None, **changes: Any) -> tuple[State, list[int], Witness]:
    """See `loans.lending_world`, with a witness."""
    state, traders = lending_world(threshold, seizure, **changes)
    return state, traders, Witness(state)


def indebted(*terms: Any, **more: Any) -> tuple[State, list[int], Witness]:
    """See `loans.indebted`, with a witness."""
    state, traders = loans.indebted(*terms, **more)
    laws.check(state)
    return state, traders, Witness(state)


def standing(state: State, account: int, which: Threshold = Threshold.MAINTENANCE) -> tuple[float, float]:
    house = state.houses[0]
    return state.exchange(house).margin.standing(state, house, which, account)


# ---------------------------------------------------------------------- published numbers


def test_half_a_debt_is_seized_where_a_fourteenth_would_cure() -> None:
    state, (borrower, keeper, *_), witness = indebted(2.0, 110_000.0, 68_000.0, 0.8, Seizure(spread=0.05))
    house, eth = state.houses[0], state.listings[0][SPOT].base
    assert health_of(state, borrower, 0.8) == pytest.approx(0.9891, abs=5e-5)
    assert least_cure(2 * 68_000.0, 110_000.0, 0.8, 0.05) == pytest.approx(7_500.0)
    plan = state.exchange(house).seizure.plan(state, house, borrower, house.token, eth)
    assert plan is not None
    assert plan.repay == 55_000 * CASH

    mark = state.mark()
    witness.does(exchange.seize, keeper, house, keeper, borrower, house.token, eth)
    assert health_of(state, borrower, 0.8) == pytest.approx(1.1382, abs=5e-5)
    state.rewind(mark)
    witness.does(exchange.seize, keeper, house, keeper, borrower, house.token, eth, 7_500 * CASH)
    assert health_of(state, borrower, 0.8) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("spread", FRONTIERS)
def test_a_seizure_helps_below_the_frontier_and_harms_beyond_it(spread: float) -> None:
    """Warmuz, Chaudhary, Pinna, arXiv:2212.07306: the loan-to-value falls iff it is below 1 / (1 + spread)."""
    for ratio in np.arange(0.85, 0.99, 0.01):
        assert np.sign(worsening(float(ratio), spread)) == np.sign(ratio - 1.0 / (1.0 + spread))


# ---------------------------------------------------------------------- collateral


def test_collateral_counts_at_its_index_less_the_haircut_and_moves_into_custody() -> None:
    state, (trader, *_), witness = opened()
    house, seat = state.houses[0], state.pledges[0][0]
    witness.does(exchange.pledge, trader, seat, trader, 10 * COIN)
    assert standing(state, trader)[0] == pytest.approx(0.8 * 10 * PRICE)
    assert state.ledger.balance[seat.token, house.custody] == 10 * COIN
    witness.does(exchange.trade, trader, state.listings[0][PERP], trader, 50 * COIN)
    assert witness.reached["trade"] == 1  # ETH alone carries a position
    assert isinstance(witness.does(exchange.release, trader, seat, trader, 10 * COIN), errors.UnderMargined)
    witness.does(exchange.trade, trader, state.listings[0][PERP], trader, -50 * COIN)
    debt = -int(state.ledger.balance[house.cash, trader])
    assert debt > 0  # the spread and the fee, owed in cash against ETH
    witness.does(exchange.deposit, trader, house, trader, debt)
    assert witness.does(exchange.release, trader, seat, trader, 10 * COIN) is None
    assert state.ledger.balance[seat.token, house.custody] == 0


def test_collateral_margins_a_position_but_is_not_lent_against_by_the_till() -> None:
    state, (trader, other, *_), witness = opened()
    house, seat = state.houses[0], state.pledges[0][0]
    witness.does(exchange.deposit, other, house, other, 50_000 * CASH)
    witness.does(exchange.pledge, trader, seat, trader, 10 * COIN)
    assert isinstance(witness.does(exchange.withdraw, trader, house, trader, 1_000 * CASH), errors.UnderMargined)
    witness.does(exchange.trade, trader, state.listings[0][PERP], trader, 10 * COIN)
    tell(state, 1.2 * PRICE)
    gain = 10 * 0.2 * PRICE
    assert witness.does(exchange.withdraw, trader, house, trader, int(0.9 * gain) * CASH) is None  # profit is its own
    assert isinstance(
        witness.does(exchange.withdraw, trader, house, trader, int(0.2 * gain) * CASH), errors.UnderMargined
    )


def test_vault_shares_count_at_what_they_would_be_redeemed_for() -> None:
    state, (trader, winner, *_), witness = opened(vault=Vault(liquidity=1e6, fee=0.01))
    house, seat = state.houses[0], state.pledges[0][1]
    shares = witness.does(exchange.invest, trader, house, trader, 100_000 * CASH)
    witness.does(exchange.pledge, trader, seat, trader, shares)
    assert standing(state, trader)[0] == pytest.approx(0.95 * 0.99 * 100_000.0, rel=1e-5)
    witness.does(exchange.deposit, winner, house, winner, 100_000 * CASH)
    witness.does(exchange.trade, winner, state.listings[0][PERP], winner, 200 * COIN)
    tell(state, 1.2 * PRICE)
    fallen = vault_total(state, house) / (1_100_000 * CASH)
    assert fallen < 0.95
    assert standing(state, trader)[0] == pytest.approx(0.95 * 0.99 * 100_000.0 * fallen, rel=1e-5)
    state.time += 601.0
    assert token_price(state, house, seat.token).status != 0  # the vault's positions have no usable index


def test_shares_of_another_exchange_are_collateral_here() -> None:
    there = Exchange(name="there", markets=(market_for(OraclePool(), name="perp"),), vault=Vault(liquidity=1e6))
    here = Exchange(
        name="here",
        markets=(market_for(VirtualAmm(), name="amm"),),
        collateral=(Collateral("there.share", 0.2, 0.1),),
        loans=(LoanPool("USD", liquidity=1e6),),
    )
    state = genesis(World(exchanges=(here, there)), {"ETH": PRICE})
    trader, house = state.ledger.open("trader"), state.houses[1]
    state.ledger.move(house.token, WORLD, trader, 200_000 * CASH, Reason.GENESIS)
    witness = Witness(state)
    shares = witness.does(exchange.invest, trader, house, trader, 100_000 * CASH)
    witness.does(exchange.pledge, trader, state.pledges[0][0], trader, shares)
    witness.does(exchange.borrow, trader, state.lenders[0][0], trader, 79_000 * CASH)
    assert witness.reached == {"invest": 1, "pledge": 1, "borrow": 1}
    over = witness.does(exchange.borrow, trader, state.lenders[0][0], trader, 2_000 * CASH)
    assert isinstance(over, errors.UnderMargined)


def test_no_more_of_a_token_is_taken_than_its_cap() -> None:
    state, (first, second, *_), witness = opened(collateral=(Collateral("ETH", cap=5.0),))
    seat = state.pledges[0][0]
    witness.does(exchange.pledge, first, seat, first, 5 * COIN)
    assert isinstance(witness.does(exchange.pledge, second, seat, second, 1), errors.CollateralCapped)
    witness.does(exchange.release, first, seat, first, COIN)
    assert witness.does(exchange.pledge, second, seat, second, COIN) is None


def test_collateral_without_a_usable_index_carries_nothing_new_and_is_not_let_go() -> None:
    state, (trader, keeper, *_), witness = opened()
    seat, lender = state.pledges[0][0], state.lenders[0][0]
    witness.does(exchange.pledge, trader, seat, trader, 10 * COIN)
    witness.does(exchange.borrow, trader, lender, trader, 1_000 * CASH)
    state.time += 601.0
    house = state.houses[0]
    for verb, who, *rest in (
        (exchange.borrow, trader, lender, trader, CASH),
        (exchange.release, trader, seat, trader, COIN),
        (exchange.seize, keeper, house, keeper, trader, house.token, seat.token),
    ):
        assert isinstance(witness.does(verb, who, *rest), errors.StalePrice)
    assert witness.does(exchange.repay, trader, lender, trader, 1 << 62) == pytest.approx(1_000 * CASH, rel=1e-3)
    assert witness.does(exchange.release, trader, seat, trader, 10 * COIN) is None  # nothing owed, nothing to price


# ---------------------------------------------------------------------- the pool


def test_the_kinked_rate_is_that_of_aave() -> None:
    rate = Kinked(0.01, 0.04, 0.6, 0.9)
    assert [rate.yearly(u) for u in (0.0, 0.45, 0.9, 0.95, 1.0, 1.5)] == pytest.approx(
        [0.01, 0.03, 0.05, 0.35, 0.65, 0.65]
    )


@pytest.mark.parametrize("growth", [Continuous(), Taylor(), Binomial(), Simple()])
def test_a_rate_compounds_as_the_pool_says(growth: Growth) -> None:
    """e^0.5 - 1 and what the first terms of its series make of it, on the machine."""
    exact = {
        Continuous: math.expm1(0.5),
        Taylor: 0.5 + 0.125 + 0.125 / 6,
        Binomial: 0.5 + 0.125 + 0.125 / 6,
        Simple: 0.5,
    }
    loans = (LoanPool("USD", liquidity=10e6, rate=Kinked(0.5, 0.0, 0.0), growth=growth), LoanPool("ETH"))
    state, (trader, *_), witness = opened(loans=loans)
    witness.does(exchange.pledge, trader, state.pledges[0][0], trader, 1_000 * COIN)
    witness.does(exchange.borrow, trader, state.lenders[0][0], trader, 1_000 * CASH)
    state.time += SECONDS_PER_YEAR
    due = owed(state, state.lenders[0][0], trader) / (1_000 * CASH)
    assert due == pytest.approx(1.0 + exact[type(growth)], rel=1e-7)
    assert growth.grown(0.5, 0.0) == 0.0


def test_a_spread_that_follows_the_haircut_is_morphos() -> None:
    """1 / (1 - 0.3 (1 - 0.86)) = 1.0438..., and 1.15 at most."""
    state, (borrower, keeper, *_), witness = indebted(3.0, 8_400.0, 3_200.0, 0.86, Seizure(spread=0.15, cursor=0.3))
    house, eth = state.houses[0], state.listings[0][SPOT].base
    done = witness.does(exchange.seize, keeper, house, keeper, borrower, house.token, eth)
    assert done.taken * 3_200.0 / COIN == pytest.approx(4_200.0 / (1.0 - 0.3 * 0.14), rel=1e-8)
    assert incentive(10**17, 3 * 10**17, 115 * 10**16, 10**18) == 115 * 10**16
    with pytest.raises(ValueError, match="cursor = "):
        Seizure(cursor=1.0)


@pytest.mark.parametrize(("price", "part"), [(3_400.0, 0.5), (3_300.0, 1.0)])
def test_a_deep_debt_goes_whole_as_in_aave(price: float, part: float) -> None:
    """Health factors of 0.9714 and 0.9429 at a threshold of 0.8: half of the debt, and all of it."""
    state, (borrower, *_), _ = indebted(3.0, 8_400.0, price, 0.8, Seizure(spread=0.05, deep=0.95))
    house, eth = state.houses[0], state.listings[0][SPOT].base
    plan = state.exchange(house).seizure.plan(state, house, borrower, house.token, eth)
    assert plan is not None
    assert plan.repay == round(8_400 * part * CASH)
    with pytest.raises(ValueError, match="deep = "):
        Seizure(deep=1.1)


def test_interest_accrues_to_debts_and_shares_however_often_the_pool_is_touched() -> None:
    ends = []
    for touches in (1, 50):
        state, (trader, other, *_), witness = opened()
        lender = state.lenders[0][0]
        witness.does(exchange.pledge, trader, state.pledges[0][0], trader, 1_000 * COIN)
        witness.does(exchange.borrow, trader, lender, trader, 1_000_000 * CASH)
        rate = book(state, lender).rate
        assert rate == pytest.approx(Kinked().yearly(0.1))
        for _ in range(touches):
            state.time += SECONDS_PER_YEAR / touches
            witness.does(exchange.supply, other, lender, other, 1 * CASH)
        due = owed(state, lender, trader)
        assert due >= 1_000_000 * CASH * math.exp(0.99 * rate)
        ends.append(due)
        assert supply_rate(state, lender) == pytest.approx(rate * 0.1 * 0.9, rel=0.02)
        pool, treasury = accrued(state, lender), int(state.ledger.balance[lender.share, state.houses[0].treasury])
        kept = treasury / pool.shares * pool.assets / (due - 1_000_000 * CASH)
        assert kept == pytest.approx(0.1, rel=1e-3)  # the reserve factor
        state.ledger.move(state.houses[0].token, WORLD, trader, 10**12, Reason.GENESIS)
        assert witness.does(exchange.repay, trader, lender, trader, 1 << 62) == due
        assert state.ledger.balance[lender.debt, trader] == 0
    assert ends[0] == pytest.approx(
        ends[1], rel=1e-3
    )  # utilisation, and so the rate, moves a little as interest comes in


def test_a_loan_of_tokens_is_owed_at_their_index() -> None:
    state, (trader, *_), witness = opened()
    house, eth = state.houses[0], state.lenders[0][1]
    witness.does(exchange.deposit, trader, house, trader, 100_000 * CASH)
    witness.does(exchange.borrow, trader, eth, trader, 40 * COIN)
    assert standing(state, trader)[0] == pytest.approx(100_000.0 - 40 * PRICE)
    assert isinstance(witness.does(exchange.borrow, trader, eth, trader, 11 * COIN), errors.UnderMargined)
    tell(state, 1.3 * PRICE)
    assert standing(state, trader)[0] < 0
    done = witness.does(exchange.seize, trader, house, state.ledger.accounts - 1, trader, eth.token, house.token)
    assert done.repaid == 20 * COIN  # ETH in, the short's cash out
    assert done.taken == pytest.approx(20 * 2_600 * 1.1 * CASH, abs=1)


def test_suppliers_run_and_the_last_finds_an_empty_till() -> None:
    state, (trader, early, late, keeper), witness = opened(
        loans=(LoanPool("USD", Kinked(), 0.1, 0.0),), collateral=(Collateral("ETH", 0.2, 0.15),)
    )
    house, lender, seat = state.houses[0], state.lenders[0][0], state.pledges[0][0]
    shares = [witness.does(exchange.supply, who, lender, who, 100_000 * CASH) for who in (early, late)]
    witness.does(exchange.pledge, trader, seat, trader, 60 * COIN)
    witness.does(exchange.borrow, trader, lender, trader, 95_000 * CASH)
    tell(state, 1_000.0)  # 60,000 of collateral for 95,000 owed
    assert witness.does(exchange.redeem, early, lender, early, shares[0]) == pytest.approx(100_000 * CASH, rel=1e-9)
    assert isinstance(witness.does(exchange.redeem, late, lender, late, shares[1]), errors.EmptyTill)
    while debts(state, house, trader):
        done = witness.does(exchange.seize, keeper, house, keeper, trader, house.token, seat.token)
    assert done.lost > 35_000.0
    assert book(state, lender).lost == pytest.approx(done.lost * CASH, abs=2)
    left = witness.does(exchange.redeem, late, lender, late, shares[1])
    assert left == pytest.approx((100_000 - done.lost) * CASH, rel=1e-6)  # who stayed bore it all
    assert state.ledger.balance[lender.debt].tolist() == [0] * state.ledger.accounts


def test_a_cash_debt_is_seized_for_collateral_before_the_waterfall_pays() -> None:
    state, (trader, keeper, *_), witness = opened(insurance=0.0)
    house, perp, seat = state.houses[0], state.listings[0][PERP], state.pledges[0][0]
    witness.does(exchange.pledge, trader, seat, trader, 10 * COIN)
    witness.does(exchange.deposit, keeper, house, keeper, 500_000 * CASH)
    witness.does(exchange.trade, trader, perp, trader, 70 * COIN)
    tell(state, 0.8 * PRICE)
    done = witness.does(exchange.liquidate, keeper, perp, keeper, trader)
    assert done.deficit == 0  # what is short is owed against ETH
    assert state.ledger.balance[house.cash, trader] < -20_000 * CASH
    total = 0.0
    while debts(state, house, trader):
        seized = witness.does(exchange.seize, keeper, house, keeper, trader, house.token, seat.token)
        total += seized.taken
    assert total == 10 * COIN
    assert seized.deficit > 10_000 * CASH
    assert state.ledger.balance[house.cash, trader] == 0  # socialised


def test_what_a_borrower_ruined_by_an_expiring_future_owes_is_written_off() -> None:
    future = Future(expiry=1_000.0, window=100.0)
    dated = Market(name="FUT", instrument=future, venue=OraclePool(), funding=Unfunded(), index="perp")
    state, (trader, *_), witness = opened(markets=(market_for(OraclePool(), name="perp"), dated), collateral=())
    house, lender, listing = state.houses[0], state.lenders[0][0], state.listings[0][1]
    witness.does(exchange.deposit, trader, house, trader, 10_000 * CASH)
    witness.does(exchange.borrow, trader, lender, trader, 5_000 * CASH)
    witness.does(exchange.trade, trader, listing, trader, 20 * COIN)
    for time in (920.0, 960.0, 1_000.0):
        state.time = time
        tell(state, 0.6 * PRICE)
        exchange.close_block(state)
    laws.check(state)
    assert outcome(state, listing).deficit > 0
    assert owed(state, lender, trader) == 0
    assert book(state, lender).lost >= 5_000 * CASH


def test_a_borrower_between_the_thresholds_may_close_his_last_position() -> None:
    state, (trader, *_), witness = opened(collateral=(Collateral("ETH", 0.3, 0.1),))
    perp = state.listings[0][PERP]
    witness.does(exchange.pledge, trader, state.pledges[0][0], trader, 100 * COIN)
    witness.does(exchange.borrow, trader, state.lenders[0][0], trader, 125_000 * CASH)
    witness.does(exchange.trade, trader, perp, trader, -10 * COIN)
    tell(state, 1_750.0)
    (initial, asked), (worth, needs) = (
        standing(state, trader, which) for which in (Threshold.INITIAL, Threshold.MAINTENANCE)
    )
    assert initial < asked
    assert worth > needs
    assert isinstance(witness.does(exchange.trade, trader, perp, trader, 10 * COIN), exchange.Fill)


def test_who_is_healthy_is_left_alone_and_nobody_seizes_his_own() -> None:
    state, (trader, keeper, *_), witness = opened()
    house, seat, lender = state.houses[0], state.pledges[0][0], state.lenders[0][0]
    witness.does(exchange.pledge, trader, seat, trader, 10 * COIN)
    witness.does(exchange.borrow, trader, lender, trader, 15_000 * CASH)
    take = (house.token, seat.token)
    assert isinstance(witness.does(exchange.seize, keeper, house, keeper, trader, *take), errors.Healthy)
    tell(state, 1_800.0)
    assert isinstance(witness.does(exchange.seize, trader, house, trader, trader, *take), errors.NotAllowed)
    assert isinstance(witness.does(exchange.seize, keeper, house, keeper, lender.account, *take), errors.Healthy)
    assert isinstance(witness.does(exchange.seize, keeper, house, keeper, trader, *take, 0), errors.NothingToDo)
    poor = state.ledger.open("poor")
    assert isinstance(witness.does(exchange.seize, poor, house, poor, trader, *take), errors.InsufficientBalance)
    assert isinstance(witness.does(exchange.seize, keeper, house, keeper, trader, *take), exchange.Seized)


def test_a_loan_of_nothing_is_none() -> None:
    state, (trader, *_), witness = opened()
    seat, lender = state.pledges[0][0], state.lenders[0][0]
    for verb in (exchange.supply, exchange.redeem, exchange.borrow, exchange.repay):
        assert isinstance(witness.does(verb, trader, lender, trader, 0), errors.NothingToDo)
    for verb in (exchange.pledge, exchange.release):
        assert isinstance(witness.does(verb, trader, seat, trader, 0), errors.NothingToDo)
    assert isinstance(witness.does(exchange.repay, trader, lender, trader, 5), errors.NothingToDo)  # owes nothing
    assert isinstance(witness.does(exchange.borrow, trader, lender, trader, 10**14), errors.EmptyTill)
    assert isinstance(witness.does(exchange.release, trader, seat, trader, 1), errors.InsufficientBalance)


# ---------------------------------------------------------------------- laws, and bad settings


def steal_collateral(state: State, who: list[int]) -> None:
    seat, house = state.pledges[0][0], state.houses[0]
    state.ledger.move(seat.token, house.custody, who[1], 1, Reason.GENESIS)


def forgive(state: State, who: list[int]) -> None:
    lender = state.lenders[0][0]
    state.ledger.move(lender.debt, lender.account, who[0], 1_000, Reason.GENESIS)


def hide_bad_debt(state: State, who: list[int]) -> None:
    lender = state.lenders[0][0]
    state.put(lender.path, book(state, lender)._replace(lost=1_000_000))


def lend_to_oneself(state: State, who: list[int]) -> None:
    lender = state.lenders[0][0]
    state.ledger.move(lender.debt, state.houses[0].treasury, who[0], 1_000, Reason.GENESIS)


@pytest.mark.parametrize(
    ("fault", "law"),
    [
        (steal_collateral, laws.custody_backs_claims),
        (forgive, laws.loans_are_covered),
        (hide_bad_debt, laws.loans_are_covered),
        (lend_to_oneself, laws.only_players_borrow),
    ],
)
def test_each_law_of_loans_sees_the_fault_planted_for_it(fault: Any, law: laws.Law) -> None:
    state, who, witness = opened()
    witness.does(exchange.pledge, who[0], state.pledges[0][0], who[0], 10 * COIN)
    witness.does(exchange.borrow, who[0], state.lenders[0][0], who[0], 1_000 * CASH)
    assert law(state) == []
    fault(state, who)
    assert law(state) != []


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Collateral("ETH", initial=1.2), "initial = 1.2: allowed 0 to 1"),
        (lambda: Collateral("ETH", 0.1, 0.2), "maintenance = 0.2: allowed 0 to initial = 0.1"),
        (lambda: Collateral("ETH", cap=0.0), "cap = 0.0: must be above 0 coins"),
        (lambda: LoanPool("USD", reserve_factor=1.0), "reserve_factor = 1.0"),
        (lambda: LoanPool("a.b"), "asset = 'a.b'"),
        (lambda: LoanPool("USD", liquidity=-1.0), "liquidity = -1.0"),
        (lambda: Kinked(kink=1.0), "kink = 1.0"),
        (lambda: Kinked(steep=-0.1), "steep = -0.1"),
        (lambda: Seizure(close_factor=0.0), "close_factor = 0.0"),
        (lambda: Seizure(spread=1.0), "spread = 1.0"),
        (lambda: Seizure(dust=-1.0), "dust = -1.0"),
        (lambda: Exchange(loans=(LoanPool("DOGE"),)), "loans.DOGE: no market prices it; there are ETH, USD"),
        (lambda: Exchange(loans=(LoanPool("ETH"), LoanPool("ETH"))), "loans: 'ETH' stands twice"),
        (lambda: Exchange(collateral=(Collateral("USD"),)), "collateral.USD: cash is deposited, not pledged"),
        (
            lambda: World(exchanges=(Exchange(collateral=(Collateral("DOGE"),)),)),
            "collateral.DOGE: nobody issues it; there are ETH",
        ),
    ],
)
def test_settings_that_make_no_loan_are_refused_by_name(build: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        build()


def test_an_index_starts_at_one() -> None:
    state, *_ = opened()
    assert book(state, state.lenders[0][0]).index == RAY


# ---------------------------------------------------------------------- a guided walk


def test_laws_hold_along_a_guided_walk_through_loans_that_reaches_bad_debt() -> None:
    scarce = LoanPool("USD", liquidity=50_000.0), LoanPool("ETH", liquidity=20.0)
    state, traders, witness = opened(
        seizure=Seizure(0.5, 0.08, 1_000.0),
        loans=scarce,
        collateral=(
            Collateral("ETH", cap=400.0),
            Collateral("dex.share", 0.1, 0.05),
            Collateral("dex.USD.supply", 0.1, 0.05),
        ),
    )
    house, (usd, eth), pledges = state.houses[0], state.lenders[0], state.pledges[0]
    rng, index, perp = np.random.Generator(np.random.Philox(7)), PRICE, state.listings[0][PERP]

    def some(row: int, who: int) -> int:
        held = int(state.ledger.balance[row, who])
        return int(max(0, held) * rng.choice([0.1, 0.5, 1.0, 1.0, 1.5])) + int(rng.integers(-1, 2))

    for _ in range(900):
        who, lender = int(rng.choice(traders)), (usd, eth)[int(rng.integers(2))]
        seat = pledges[int(rng.integers(len(pledges)))]
        room = max(10.0, standing(state, who, Threshold.INITIAL)[0] - standing(state, who, Threshold.INITIAL)[1])
        price = token_price(state, house, lender.token).value
        deed = int(rng.integers(10))
        if deed == 0:
            witness.does(exchange.supply, who, lender, who, some(lender.token, who) // 10)
        elif deed == 1:
            witness.does(exchange.redeem, who, lender, who, some(lender.share, who))
        elif deed in (2, 3):
            witness.does(
                exchange.borrow, who, lender, who, int(room / price * lender.scale * rng.choice([0.5, 0.99, 1.1]))
            )
        elif deed == 4:
            witness.does(exchange.repay, who, lender, who, some(lender.token, who))
        elif deed in (5, 6):
            witness.does(exchange.pledge, who, seat, who, some(seat.token, who) // 10)
        elif deed == 7:
            witness.does(exchange.release, who, seat, who, some(seat.claim, who))
        elif deed == 8:
            witness.does(exchange.invest, who, house, who, 1_000 * CASH)
        else:
            size = int(room / 0.11 / index * COIN * rng.choice([0.9, -0.9, 0.2]))
            witness.does(exchange.trade, who, perp, who, rng.choice([size, -int(state.ledger.balance[perp.size, who])]))
        if rng.random() < 0.3:
            state.time += float(rng.choice([12.0, 3_600.0, 2_592_000.0]))
            index *= math.exp(rng.normal() * rng.choice([0.02, 0.3]))
            index = min(max(index, 500.0), 8_000.0)
            tell(state, index)
            exchange.close_block(state)
            laws.check(state)
        for target in traders:
            for debt in debts(state, house, target):
                for lien in liens(state, house, target):
                    keeper = int(rng.choice([k for k in traders if k != target]))
                    rules = state.exchange(house).seizure
                    if rules.plan(state, house, target, debt.token, lien.token) is not None:
                        done = witness.does(exchange.seize, keeper, house, keeper, target, debt.token, lien.token)
                        if isinstance(done, exchange.Seized) and done.lost:
                            witness.note("bad debt")
            if state.exchange(house).liquidation.plan(state, perp, target) is not None:
                keeper = next(k for k in traders if k != target)
                witness.does(exchange.liquidate, keeper, perp, keeper, target)
    for what in (
        "seize",
        "bad debt",
        "liquidate",
        "EmptyTill",
        "UnderMargined",
        "borrow",
        "repay",
        "redeem",
        "CollateralCapped",
    ):
        assert witness.reached.get(what, 0) > 0, (what, witness.reached)
