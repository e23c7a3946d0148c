"""Governance: rules change by proposal and delay, whole or not at all, and one module at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, market_for, open_world, tell

from protocol import exchange, laws
from protocol.access import Credentialed
from protocol.appraisal import Collateral
from protocol.errors import NotAllowed, NothingToDo, Revert, SenselessChange, Timelocked, UnderMargined, UnknownProposal
from protocol.funding.velocity import Velocity
from protocol.governance import Governance, Proposal, changed, structure
from protocol.hedging import DeltaBand
from protocol.instruments.token import Token
from protocol.lending import LoanPool, accrued, book
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.base import Liquidation
from protocol.liquidations.cases import case_of
from protocol.liquidations.dutch import Dutch
from protocol.liquidations.english import English
from protocol.liquidations.partial import Partial
from protocol.liquidations.staged import Staged
from protocol.margins.cross import Cross
from protocol.margins.isolated import Isolated
from protocol.margins.portfolio import Portfolio
from protocol.margins.volatility_scaled import VolatilityScaled
from protocol.motions import Execute, Propose, Retract
from protocol.oracles.base import read_index
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.pull import Pull
from protocol.oracles.spot import Spot
from protocol.oracles.twap import ArithmeticTwap
from protocol.rates.kinked import Kinked
from protocol.state import House, State
from protocol.surface import Surface
from protocol.units import SECONDS_PER_YEAR
from protocol.vault import Vault
from protocol.venues.base import Venue
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.impact_pool import ImpactPool
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.synth_pool import SynthPool
from protocol.venues.virtual_amm import VirtualAmm

DELAY, GRACE = 600.0, 1_000.0


def governed() -> tuple[State, House, int, list[int]]:
    """An oracle pool and a virtual AMM under one governor."""
    rules = replace(exchange_for(OraclePool(), VirtualAmm()), governance=Governance(DELAY, GRACE))
    state, (governor, *traders) = open_world(rules)
    exchange.appoint(state, state.houses[0], governor)
    return state, state.houses[0], governor, traders


def enact(state: State, house: House, governor: int, path: str, value: Any) -> None:
    number = exchange.propose(state, house, governor, path, value)
    state.time += DELAY
    tell(state, PRICE)
    exchange.execute(state, house, governor, number)


def test_a_change_waits_for_its_delay_and_is_then_anybodys_to_carry_out() -> None:
    state, house, governor, (other, *_) = governed()
    number = Propose(house, governor, "margin.initial", 0.2).apply(state)
    state.time = DELAY - 1.0
    with pytest.raises(Timelocked, match=r"ready=600\.0"):
        Execute(house, governor, number).apply(state)
    assert state.exchange(house).margin == Cross()
    state.time = DELAY
    assert Execute(house, other, number).apply(state).path == "margin.initial"
    assert state.exchange(house).margin == Cross(initial=0.2)
    with pytest.raises(UnknownProposal):
        exchange.execute(state, house, governor, number)


def test_a_change_that_nobody_carried_out_in_time_is_over() -> None:
    state, house, governor, _ = governed()
    number = exchange.propose(state, house, governor, "margin.initial", 0.2)
    state.time = DELAY + GRACE + 1.0
    with pytest.raises(Timelocked, match="expires"):
        exchange.execute(state, house, governor, number)


def test_only_the_governor_proposes_and_retracts() -> None:
    state, house, governor, (other, *_) = governed()
    with pytest.raises(NotAllowed):
        exchange.propose(state, house, other, "margin.initial", 0.2)
    number = exchange.propose(state, house, governor, "margin.initial", 0.2)
    with pytest.raises(NotAllowed):
        exchange.retract(state, house, other, number)
    Retract(house, governor, number).apply(state)
    assert exchange.proposals(state, house) == ()
    with pytest.raises(UnknownProposal):
        exchange.retract(state, house, governor, number)


def test_without_governance_nobody_changes_anything() -> None:
    state, (trader, *_) = open_world(exchange_for(OraclePool()))
    exchange.appoint(state, state.houses[0], trader)
    with pytest.raises(NotAllowed):
        exchange.propose(state, state.houses[0], trader, "margin.initial", 0.2)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("margin.initial", 0.01, r"maintenance = 0\.05: allowed above 0 to initial = 0\.01"),
        ("margin.initial", "much", "must be a finite number"),
        ("margin.initial", float("nan"), "must be a finite number"),
        ("margin.initial", True, "must be a finite number"),
        ("margin", Spot(), "must be a Margin"),
        ("margins.initial", 0.2, "margins: no such field; there is name, chain"),
        ("markets.m7.fee", 0.1, "m7: no such element; there is m0, m1"),
        ("markets.m0.fee.more", 0.1, "more: no such field; there is nothing below"),
        ("markets.m0.fee", 1.5, "fee = 1.5: allowed 0 to below 1"),
        ("markets.m0.oracle", Spot(), "cannot trade at the index of its own mid"),
        ("markets.m0.instrument", Token(), "trades claims"),
        ("markets.m1.venue.liquidity", 1e9, "laid out at the start"),
        ("markets.m0.venue", VirtualAmm(), "laid out at the start"),
        ("vault.virtual_shares", 5, "laid out at the start"),
        ("name", "other", "laid out at the start"),
        ("vault", Vault(virtual_shares=5), "laid out at the start"),
        ("markets.m0.access", Credentialed("VISA"), "there is no credential VISA"),
        ("vault.access", Credentialed("VISA"), "there is no credential VISA"),
        ("hedging", DeltaBand(("m0",)), "could on m1"),
        ("hedging", 3.0, "laid out at the start"),
        ("losses", (Spot(),), "must be a row of Loss"),
        ("margin", Isolated(), "somebody holds 2 positions, and it allows 1"),
    ],
)
def test_a_senseless_change_is_refused_by_name_and_leaves_no_trace(path: str, value: Any, why: str) -> None:
    state, house, governor, (trader, *_) = governed()
    for listing in state.listings[0]:
        exchange.trade(state, listing, trader, COIN)
    tell(state, PRICE)
    state.finalise()
    before, mark = state.digest(), state.mark()
    with pytest.raises(SenselessChange, match=why):
        enact(state, house, governor, path, value)
    state.rewind(mark)
    state.time = 0.0
    assert state.digest() == before


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("collateral", (Collateral("ETH"),)),
        ("collateral", (Collateral("dex.share"), Collateral("ETH"))),
        ("collateral.0", Collateral("DOGE")),
        ("loans", ()),
        ("loans", (LoanPool("USD"),)),
        ("loans", (LoanPool("ETH"), LoanPool("USD"))),
        ("surfaces", ()),
        ("surfaces.0", Surface("BTC")),
        ("liquidation", English()),
    ],
)
def test_what_rows_and_accounts_were_laid_out_for_is_not_voted_on(path: str, value: Any) -> None:
    rules = exchange_for(
        OraclePool(),
        collateral=(Collateral("ETH"), Collateral("dex.share")),
        loans=(LoanPool("USD", liquidity=1e6), LoanPool("ETH")),
        surfaces=(Surface(),),
        governance=Governance(DELAY, GRACE),
    )
    state, (governor, *_) = open_world(rules)
    exchange.appoint(state, state.houses[0], governor)
    with pytest.raises(SenselessChange, match="laid out at the start"):
        exchange.propose(state, state.houses[0], governor, path, value)
    enact(state, state.houses[0], governor, "collateral.0.initial", 0.5)  # how much it counts for is
    assert state.exchange(state.houses[0]).collateral[0] == Collateral("ETH", initial=0.5)


def test_what_was_sensible_when_proposed_is_judged_again_when_carried_out() -> None:
    state, house, governor, _ = governed()
    first = exchange.propose(state, house, governor, "margin.maintenance", 0.09)
    second = exchange.propose(state, house, governor, "margin.initial", 0.06)
    state.time = DELAY
    exchange.execute(state, house, governor, first)
    with pytest.raises(SenselessChange, match="maintenance"):
        exchange.execute(state, house, governor, second)


def test_another_margin_under_a_running_market_leaves_the_pool_as_it_stands() -> None:
    state, house, governor, (trader, other, *_) = governed()
    pool, amm = state.listings[0]
    for listing in (pool, amm):
        exchange.trade(state, listing, trader, 20 * COIN)
    reserves, balance = state.tables[amm.path + ".reserves"].copy(), state.ledger.balance.copy()
    quotes = [state.market(m).venue.cost(state, m, np.array([COIN, -COIN])) for m in (pool, amm)]

    enact(state, house, governor, "margin", VolatilityScaled(inner=Cross(initial=0.4, maintenance=0.3)))

    assert np.array_equal(state.tables[amm.path + ".reserves"], reserves)
    assert np.array_equal(state.ledger.balance, balance)
    after = [state.market(m).venue.cost(state, m, np.array([COIN, -COIN])) for m in (pool, amm)]
    assert np.array_equal(quotes, after)
    assert state.tables[house.name + ".volatility"].shape == (2, 3)
    exchange.trade(state, pool, other, 120 * COIN)  # 240,000 of notional: 96,000 of margin
    with pytest.raises(UnderMargined):
        exchange.trade(state, pool, other, 20 * COIN)


def test_another_spread_under_a_running_market_leaves_clearing_as_it_stands() -> None:
    state, house, governor, (trader, *_) = governed()
    enact(state, house, governor, "margin", VolatilityScaled())
    pool, _ = state.listings[0]
    exchange.trade(state, pool, trader, 20 * COIN)
    table, balance = state.tables[house.name + ".volatility"].copy(), state.ledger.balance.copy()
    standing = state.exchange(house).margin.standing(state, house, 0, trader)  # type: ignore[arg-type]

    enact(state, house, governor, "markets.m0.venue.spread", 0.01)

    assert np.array_equal(state.tables[house.name + ".volatility"], table, equal_nan=True)
    assert np.array_equal(state.ledger.balance, balance)
    assert state.exchange(house).margin.standing(state, house, 0, trader) == standing  # type: ignore[arg-type]
    owed = exchange.trade(state, pool, trader, -20 * COIN).owed
    assert owed > -20 * PRICE * 1e6 * 0.9951


def test_an_oracle_of_more_reporters_begins_anew_and_one_of_another_window_goes_on() -> None:
    assert structure(Median(reporters=5)) != structure(Median(reporters=7, quorum=3))
    assert structure(ArithmeticTwap(window=60.0)) == structure(ArithmeticTwap(window=600.0))
    assert structure(Guarded(inner=Pull())) != structure(Guarded(inner=Spot()))


def test_a_guard_put_around_an_oracle_and_taken_off_again_leaves_what_it_remembers() -> None:
    """A TWAP that has seen half an hour of prices does not begin anew because a vote bounds how far it may move."""
    rules = exchange_for(ConstantProduct(), VirtualAmm(), governance=Governance(delay=DELAY, grace=DELAY))
    twap = ArithmeticTwap(source="m0", window=1_800.0)
    rules = replace(rules, markets=(rules.markets[0], replace(rules.markets[1], oracle=twap)))
    state, (governor, trader, *_) = open_world(rules)
    house, (spot, perp) = state.houses[0], state.listings[0]
    exchange.appoint(state, house, governor)
    for _ in range(30):
        state.time += 60.0
        exchange.trade(state, spot, trader, 10 * COIN)
        exchange.close_block(state)
    assert PRICE < read_index(state, perp).value < state.market(spot).venue.mid(state, spot)
    for oracle in (
        Guarded(inner=twap, max_move=1.0),
        Guarded(inner=twap, second=Spot("m0"), max_move=1.0, max_gap=1.0),
        twap,
    ):
        control = state.save()
        enact(state, house, governor, "markets.m1.oracle", oracle)
        control.time = state.time
        assert read_index(state, perp).value == read_index(control, perp).value
        exchange.close_block(state)


def test_a_vault_may_learn_to_hedge() -> None:
    state, house, governor, (trader, *_) = governed()
    exchange.trade(state, state.listings[0][0], trader, 60 * COIN)
    enact(state, house, governor, "hedging", DeltaBand(("m1",), 0.1, 0.0, band=20.0))
    assert exchange.hedge(state, house, trader)[0].size == 50 * COIN


def test_a_vault_may_be_told_to_hedge_no_more() -> None:
    state, house, governor, (trader, *_) = governed()
    enact(state, house, governor, "hedging", DeltaBand(("m1",), 0.1, 0.0, band=20.0))
    exchange.trade(state, state.listings[0][0], trader, 60 * COIN)
    enact(state, house, governor, "hedging", None)
    with pytest.raises(NothingToDo):
        exchange.hedge(state, house, trader)


def test_another_margin_within_leaves_the_memory_of_the_one_around_it() -> None:
    state, house, governor, _ = governed()
    enact(state, house, governor, "margin", VolatilityScaled(reference=0.1))
    for step in range(20):
        state.time += 60.0
        tell(state, PRICE * (1.0 + 0.03 * (step % 2)))
        exchange.close_block(state)
    table = state.tables[house.name + ".volatility"].copy()
    enact(state, house, governor, "margin.inner", Portfolio())
    assert np.array_equal(state.tables[house.name + ".volatility"], table)
    enact(state, house, governor, "margin", Cross())
    enact(state, house, governor, "margin", VolatilityScaled(reference=0.1))
    assert not np.array_equal(state.tables[house.name + ".volatility"], table)


@pytest.mark.parametrize(
    ("before", "after"),
    [(Dutch(), Partial()), (Dutch(), Staged()), (English(), Backstop(English())), (Dutch(), Dutch(buf=1.3))],
    ids=lambda rule: type(rule).__name__,
)
def test_another_kind_of_liquidation_ends_the_cases_of_the_last_one(before: Liquidation, after: Liquidation) -> None:
    rules = exchange_for(OraclePool(), liquidation=before, governance=Governance(DELAY, GRACE))
    state, (governor, debtor, other, *_) = open_world(rules, stake=10_000)
    house, listing = state.houses[0], state.listings[0][0]
    exchange.appoint(state, house, governor)
    exchange.deposit(state, house, other, 500_000 * CASH)
    exchange.trade(state, listing, debtor, 45 * COIN)
    tell(state, PRICE * 0.93)
    exchange.bark(state, listing, other, debtor)
    had = int(state.ledger.balance[house.cash, other])
    if before.takes_bids:
        exchange.bid(state, listing, other, debtor, 1_800.0)

    enact(state, house, governor, "liquidation", after)

    laws.check(state)
    assert state.ledger.balance[house.cash, other] == had
    assert (case_of(state, listing, debtor) is None) == (type(after) is not type(before))
    if type(after) is not type(before):
        exchange.trade(state, listing, debtor, -COIN)  # its owner is no longer kept out


def test_another_reserve_factor_and_rate_hold_from_their_execution_on() -> None:
    pool = LoanPool("USD", rate=Kinked(idle=0.1), reserve_factor=0.0, liquidity=1e6)
    state, (governor, debtor, *_) = open_world(
        exchange_for(OraclePool(), loans=(pool,), governance=Governance(SECONDS_PER_YEAR, GRACE)), stake=500_000
    )
    house, lender = state.houses[0], state.lenders[0][0]
    exchange.appoint(state, house, governor)
    exchange.borrow(state, lender, debtor, 80_000 * CASH)
    treasury = [exchange.propose(state, house, governor, "loans.0.reserve_factor", 0.9)]
    treasury.append(exchange.propose(state, house, governor, "loans.0.rate.idle", 0.3))
    state.time = SECONDS_PER_YEAR
    tell(state, PRICE)
    assert accrued(state, lender).interest > 8_000 * CASH
    before, rate = accrued(state, lender), book(state, lender).rate

    for number in treasury:
        exchange.execute(state, house, governor, number)

    laws.check(state)
    assert state.ledger.balance[lender.share, house.treasury] == 0
    assert accrued(state, lender).index == before.index
    assert book(state, lender).rate == pytest.approx(rate + 0.2, abs=0.01)
    state.time += 3_600.0
    assert accrued(state, lender).fresh > 0


# ---------------------------------------------------------------------- another venue under a running market


def enacted(state: State, house: House, governor: int, venue: Venue) -> Any:
    """The first market's venue, voted for: by the laws, as everything."""
    witness = Witness(state)
    number = witness.does(exchange.propose, governor, house, governor, "markets.m0.venue", venue)
    state.time += DELAY
    tell(state, PRICE)
    return number if isinstance(number, Revert) else witness.does(exchange.execute, governor, house, governor, number)


