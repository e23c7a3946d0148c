"""Profit that vests, tokens that change hands, gifts to a vault, and shares of a first deposit that are nobody's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, open_world, tell

from protocol import errors, exchange
from protocol.appraisal import Collateral, vault_total
from protocol.ledger import WORLD
from protocol.lending import LoanPool
from protocol.margins.base import Threshold
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.vesting import Vesting, unvested, vested

PERIOD = 600.0
RULES = exchange_for(OraclePool(), vesting=Vesting(PERIOD))


def winner(**changes):
    """Somebody with 100,000 in, whose 10 coins have gained 20,000 on paper."""
    changes = {"vesting": Vesting(PERIOD), **changes}
    state, (trader, *rest) = open_world(exchange_for(OraclePool(spread=0.0), **changes))
    exchange.trade(state, state.listings[0][0], trader, 10 * COIN)
    tell(state, PRICE * 2)
    return state, trader, rest


def close_after(state, seconds):
    state.time += seconds
    tell(state, PRICE * 2)
    exchange.close_block(state)


def test_profit_on_paper_backs_a_position_and_leaves_neither_as_cash_nor_as_a_loan_nor_for_collateral():
    rules = {"loans": (LoanPool("USD", liquidity=1e6),), "collateral": (Collateral("ETH"),)}
    state, trader, _ = winner(**rules)
    house, lender, seat = state.houses[0], state.lenders[0][0], state.pledges[0][0]
    assert unvested(state, house, trader) == pytest.approx(20_000.0, rel=1e-3)
    exchange.pledge(state, seat, trader, 10 * COIN)
    for verb in (
        lambda: exchange.withdraw(state, house, trader, 130_000 * CASH),
        lambda: exchange.borrow(state, lender, trader, 130_000 * CASH),
    ):
        mark = state.mark()
        with pytest.raises(errors.Unvested):
            verb()
        state.rewind(mark)
    exchange.withdraw(state, house, trader, 111_000 * CASH)
    with pytest.raises(errors.Unvested):
        exchange.release(state, seat, trader, 10 * COIN)
    exchange.trade(state, state.listings[0][0], trader, COIN // 10)


def test_what_was_brought_in_leaves_at_any_time_and_realised_profit_as_it_vests():
    state, trader, _ = winner()
    house, listing = state.houses[0], state.listings[0][0]
    exchange.trade(state, listing, trader, -10 * COIN)
    profit = int(state.ledger.balance[house.cash, trader]) - 100_000 * CASH
    exchange.withdraw(state, house, trader, 100_000 * CASH)
    mark = state.mark()
    with pytest.raises(errors.Unvested):
        exchange.withdraw(state, house, trader, CASH)
    state.rewind(mark)
    state.finalise()
    close_after(state, 0.0)
    close_after(state, PERIOD)
    assert vested(state, house)[trader] == pytest.approx(profit * (1.0 - math.exp(-1.0)), abs=2)
    exchange.withdraw(state, house, trader, int(vested(state, house)[trader]))
    for _ in range(40):
        close_after(state, PERIOD)
    exchange.withdraw(state, house, trader, int(state.ledger.balance[house.cash, trader]) - 1)


def test_how_often_a_block_comes_changes_nothing_in_how_fast_profit_vests():
    found = []
    for blocks in (1, 60):
        state, trader, _ = winner()
        exchange.trade(state, state.listings[0][0], trader, -10 * COIN)
        close_after(state, 0.0)
        for _ in range(blocks):
            close_after(state, PERIOD / blocks)
        found.append(int(vested(state, state.houses[0])[trader]))
    assert found[0] == pytest.approx(found[1], abs=100)


def test_who_has_lost_what_he_brought_has_no_more_than_is_left():
    state, trader, _ = winner()
    house, listing = state.houses[0], state.listings[0][0]
    tell(state, PRICE * 0.5)
    exchange.trade(state, listing, trader, -10 * COIN)
    exchange.close_block(state)
    assert vested(state, house)[trader] == state.ledger.balance[house.cash, trader] < 100_000 * CASH


def test_without_the_rule_paper_profit_leaves_as_before():
    state, trader, _ = winner(vesting=None)
    exchange.withdraw(state, state.houses[0], trader, 115_000 * CASH)


def test_a_walk_of_trades_and_withdrawals_never_takes_out_more_than_was_brought_in_or_has_vested():
    state, accounts = open_world(RULES, cash=1_000_000)
    house, listing, rng, reached = state.houses[0], state.listings[0][0], np.random.default_rng(1), set()
    witness, price, out = Witness(state), PRICE, 0
    for _ in range(300):
        account = accounts[int(rng.integers(len(accounts)))]
        deed = rng.integers(4)
        price = float(np.clip(price * math.exp(0.03 * rng.normal()), 500.0, 8_000.0))
        tell(state, price)
        if deed == 0:
            done = witness.does(exchange.trade, account, listing, account, int(rng.normal() * 20 * COIN))
        elif deed == 1:
            worth, needs = RULES.margin.standing(state, house, Threshold.INITIAL, account)
            units = max(1, int(rng.uniform(0.0, 1.02) * (worth - needs) * CASH))
            allowed = int(vested(state, house)[account])
            done = witness.does(exchange.withdraw, account, house, account, units)
            if done is None:
                assert units <= allowed
                out += 1
        elif deed == 2:
            done = witness.does(exchange.deposit, account, house, account, int(rng.uniform(0.0, 50_000.0) * CASH))
        else:
            state.time += 12.0
            exchange.close_block(state)
            state.finalise()
            done = None
        reached.add(type(done).__name__)
    assert {"Unvested", "UnderMargined", "Fill"} <= reached
    assert out > 5


def test_tokens_go_from_one_players_wallet_to_anothers_and_nowhere_else():
    state, (giver, taker, *_) = open_world(exchange_for(OraclePool()))
    house, witness = state.houses[0], Witness(state)
    before = state.ledger.balance[house.token].copy()
    witness.does(exchange.transfer, giver, house.token, giver, taker, 5 * CASH)
    assert state.ledger.balance[house.token, taker] - before[taker] == 5 * CASH
    for to, row in ((house.custody, house.token), (WORLD, house.token), (taker, house.cash)):
        assert isinstance(witness.does(exchange.transfer, giver, row, giver, to, CASH), errors.NotAllowed)
    assert isinstance(
        witness.does(exchange.transfer, giver, house.token, giver, taker, 10**15), errors.InsufficientBalance
    )


def test_a_gift_to_a_vault_is_backed_and_makes_every_share_worth_more():
    state, (giver, *_) = open_world(exchange_for(OraclePool(), vault=Vault(liquidity=1_000.0)))
    house = state.houses[0]
    Witness(state).does(exchange.donate, giver, house, giver, 500 * CASH)
    assert vault_total(state, house) == 1_500 * CASH
    assert state.ledger.balance[house.token, house.custody] == -state.ledger.balance[house.cash, house.custody]


def test_an_empty_vault_without_virtual_shares_gives_one_for_one_and_may_lock_the_first():
    rules = Vault(liquidity=0.0, virtual_assets=0, virtual_shares=0, dead_shares=1_000)
    state, (first, second, *_) = open_world(exchange_for(OraclePool(), vault=rules))
    house, witness = state.houses[0], Witness(state)
    assert isinstance(witness.does(exchange.invest, first, house, first, 1_000), errors.NothingToDo)
    assert witness.does(exchange.invest, first, house, first, 5_000) == 4_000
    assert state.ledger.balance[house.share, house.treasury] == 1_000
    assert witness.does(exchange.invest, second, house, second, 7_000) == 7_000
    assert witness.does(exchange.divest, first, house, first, 4_000) == 4_000
    assert witness.does(exchange.divest, second, house, second, 7_000) == 7_000


def test_a_victim_of_an_inflated_share_is_rounded_down_to_half_of_what_there_is():
    state, (first, second, *_) = open_world(
        exchange_for(OraclePool(), vault=Vault(liquidity=0.0, virtual_assets=0, virtual_shares=0))
    )
    house, witness = state.houses[0], Witness(state)
    assert witness.does(exchange.invest, first, house, first, 1) == 1
    witness.does(exchange.donate, first, house, first, 6_000 * CASH)
    assert isinstance(witness.does(exchange.invest, second, house, second, 5_999 * CASH), errors.NothingToDo)
    assert witness.does(exchange.invest, second, house, second, 10_000 * CASH) == 1
    assert witness.does(exchange.divest, first, house, first, 1) == 8_000 * CASH


@pytest.mark.parametrize("period", [0.0, -1.0, math.nan])
def test_a_period_without_sense_is_refused(period):
    with pytest.raises(ValueError, match="period = "):
        Vesting(period)


def test_dead_shares_below_none_are_refused():
    with pytest.raises(ValueError, match="dead_shares = -1"):
        Vault(dead_shares=-1)
