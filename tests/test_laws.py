"""Each law sees the fault planted for it, and none sees one in a sound state."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, bridged, market_for, only, open_world, tell

from protocol import exchange, laws
from protocol import vault as vaults
from protocol.appraisal import Collateral
from protocol.errors import AccountIsolated, Healthy, InAuction, NothingToDo, UnderMargined, VaultCommitted
from protocol.exchange import cash, forced, trading
from protocol.funding.premium import Premium
from protocol.funding.unfunded import Unfunded
from protocol.instruments.future import Future
from protocol.instruments.settling import OPEN
from protocol.instruments.synthetic import Synthetic
from protocol.ledger import WORLD, Reason
from protocol.lending import LoanPool
from protocol.liquidations.cases import Case, put_case
from protocol.liquidations.dutch import Dutch
from protocol.liquidations.full import Full
from protocol.liquidations.partial import Partial
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.margins.base import Threshold
from protocol.margins.isolated import Isolated
from protocol.state import State
from protocol.vault import Vault
from protocol.venues.concentrated import ConcentratedPool
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market


def rules(**changes: object) -> Exchange:
    markets = (
        market_for(VirtualAmm(), name="amm", funding=Premium()),
        market_for(OraclePool(), name="pool"),
        market_for(ConstantProduct(), name="spot"),
        Market(name="dated", instrument=Future(expiry=3_600.0), venue=OraclePool(), funding=Unfunded(), index="pool"),
        market_for(ConstantProduct(), name="synthetic", instrument=Synthetic()),
    )
    exchange = Exchange(markets=markets, vault=Vault(), collateral=(Collateral(),), loans=(LoanPool(liquidity=1e6),))
    return replace(exchange, **changes)


def played() -> tuple[State, list[int]]:
    """A sound state with positions, funding, vault and pool shares, in which the last trader is flat."""
    base = rules()
    state, traders = open_world(replace(base, markets=(*base.markets, market_for(ConcentratedPool(), name="ranges"))))
    house, (amm, pool, spot, dated, _, ranges) = state.houses[0], state.listings[0]
    witness = Witness(state)
    for block in range(5):
        state.time += 12.0
        for number, trader in enumerate(traders[:3]):
            witness.does(exchange.trade, trader, amm, trader, (7 + block - 6 * number) * COIN)
            witness.does(exchange.trade, trader, pool, trader, (3 - 2 * number) * COIN)
        witness.does(exchange.trade, traders[0], spot, traders[0], COIN)
        exchange.trade(state, ranges, traders[0], (2 - block) * COIN + 1)
        witness.does(exchange.trade, traders[2], dated, traders[2], -COIN)
        witness.does(exchange.invest, traders[1], house, traders[1], 12_345 * CASH + 1)
        witness.does(exchange.provide, traders[2], spot, traders[2], 1_000 * CASH + 7)
        witness.does(exchange.pledge, traders[2], state.pledges[0][0], traders[2], COIN)
        witness.does(exchange.borrow, traders[2], state.lenders[0][0], traders[2], 1_000 * CASH)
        tell(state, PRICE + 10 * block)
        exchange.close_block(state)
    assert witness.reached["trade"] == 40
    return state, traders


# ---------------------------------------------------------------------- laws of a state


def mint(state: State, who: list[int]) -> None:
    state.ledger.balance[state.houses[0].token, who[0]] += 1


def overdraw(state: State, who: list[int]) -> None:
    state.ledger.balance[state.houses[0].token, who[0]] -= 10**15
    state.ledger.balance[state.houses[0].token, who[1]] += 10**15


def forget_interest(state: State, who: list[int]) -> None:
    state.tables[state.listings[0][0].path + ".interest"][0] += 1


def empty_custody(state: State, who: list[int]) -> None:
    house = state.houses[0]
    state.ledger.move(house.token, house.custody, who[0], 5, Reason.WITHDRAW)


def rob_clearing(state: State, who: list[int]) -> None:
    house = state.houses[0]
    state.ledger.move(house.cash, house.clearing, who[0], 5, Reason.REALISE)


def rob_fund(state: State, who: list[int]) -> None:
    house, listing = only(state)
    state.ledger.move(house.cash, listing.fund, who[0], 5, Reason.FUNDING)


def insure_by_position(state: State, who: list[int]) -> None:
    house, listing = only(state)
    state.ledger.move(listing.size, listing.desk, house.insurance, COIN, Reason.TRADE)


def leave_quote(state: State, who: list[int]) -> None:
    state.ledger.move(state.listings[0][0].quote, who[0], who[3], 1, Reason.REALISE)


def isolate_all(state: State, who: list[int]) -> None:
    world = state.rules
    state.put("rules", replace(world, exchanges=(replace(world.exchanges[0], margin=Isolated()),)))


def promise_twice(state: State, who: list[int]) -> None:
    put_case(
        state, state.listings[0][0], Case(who[0], 0.0, 0.0, PRICE, PRICE, locked=True, bidder=who[1], bid=PRICE, held=5)
    )


def settle_by_decree(state: State, who: list[int]) -> None:
    state.put(state.listings[0][3].path + ".settled", OPEN._replace(value=PRICE))


def forgive_a_loan(state: State, who: list[int]) -> None:
    lender = state.lenders[0][0]
    state.ledger.move(lender.debt, lender.account, who[2], COIN, Reason.GENESIS)


def strand_a_debt(state: State, who: list[int]) -> None:
    state.ledger.move(
        state.houses[0].cash, who[3], who[0], int(state.ledger.balance[state.houses[0].cash, who[3]]), Reason.GENESIS
    )
    state.ledger.move(state.lenders[0][0].debt, who[3], who[2], COIN, Reason.GENESIS)


def issue_from_nowhere(state: State, who: list[int]) -> None:
    state.ledger.move(state.issues[0][0].listing.base, WORLD, who[0], COIN, Reason.GENESIS)


def lend_from_the_treasury(state: State, who: list[int]) -> None:
    state.ledger.move(state.lenders[0][0].debt, who[2], state.houses[0].treasury, COIN, Reason.GENESIS)


def lose_entries(state: State, who: list[int]) -> None:
    state.ledger.reserve(1)
    state.ledger.journal[state.ledger.count[0]] = (0, 1, 2, -4, 0)
    state.ledger.count[0] += 1


def rob_ranges(state: State, who: list[int]) -> None:
    ranges = state.listings[0][-1]
    state.ledger.move(ranges.base, ranges.desk, who[0], 100, Reason.LIQUIDITY)


def send_across(state: State, who: list[int]) -> None:
    state.ledger.chain[who[1]] = 1
    state.ledger.move(state.houses[0].token, who[0], who[1], 5, Reason.TRANSFER)


def mint_unsent(state: State, who: list[int]) -> None:
    state.ledger.move(state.spans[0].wrapped, WORLD, who[2], 5, Reason.BRIDGE)


def mint_plenty(state: State, who: list[int]) -> None:
    state.ledger.move(state.spans[0].wrapped, WORLD, who[2], 8 * COIN, Reason.BRIDGE)


def rob_a_box(state: State, who: list[int]) -> None:
    state.ledger.move(state.spans[0].token, state.spans[0].boxes[0], who[0], 5, Reason.DEAL)


def crossed() -> tuple[State, list[int]]:
    """A sound state in which something has crossed, something is on its way, and half a deal stands."""
    state, (one, two, three, four) = bridged(depth=0, delay=0.0)
    span, witness = state.spans[0], Witness(state)
    key = witness.does(exchange.dispatch, one, span, one, three, 5 * COIN, 1).key
    witness.does(exchange.carry, four, span, four, key)
    witness.does(exchange.dispatch, three, span, three, two, 7 * COIN, 1)
    witness.does(exchange.prepare, one, span, one, two, span.token, COIN, bytes(32), 60.0)
    assert witness.reached == {"dispatch": 2, "carry": 1, "prepare": 1}
    return state, [one, two, three, four]


STAGES = {laws.bridges_add_up: crossed, laws.wrapped_is_backed: crossed, laws.deals_are_backed: crossed}

PLANTED: dict[laws.Law, Callable[[State, list[int]], None]] = {
    laws.rows_sum_to_zero: mint,
    laws.tokens_not_overdrawn: overdraw,
    laws.custody_backs_claims: empty_custody,
    laws.loans_are_covered: forgive_a_loan,
    laws.synthetics_are_owed: issue_from_nowhere,
    laws.only_players_borrow: lend_from_the_treasury,
    laws.debts_are_within_reach: strand_a_debt,
    laws.clearing_worth_nothing: rob_clearing,
    laws.funds_worth_nothing: rob_fund,
    laws.interest_is_counted: forget_interest,
    laws.only_traders_hold_positions: insure_by_position,
    laws.flat_accounts_are_clean: leave_quote,
    laws.positions_within_margin_rule: isolate_all,
    laws.venues_hold_what_they_owe: rob_ranges,
    laws.bids_are_backed: promise_twice,
    laws.settled_markets_are_empty: settle_by_decree,
    laws.journal_is_legible: lose_entries,
    laws.nothing_crosses: send_across,
    laws.bridges_add_up: mint_unsent,
    laws.wrapped_is_backed: mint_plenty,
    laws.deals_are_backed: rob_a_box,
}


@pytest.mark.parametrize("law", laws.LAWS, ids=lambda law: law.__name__)
def test_a_law_of_states_passes_sound_play_and_sees_the_fault_planted_for_it(law: laws.Law) -> None:
    state, who = STAGES.get(law, played)()
    assert law(state) == []
    PLANTED[law](state, who)
    assert len(law(state)) >= 1
    with pytest.raises(laws.LawBroken, match=law.__name__):
        laws.check(state)


def test_the_law_of_bids_sees_one_for_what_is_not_up_for_auction() -> None:
    state, who = played()
    put_case(state, state.listings[0][0], Case(who[3], 0.0, 0.0, PRICE, PRICE, locked=True, bidder=who[1], bid=PRICE))
    (line,) = laws.bids_are_backed(state)
    assert f"account {who[1]} bids for account {who[3]}, of which nothing is up for auction" in line


def test_a_broken_law_lists_all_violations_with_their_numbers() -> None:
    state, who = played()
    mint(state, who)
    forget_interest(state, who)
    with pytest.raises(laws.LawBroken) as broken:
        laws.check(state)
    assert len(broken.value.violations) == 2
    assert "USD: the row sums to 1, not 0" in str(broken.value)


def test_laws_are_cheap_enough_for_every_block() -> None:
    state, who = open_world(rules(), traders=1_000)
    for trader in who[:200]:
        exchange.trade(state, state.listings[0][0], trader, COIN // 10)
    laws.check(state)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        laws.check(state)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.005


# ---------------------------------------------------------------------- laws of a transition


def test_the_law_of_reverts_sees_a_rewind_that_forgets_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    state, who = played()
    monkeypatch.setattr(State, "rewind", lambda self, mark: self.ledger.rewind(mark.moves))

    def report(state: State) -> None:
        tell(state, 2 * PRICE)
        raise NothingToDo

    with pytest.raises(laws.LawBroken, match="revert_leaves_no_trace: report reverted, yet the digest"):
        Witness(state).does(report, who[0])


def test_the_law_of_reverts_sees_a_move_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    state, who = played()
    monkeypatch.setattr(State, "rewind", lambda self, mark: None)
    with pytest.raises(laws.LawBroken, match=r"withdraw reverted, yet dex\.cash of account"):
        Witness(state).does(exchange.withdraw, who[0], state.houses[0], who[0], 99_999 * CASH)


def test_the_law_of_the_journal_sees_a_move_that_was_not_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    state, who = played()
    honest = exchange.deposit

    def deposit(state: State, *arguments: int) -> None:
        honest(state, *arguments)
        state.ledger.balance[state.houses[0].cash, who[:2]] += (1, -1)

    with pytest.raises(laws.LawBroken, match="journal_tells_all"):
        Witness(state).does(deposit, who[0], state.houses[0], who[0], CASH)


def test_the_law_of_margin_sees_a_withdrawal_that_nobody_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    state, who = played()
    monkeypatch.setattr(cash, "need_margin", lambda *_: None)
    with pytest.raises(laws.LawBroken, match="margin_is_kept: withdraw: account"):
        Witness(state).does(exchange.withdraw, who[0], state.houses[0], who[0], 99_999 * CASH)


def test_the_law_of_margin_sees_a_keeper_take_over_more_than_it_can_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    state, who = open_world(rules(liquidation=Partial(close_factor=1.0)), stake=10_000)
    _, pool, *_ = state.listings[0]
    exchange.trade(state, pool, who[0], 45 * COIN)
    exchange.withdraw(state, state.houses[0], who[1], 9_000 * CASH)
    tell(state, PRICE * 0.85)
    monkeypatch.setattr(forced, "need_margin", lambda *_: None)
    with pytest.raises(laws.LawBroken, match="margin_is_kept: liquidate: account"):
        Witness(state).does(exchange.liquidate, who[1], pool, who[1], who[0])


def test_the_law_of_auctions_sees_an_owner_who_trades_away(monkeypatch: pytest.MonkeyPatch) -> None:
    state, who = open_world(rules(liquidation=Dutch()), stake=10_000)
    _, pool, *_ = state.listings[0]
    exchange.trade(state, pool, who[0], 45 * COIN)
    tell(state, PRICE * 0.93)
    exchange.bark(state, pool, who[1], who[0])
    assert isinstance(Witness(state).does(exchange.trade, who[0], pool, who[0], -COIN), InAuction)
    monkeypatch.setattr(trading, "barred", lambda *_: np.empty(0, np.int64))
    with pytest.raises(laws.LawBroken, match="auctioned_do_not_trade: trade: the position of account"):
        Witness(state).does(exchange.trade, who[0], pool, who[0], -COIN)


@pytest.mark.parametrize("rounding", [3, 10**9])
def test_the_law_of_shares_sees_a_vault_that_rounds_for_the_investor(
    monkeypatch: pytest.MonkeyPatch, rounding: int
) -> None:
    state, who = played()
    honest = vaults.shares_down
    monkeypatch.setattr(vaults, "shares_down", lambda *numbers: honest(*numbers) + rounding)
    with pytest.raises(laws.LawBroken, match="share_prices_do_not_fall: invest: dex went from"):
        for _ in range(5):
            Witness(state).does(exchange.invest, who[0], state.houses[0], who[0], 1_000 * CASH + 1)


def test_the_law_of_shares_binds_a_bundle_of_nothing_else() -> None:
    state, who = played()
    before, house = laws.snapshot(state), state.houses[0]
    state.ledger.move(house.cash, house.vault, who[0], 1_000 * CASH, Reason.TRADE)
    for verb, broken in (("invest+deposit", 1), ("invest", 1), ("invest+trade", 0), ("trade", 0)):
        assert len(laws.share_prices_do_not_fall(before, laws.Deed(verb, who[0], False), state)) == broken


def test_the_law_of_shares_sees_a_pool_that_gives_too_much_back(monkeypatch: pytest.MonkeyPatch) -> None:
    state, who = played()
    honest = exchange.remove
    spot = state.listings[0][2]

    def remove(state: State, *arguments: int) -> None:
        honest(state, *arguments)
        state.ledger.move(state.houses[0].token, spot.desk, who[2], 1, Reason.LIQUIDITY)

    remove.__name__ = "remove"
    with pytest.raises(laws.LawBroken, match=r"share_prices_do_not_fall: remove: dex\.spot\.cash"):
        Witness(state).does(remove, who[2], spot, who[2], int(state.ledger.balance[spot.share, who[2]]))


def test_the_law_of_products_sees_a_pool_that_takes_no_fee(monkeypatch: pytest.MonkeyPatch) -> None:
    state, who = played()
    honest, spot = exchange.trade, state.listings[0][2]

    def trade(state: State, *arguments: int) -> None:
        fill = honest(state, *arguments)
        back = int(0.0031 * fill.owed)
        state.ledger.move(state.houses[0].token, spot.desk, who[2], back, Reason.FEE)

    trade.__name__ = "trade"
    with pytest.raises(laws.LawBroken, match=r"pools_keep_their_product: trade: the reserves of dex\.spot went from"):
        Witness(state).does(trade, who[2], spot, who[2], COIN)


def test_planted_faults_cover_every_law() -> None:
    assert set(PLANTED) == set(laws.LAWS)
    assert [law.__name__ for law in laws.STEP_LAWS] == [
        "revert_leaves_no_trace",
        "journal_tells_all",
        "margin_is_kept",
        "auctioned_do_not_trade",
        "share_prices_do_not_fall",
        "pools_keep_their_product",
        "sealed_prices_stand",  # its fault is planted in test_shared_collateral
    ]


# ---------------------------------------------------------------------- what the laws and the walk have found


def crashed(**changes: object) -> tuple[State, list[int]]:
    """The first trader is long the pool with all it may, and the index has fallen below its bankruptcy."""
    state, who = open_world(rules(insurance=0.0, **changes), stake=10_000)
    exchange.trade(state, state.listings[0][1], who[0], 45 * COIN)
    tell(state, PRICE * 0.8)
    return state, who


@pytest.mark.parametrize("free", range(13))
def test_a_liquidation_keeps_its_entries_when_the_journal_has_to_grow(free: int) -> None:
    state, who = crashed()
    house, (_, pool, *_) = state.houses[0], state.listings[0]
    while len(state.ledger.journal) - state.ledger.mark() > free:
        state.ledger.move(house.token, who[1], who[2], 1, Reason.GENESIS)
    done = Witness(state).does(exchange.liquidate, who[1], pool, who[1], who[0])
    assert isinstance(done, exchange.Liquidated)


def test_nobody_is_paid_for_liquidating_the_desk_of_a_venue() -> None:
    state, who = open_world(rules(), stake=10_000)
    amm = state.listings[0][0]
    exchange.trade(state, amm, who[0], -40 * COIN)
    tell(state, PRICE * 0.5)
    worth, needs = state.exchange(state.houses[0]).margin.standing(
        state, state.houses[0], Threshold.MAINTENANCE, amm.desk
    )
    assert worth < needs
    assert isinstance(Witness(state).does(exchange.liquidate, who[1], amm, who[1], amm.desk), Healthy)


def test_a_keeper_does_not_take_over_more_positions_than_isolated_margin_allows() -> None:
    state, who = crashed(liquidation=Partial(), margin=Isolated())
    amm, pool, *_ = state.listings[0]
    exchange.trade(state, amm, who[1], COIN // 10)
    exchange.deposit(state, state.houses[0], who[1], 500_000 * CASH)
    assert isinstance(Witness(state).does(exchange.liquidate, who[1], pool, who[1], who[0]), AccountIsolated)


def test_a_vault_that_owes_more_than_it_has_takes_no_deposits() -> None:
    state, who = open_world(rules(vault=Vault(liquidity=1_000.0)), stake=10_000)
    exchange.trade(state, state.listings[0][1], who[0], -45 * COIN)
    tell(state, PRICE * 0.5)
    assert exchange.vault_total(state, state.houses[0]) < 0
    assert isinstance(Witness(state).does(exchange.invest, who[1], state.houses[0], who[1], CASH), VaultCommitted)


def test_a_vault_that_lost_nearly_all_gives_out_no_more_shares_than_the_ledger_can_count() -> None:
    state, who = open_world(rules(vault=Vault(liquidity=1_000_000.0)))
    house = state.houses[0]
    state.ledger.move(house.cash, house.vault, who[0], 1_000_000 * CASH - 1, Reason.TRADE)
    assert isinstance(Witness(state).does(exchange.invest, who[1], house, who[1], 10**12), VaultCommitted)


def test_nobody_leaves_a_debt_behind_by_closing_their_last_position() -> None:
    state, who = crashed()
    pool = state.listings[0][1]
    assert isinstance(Witness(state).does(exchange.trade, who[0], pool, who[0], -45 * COIN), UnderMargined)
    done = Witness(state).does(exchange.liquidate, who[1], pool, who[1], who[0])
    assert done.deficit > 0
    assert sum(paid for _, paid in done.covered) == done.deficit


@pytest.mark.parametrize("free", range(25))
def test_deleveraging_keeps_its_entries_when_the_journal_has_to_grow(free: int) -> None:
    state, who = crashed(losses=(Deleverage(),))
    house, (_, pool, *_) = state.houses[0], state.listings[0]
    exchange.deposit(state, house, who[2], 100_000 * CASH)
    for trader in who[1:3]:
        tell(state, PRICE)
        exchange.trade(state, pool, trader, -20 * COIN)
    tell(state, PRICE * 0.8)
    while len(state.ledger.journal) - state.ledger.mark() > free:
        state.ledger.move(house.token, who[1], who[2], 1, Reason.GENESIS)
    done = Witness(state).does(exchange.liquidate, who[3], pool, who[3], who[0])
    assert done.deleveraged == 40 * COIN


def test_deleveraging_takes_from_nobody_more_than_they_have() -> None:
    state, who = open_world(rules(insurance=0.0, losses=(Deleverage(), Insurance()), liquidation=Full()), stake=10_000)
    house, (_, pool, *_) = state.houses[0], state.listings[0]
    exchange.trade(state, pool, who[0], 45 * COIN)
    exchange.trade(state, pool, who[1], -45 * COIN)
    tell(state, PRICE * 0.6)
    exchange.withdraw(state, house, who[1], 40_000 * CASH)  # the profit is gone before it can be taken back
    worth, _ = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, who[1])
    debt, _ = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, who[0])
    assert 0 < worth < -debt
    done = Witness(state).does(exchange.liquidate, who[2], pool, who[2], who[0])
    left, _ = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, who[1])
    assert 0 < done.deleveraged < 45 * COIN
    assert 0 <= left < 0.01 * worth


def test_an_empty_pool_takes_and_gives_nothing() -> None:
    state, who = open_world(rules())
    spot = state.listings[0][2]
    founders = int(np.flatnonzero(state.ledger.balance[spot.share] > 0)[0])
    exchange.remove(state, spot, founders, int(state.ledger.balance[spot.share, founders]))
    assert isinstance(Witness(state).does(exchange.provide, who[0], spot, who[0], CASH), NothingToDo)
    assert not isinstance(Witness(state).does(exchange.remove, who[0], spot, who[0], 1), int)


def test_an_order_larger_than_money_can_count_is_refused() -> None:
    state, who = open_world(rules())
    for listing in state.listings[0]:
        for size in (10**15, -(10**15), 10**17, -(10**17), 2**62, -(2**62)):
            outcome = Witness(state).does(exchange.trade, who[0], listing, who[0], size)
            assert isinstance(outcome, Exception), (listing.name, size)


def test_a_market_of_a_test_is_a_market() -> None:
    assert isinstance(market_for(VirtualAmm()), Market)


def test_a_bundle_that_trades_is_asked_for_margin_where_no_trade_moves_the_index_it_is_margined_at() -> None:
    state, who = open_world(rules())
    house, pool = state.houses[0], state.listings[0][1]
    exchange.trade(state, pool, who[0], 40 * COIN)
    before = laws.snapshot(state)
    exchange.trade(state, pool, who[0], COIN)
    loose = int(0.99 * float(state.ledger.balance[house.cash, who[0]]))
    state.ledger.move(house.cash, who[0], house.custody, loose, Reason.WITHDRAW)
    told = laws.margin_is_kept(before, laws.Deed("trade+withdraw", who[0], False), state)
    assert [line for line in told if "went from excess" in line]