@pytest.mark.parametrize(
    "venue", [ImpactPool(), SynthPool(), OraclePool(spread=0.01)], ids=lambda one: type(one).__name__
)
def test_a_pool_of_the_vault_makes_room_for_another_and_positions_stay_as_they_are(venue: Venue) -> None:
    state, house, governor, (trader, other, *_) = governed()
    listing, witness = state.listings[0][0], Witness(state)
    exchange.trade(state, listing, trader, 20 * COIN)
    held = state.ledger.balance.copy()
    standing = state.exchange(house).margin.standing(state, house, 0, trader)  # type: ignore[arg-type]
    assert isinstance(enacted(state, house, governor, venue), Proposal)
    assert np.array_equal(state.ledger.balance, held)
    assert state.exchange(house).margin.standing(state, house, 0, trader) == standing  # type: ignore[arg-type]
    for account, size in ((other, 5), (trader, -20), (other, -5)):
        assert isinstance(witness.does(exchange.trade, account, listing, account, size * COIN), exchange.Fill)
    assert state.ledger.balance[listing.size, house.vault] == 0


def test_a_book_makes_room_for_an_auction_and_back_and_what_rested_is_gone() -> None:
    rules = replace(exchange_for(OrderBook()), liquidation=Partial(), governance=Governance(DELAY, GRACE))
    state, (governor, maker, taker, *_) = open_world(rules)
    house, listing, witness = state.houses[0], state.listings[0][0], Witness(state)
    exchange.appoint(state, house, governor)
    exchange.post(state, listing, maker, -5 * COIN, PRICE)
    exchange.trade(state, listing, taker, 2 * COIN)
    assert isinstance(enacted(state, house, governor, BatchAuction(interval=6.0)), Proposal)
    assert len(state.tables[listing.path + ".book"]) == 0
    assert state.market(listing).venue.mid(state, listing) == PRICE
    witness.does(exchange.post, maker, listing, maker, -3 * COIN, PRICE)
    assert isinstance(witness.does(exchange.trade, taker, listing, taker, COIN), exchange.Queued)
    state.time += 6.0
    (cleared,) = exchange.close_block(state)
    laws.check(state)
    assert sorted(cleared.size.tolist()) == [-COIN, COIN]
    assert isinstance(enacted(state, house, governor, OrderBook(tick=0.5)), Proposal)
    assert len(state.tables[listing.path + ".bids"]) == 0
    witness.does(exchange.post, maker, listing, maker, 3 * COIN, PRICE)
    assert isinstance(witness.does(exchange.trade, taker, listing, taker, -3 * COIN), exchange.Fill)
    assert state.ledger.balance[listing.size, [maker, taker, listing.desk]].tolist() == [0, 0, 0]


def test_a_venue_leaves_neither_its_own_side_of_a_position_nor_a_fill_to_be_settled() -> None:
    state, house, governor, (trader, *_) = governed()
    assert isinstance(enacted(state, house, governor, OrderBook()), SenselessChange)  # the vault is on the other side
    number = Witness(state).does(exchange.propose, governor, house, governor, "markets.m1.venue", OrderBook())
    assert isinstance(number, SenselessChange)  # it is on the other side itself
    assert isinstance(enacted(state, house, governor, SynthPool(wait=10 * DELAY)), Proposal)
    exchange.trade(state, state.listings[0][0], trader, COIN)
    refused = enacted(state, house, governor, OraclePool())
    assert isinstance(refused, SenselessChange) and "still to be settled" in str(refused)
    for _ in range(12):
        state.time += DELAY
        tell(state, PRICE)
        exchange.close_block(state)
    assert isinstance(enacted(state, house, governor, OraclePool()), Proposal)


def test_another_funding_rule_opens_its_memory_when_it_comes_into_force() -> None:
    state, house, governor, (trader, *_) = governed()
    exchange.trade(state, state.listings[0][0], trader, 20 * COIN)
    enact(state, house, governor, "markets.m0.funding", Velocity(skew_scale=100.0))
    for _ in range(2):
        state.time += 3_600.0
        tell(state, PRICE)
        exchange.close_block(state)
    assert state.tables[state.listings[0][0].path + ".funding"][1] > 0


def test_a_whole_game_of_changes_keeps_the_laws() -> None:
    state, house, governor, (trader, other, *_) = governed()
    witness = Witness(state)
    rng = np.random.Generator(np.random.Philox(11))
    changes = [
        ("margin.initial", 0.3),
        ("margin.maintenance", 0.2),
        ("margin", Isolated()),
        ("margin", VolatilityScaled()),
        ("markets.m0.fee", 0.001),
        ("markets.m0.venue.spread", 0.002),
        ("markets.m1.funding", Velocity()),
        ("margin", Cross()),
    ]
    for step in range(120):
        path, value = changes[step % len(changes)]
        witness.does(exchange.propose, governor, house, governor, path, value)
        listing = state.listings[0][int(rng.integers(2))]
        witness.does(exchange.trade, trader, listing, trader, int(rng.integers(-40, 40)) * COIN)
        state.time += float(rng.choice([60.0, 700.0]))
        tell(state, PRICE * float(np.exp(rng.normal(0.0, 0.02))))
        exchange.close_block(state)
        for proposal in exchange.proposals(state, house):
            witness.does(exchange.execute, other, house, other, proposal.number)
    assert {"SenselessChange", "Timelocked", "execute", "propose", "trade"} <= set(witness.reached)


def test_the_rules_of_an_exchange_are_changed_by_value() -> None:
    rules = exchange_for(OraclePool())
    fresh = changed(rules, "markets.m0", market_for(OraclePool(spread=0.01), name="m0"))
    assert fresh.markets[0].venue == OraclePool(spread=0.01)
    assert rules.markets[0].venue == OraclePool()
    assert issubclass(SenselessChange, Revert)
