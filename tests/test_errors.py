"""Each reason to revert: what brings it about, and that it says so in numbers."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from machine import CASH, COIN, PRICE, bridged, exchange_for, market_for, open_world, quote_book, tell

from protocol import errors, exchange, surface
from protocol.access import Credentialed
from protocol.appraisal import Collateral
from protocol.flash import Flash
from protocol.funding.unfunded import Unfunded
from protocol.governance import Governance
from protocol.instruments.option import Option
from protocol.instruments.synthetic import Synthetic
from protocol.ledger import Reason
from protocol.lending import LoanPool
from protocol.limits.circuit_breaker import CircuitBreaker
from protocol.liquidations.base import Liquidation
from protocol.liquidations.dutch import Dutch
from protocol.liquidations.english import English
from protocol.liquidations.graded import Graded
from protocol.liquidations.seizure import Seizure
from protocol.margins.isolated import Isolated
from protocol.oracles.base import Report
from protocol.oracles.spot import Spot
from protocol.state import Listing, State
from protocol.surface import Surface
from protocol.vault import Vault
from protocol.venues.concentrated import ConcentratedPool
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.self_trade import CancelTaker
from protocol.venues.synth_pool import SynthPool
from protocol.venues.virtual_amm import VirtualAmm
from protocol.vesting import Vesting
from protocol.world import Market

POOL, AMM, BOOK, SPOT = range(4)


def opened(**changes: Any) -> tuple[State, list[int]]:
    """One market of each kind, and traders with cash on both sides of the till."""
    venues = OraclePool(), VirtualAmm(), OrderBook(slots=4), ConstantProduct()
    return open_world(replace(exchange_for(*venues), **changes))


def test_tokens_that_are_not_there_cannot_be_deposited() -> None:
    state, (trader, *_) = opened()
    with pytest.raises(errors.InsufficientBalance, match="has=900000000000, needs=900000000001"):
        exchange.deposit(state, state.houses[0], trader, 900_000 * CASH + 1)


def test_what_margin_needs_cannot_be_withdrawn() -> None:
    state, (trader, *_) = opened()
    exchange.trade(state, state.listings[0][POOL], trader, 10 * COIN)
    with pytest.raises(errors.UnderMargined, match="required="):
        exchange.withdraw(state, state.houses[0], trader, 99_000 * CASH)


@pytest.mark.parametrize("market", range(4))
def test_an_order_beyond_its_limit_is_not_filled(market: int) -> None:
    state, (trader, maker, *_) = opened()
    listing = state.listings[0][market]
    if market == BOOK:
        quote_book(state, listing, [maker], levels=2)
    for size, limit in ((COIN, PRICE * 0.99), (-COIN, PRICE * 1.01)):
        with pytest.raises(errors.SlippageExceeded):
            exchange.trade(state, listing, trader, size, limit)


@pytest.mark.parametrize("market", range(4))
def test_an_order_beyond_depth_is_not_filled(market: int) -> None:
    state, (trader, *_) = opened()
    with pytest.raises(errors.DepthExceeded):
        exchange.trade(state, state.listings[0][market], trader, 10**17)


def test_open_interest_grows_to_its_cap_and_no_further() -> None:
    state, (first, second, *_) = open_world(
        exchange_for(markets=(market_for(VirtualAmm(), open_interest_cap=20_000.0),))
    )
    listing = state.listings[0][0]
    exchange.trade(state, listing, first, 10 * COIN)
    with pytest.raises(errors.OpenInterestCapped):
        exchange.trade(state, listing, second, 1)
    exchange.trade(state, listing, second, -10 * COIN)


def test_an_isolated_account_opens_one_market_only() -> None:
    state, (trader, *_) = opened(margin=Isolated())
    exchange.trade(state, state.listings[0][POOL], trader, COIN)
    with pytest.raises(errors.AccountIsolated):
        exchange.trade(state, state.listings[0][AMM], trader, COIN)


def test_nothing_is_traded_liquidated_or_withdrawn_on_a_stale_index() -> None:
    state, (trader, other, *_) = opened()
    house, listing = state.houses[0], state.listings[0][POOL]
    exchange.trade(state, listing, trader, COIN)
    state.time += 601.0
    for verb in (
        lambda: exchange.trade(state, listing, other, COIN),
        lambda: exchange.liquidate(state, listing, other, trader),
        lambda: exchange.withdraw(state, house, trader, CASH),
        lambda: exchange.invest(state, house, other, CASH),
        lambda: exchange.divest(state, house, other, CASH),
    ):
        with pytest.raises(errors.StalePrice, match=r"status=STALE, age=601\.0"):
            verb()
    exchange.withdraw(state, house, other, CASH)  # who holds no position needs no index


def test_a_verb_about_nothing_does_nothing() -> None:
    state, (trader, *_) = opened()
    house, (pool, _, book, spot) = state.houses[0], state.listings[0]
    for verb in (
        lambda: exchange.deposit(state, house, trader, 0),
        lambda: exchange.withdraw(state, house, trader, -1),
        lambda: exchange.trade(state, pool, trader, 0),
        lambda: exchange.invest(state, house, trader, 0),
        lambda: exchange.divest(state, house, trader, 0),
        lambda: exchange.provide(state, spot, trader, 0),
        lambda: exchange.provide(state, pool, trader, CASH),
        lambda: exchange.remove(state, spot, trader, -1),
        lambda: exchange.post(state, book, trader, 0, PRICE),
        lambda: exchange.post(state, pool, trader, COIN, PRICE),
        lambda: state.ledger.move(house.token, trader, house.custody, -1, Reason.GENESIS),
    ):
        with pytest.raises(errors.NothingToDo):
            verb()


def test_a_till_gives_no_more_than_it_holds() -> None:
    state, (trader, *_) = opened(insurance=0.0, vault=Vault(liquidity=0.0))
    house, listing = state.houses[0], state.listings[0][POOL]
    exchange.trade(state, listing, trader, 400 * COIN)
    tell(state, PRICE * 3)  # its profit is a claim on a vault that has nothing
    with pytest.raises(errors.EmptyTill, match="has=400000000000, needs=450000000000"):
        exchange.withdraw(state, house, trader, 450_000 * CASH)


def test_the_healthy_are_not_liquidated() -> None:
    state, (trader, keeper, *_) = opened()
    exchange.trade(state, state.listings[0][POOL], trader, COIN)
    with pytest.raises(errors.Healthy):
        exchange.liquidate(state, state.listings[0][POOL], keeper, trader)


def test_nobody_cancels_the_order_of_another() -> None:
    state, (trader, other, *_) = opened()
    book = state.listings[0][BOOK]
    order = exchange.post(state, book, trader, COIN, PRICE - 1)
    with pytest.raises(errors.NotAllowed):
        exchange.cancel(state, book, other, order)
    exchange.cancel(state, book, trader, order)


def test_an_oracle_that_takes_no_reports_or_a_report_from_the_future_says_so() -> None:
    rules = exchange_for(markets=(market_for(VirtualAmm(), oracle=Spot()), market_for(VirtualAmm(), name="told")))
    state, (trader, *_) = open_world(rules)
    for listing, when in zip(state.listings[0], (0.0, 1.0), strict=True):
        with pytest.raises(errors.ReportRejected):
            exchange.report(state, listing, Report(trader, PRICE, when))


def test_an_order_that_would_trade_at_once_does_not_rest() -> None:
    state, (trader, other, *_) = opened()
    book = state.listings[0][BOOK]
    exchange.post(state, book, trader, COIN, PRICE)
    with pytest.raises(errors.CrossesBook):
        exchange.post(state, book, other, -COIN, PRICE)


def test_an_order_that_is_gone_cannot_be_cancelled() -> None:
    state, (trader, *_) = opened()
    book = state.listings[0][BOOK]
    order = exchange.post(state, book, trader, COIN, PRICE)
    exchange.cancel(state, book, trader, order)
    with pytest.raises(errors.UnknownOrder):
        exchange.cancel(state, book, trader, order)


def test_capital_that_carries_positions_stays_in_the_vault() -> None:
    state, (trader, investor, *_) = opened(vault=Vault(liquidity=0.0))
    house, listing = state.houses[0], state.listings[0][POOL]
    shares = exchange.invest(state, house, investor, 10_000 * CASH)
    exchange.trade(state, listing, trader, 40 * COIN)
    with pytest.raises(errors.VaultCommitted, match="committed="):
        exchange.divest(state, house, investor, shares)


def test_a_full_book_takes_no_more_orders() -> None:
    state, (trader, *_) = opened()
    book = state.listings[0][BOOK]
    for number in range(4):
        exchange.post(state, book, trader, COIN, PRICE - number)
    with pytest.raises(errors.BookFull):
        exchange.post(state, book, trader, COIN, PRICE - 9)


def test_a_range_ends_on_the_grid_of_its_pool() -> None:
    state, (trader, *_) = open_world(exchange_for(ConcentratedPool(spacing=60)))
    with pytest.raises(errors.BadRange, match="low=-7, high=60, spacing=60"):
        exchange.provide_range(state, state.listings[0][0], trader, -7, 60, COIN, CASH)


def test_a_book_that_cancels_takers_refuses_one_who_meets_itself() -> None:
    state, (trader, *_) = open_world(exchange_for(OrderBook(self_trade=CancelTaker())))
    exchange.post(state, state.listings[0][0], trader, COIN, PRICE - 1)
    with pytest.raises(errors.SelfTrade):
        exchange.trade(state, state.listings[0][0], trader, -COIN)


def put_up(rule: Liquidation) -> tuple[State, Listing, list[int]]:
    """The first trader is long with all it may, below maintenance, and put up for auction or warned."""
    state, traders = opened(liquidation=rule)
    book, listing = state.listings[0][BOOK], state.listings[0][POOL]
    exchange.withdraw(state, state.houses[0], traders[0], 90_000 * CASH)
    exchange.trade(state, listing, traders[0], 45 * COIN)
    exchange.post(state, book, traders[1], COIN, PRICE - 9)
    tell(state, PRICE * 0.93)
    exchange.bark(state, listing, traders[1], traders[0])
    return state, listing, traders


def test_whoever_is_up_for_auction_neither_trades_nor_quotes_and_is_not_put_up_twice() -> None:
    state, listing, (trader, keeper, *_) = put_up(Dutch())
    for verb in (
        lambda: exchange.trade(state, listing, trader, -COIN),
        lambda: exchange.post(state, state.listings[0][BOOK], trader, COIN, PRICE - 1),
        lambda: exchange.bark(state, listing, keeper, trader),
        lambda: exchange.liquidate(state, listing, keeper, trader),
    ):
        with pytest.raises(errors.InAuction):
            verb()


def test_nothing_is_taken_bid_for_dealt_or_lifted_where_no_auction_runs() -> None:
    state, (trader, other, *_) = opened(liquidation=Dutch())
    listing = state.listings[0][POOL]
    for verb in (
        lambda: exchange.take(state, listing, other, trader, COIN),
        lambda: exchange.bid(state, listing, other, trader, PRICE),
        lambda: exchange.deal(state, listing, other, trader),
        lambda: exchange.redo(state, listing, other, trader),
        lambda: exchange.lift(state, listing, trader),
    ):
        with pytest.raises(errors.NoAuction):
            verb()


def test_a_round_that_is_too_old_must_be_started_anew() -> None:
    state, listing, (trader, keeper, *_) = put_up(Dutch(tail=600.0))
    state.time = 601.0
    tell(state, PRICE * 0.93)
    with pytest.raises(errors.AuctionStale, match=r"started=0\.0, time=601\.0"):
        exchange.take(state, listing, keeper, trader, 10**12)
    assert exchange.redo(state, listing, keeper, trader).rounds == 2


def test_grace_bids_and_rounds_take_their_time() -> None:
    state, listing, (trader, keeper, *_) = put_up(Graded(grace=60.0))
    with pytest.raises(errors.TooEarly):
        exchange.liquidate(state, listing, keeper, trader)
    state, listing, (trader, keeper, *_) = put_up(English())
    exchange.bid(state, listing, keeper, trader, PRICE * 0.9)
    with pytest.raises(errors.TooEarly, match=r"ends=600\.0"):
        exchange.deal(state, listing, keeper, trader)
    with pytest.raises(errors.TooEarly):
        exchange.redo(state, listing, keeper, trader)


def test_a_bid_must_better_the_last_by_the_factor() -> None:
    state, listing, (trader, first, second, *_) = put_up(English(beg=1.05))
    exchange.bid(state, listing, first, trader, 1_000.0)
    with pytest.raises(errors.BidTooLow, match=r"price=1049\.0, least=1050\.0"):
        exchange.bid(state, listing, second, trader, 1_049.0)
    exchange.bid(state, listing, second, trader, 1_050.0)


def with_options() -> tuple[State, list[int]]:
    """A perpetual, and an option on its index, in the vault's pool."""
    perp = market_for(OraclePool(), name="PERP")
    option = Market(name="OPTION", instrument=Option(), venue=OraclePool(), funding=Unfunded(), index="PERP")
    return open_world(exchange_for(OraclePool(), markets=(perp, option), surfaces=(Surface(),)))


def test_a_contract_that_has_expired_is_not_traded() -> None:
    state, (trader, *_) = with_options()
    state.time = Option().expiry
    with pytest.raises(errors.Expired):
        exchange.trade(state, state.listings[0][1], trader, COIN)


def test_a_volatility_below_zero_is_not_taken() -> None:
    state, (trader, *_) = with_options()
    surface.appoint(state, state.houses[0], "ETH", trader)
    with pytest.raises(errors.VolatilityRefused, match="volatility=-0.3"):
        exchange.post_surface(state, state.houses[0], trader, "ETH", ((-0.3,) * 5,) * 3)


def test_an_option_that_is_not_listed_is_not_found() -> None:
    state, _ = with_options()
    with pytest.raises(errors.UnlistedSeries, match="strike=2222"):
        exchange.find_series(state, state.houses[0], exchange.Series("ETH", "call", 2_222.0, Option().expiry))


def governed() -> tuple[State, int, int]:
    state, (governor, other, *_) = opened(governance=Governance(delay=60.0))
    exchange.appoint(state, state.houses[0], governor)
    return state, governor, other


def test_rules_that_could_not_be_built_are_not_proposed() -> None:
    state, governor, _ = governed()
    with pytest.raises(errors.SenselessChange, match=r"initial = -1\.0"):
        exchange.propose(state, state.houses[0], governor, "margin.initial", -1.0)


def test_what_nobody_proposed_is_not_carried_out() -> None:
    state, _, other = governed()
    with pytest.raises(errors.UnknownProposal, match="proposal=1"):
        exchange.execute(state, state.houses[0], other, 1)


def test_a_proposal_is_not_carried_out_before_its_time() -> None:
    state, governor, other = governed()
    number = exchange.propose(state, state.houses[0], governor, "margin.initial", 0.2)
    with pytest.raises(errors.Timelocked, match=r"ready=60\.0"):
        exchange.execute(state, state.houses[0], other, number)


def test_a_gated_market_is_closed_to_whoever_has_no_credential() -> None:
    rules = exchange_for(markets=(market_for(VirtualAmm(), access=Credentialed()),))
    state, (trader, *_) = open_world(rules)
    with pytest.raises(errors.NotAdmitted):
        exchange.trade(state, state.listings[0][0], trader, COIN)


def test_what_is_still_to_be_settled_cannot_be_withdrawn() -> None:
    state, (trader, *_) = open_world(exchange_for(SynthPool(wait=180.0)))
    house, listing = state.houses[0], state.listings[0][0]
    exchange.trade(state, listing, trader, COIN)
    with pytest.raises(errors.Unsettled):
        exchange.withdraw(state, house, trader, CASH)
    state.time = 180.0
    exchange.close_block(state)
    exchange.withdraw(state, house, trader, CASH)


def test_every_reason_has_a_code_of_its_own_and_a_text() -> None:
    reasons = errors.reasons()
    assert len(reasons) == len(errors.Revert.__subclasses__())
    assert len({reason.text for reason in reasons.values()}) == len(reasons)
    assert 0 not in reasons
    for reason in reasons.values():
        shown = str(reason(amount=3, price=math.pi))
        assert shown == f"{reason.__name__}: {reason.text} (amount=3, price={math.pi})"


def test_no_more_is_opened_against_a_vault_than_its_equity_bears() -> None:
    state, (trader, *_) = open_world(exchange_for(OraclePool(), vault=Vault(liquidity=10_000.0, utilisation=1.0)))
    with pytest.raises(errors.VaultUtilised, match="market=m0"):
        exchange.trade(state, state.listings[0][0], trader, 6 * COIN)


def test_no_more_collateral_is_taken_than_the_cap() -> None:
    state, (trader, *_) = opened(collateral=(Collateral("ETH", cap=5.0),))
    with pytest.raises(errors.CollateralCapped, match="token=ETH, has=0, adds=500000001, allowed=500000000"):
        exchange.pledge(state, state.pledges[0][0], trader, 5 * COIN + 1)


def test_no_more_is_minted_than_the_opening_ratio_bears() -> None:
    gold = market_for(ConstantProduct(), instrument=Synthetic(), name="gold")
    state, (trader, *_) = open_world(exchange_for(markets=(gold,)))
    exchange.lock(state, state.issues[0][0], trader, 3_001 * CASH)
    exchange.mint(state, state.issues[0][0], trader, COIN)
    with pytest.raises(errors.UnderCollateralised, match=r"ratio=1\.49.*, required=1\.5"):
        exchange.mint(state, state.issues[0][0], trader, COIN // 1_000)


def minting(**changes: Any) -> tuple[State, int]:
    """A synthetic of which the founders' pool has some, and a trader whose position stands by far."""
    gold = market_for(ConstantProduct(), instrument=Synthetic(**changes), name="gold")
    state, (trader, *_) = open_world(exchange_for(markets=(gold,)))
    exchange.lock(state, state.issues[0][0], trader, 50_000 * CASH)
    return state, trader


def test_no_more_is_minted_than_the_ceiling_lets() -> None:
    state, trader = minting(ceiling=2_500.5)  # five million coins of cash a side, at 2,000
    with pytest.raises(errors.IssueCapped, match=r"owed=2501\.0, ceiling=2500\.5"):
        exchange.mint(state, state.issues[0][0], trader, COIN)


def test_no_debt_is_left_that_is_too_small() -> None:
    state, trader = minting(dust=2.0)
    with pytest.raises(errors.DustyDebt, match=r"owed=1\.0, least=2\.0"):
        exchange.mint(state, state.issues[0][0], trader, COIN)


def test_a_flash_loan_that_is_not_there_at_its_end_is_not_paid() -> None:
    state, (trader, *_) = opened(flash=Flash(fee=0.001))
    house = state.houses[0]
    exchange.deposit(state, house, trader, 900_000 * CASH)
    with pytest.raises(errors.FlashUnpaid, match="has=1000000, needs=1001000"):
        exchange.flashloan(state, house, trader, CASH, lambda state: None)


def test_profit_that_has_not_vested_does_not_leave() -> None:
    state, (trader, *_) = opened(vesting=Vesting(period=600.0))
    house, listing = state.houses[0], state.listings[0][POOL]
    exchange.trade(state, listing, trader, 10 * COIN)
    tell(state, PRICE * 2)
    with pytest.raises(errors.Unvested, match="unvested="):
        exchange.withdraw(state, house, trader, 97_000 * CASH)


def test_nothing_is_seized_beyond_the_halt() -> None:
    rules = Seizure(spread=0.1, halt=1.0 / 1.1)
    state, (debtor, keeper, *_) = opened(
        collateral=(Collateral("ETH"),), loans=(LoanPool("USD", liquidity=1e6),), seizure=rules
    )
    house, lender = state.houses[0], state.lenders[0][0]
    exchange.withdraw(state, house, debtor, 100_000 * CASH)
    exchange.pledge(state, state.pledges[0][0], debtor, 10 * COIN)
    exchange.borrow(state, lender, debtor, 15_900 * CASH)
    tell(state, PRICE * 0.87)
    with pytest.raises(errors.BeyondFrontier, match=r"halt=0\.909"):
        exchange.seize(state, house, keeper, debtor, house.token, state.pledges[0][0].token)
    tell(state, PRICE * 0.9)
    exchange.seize(state, house, keeper, debtor, house.token, state.pledges[0][0].token)


def test_nothing_is_opened_while_a_breaker_halts() -> None:
    state, (trader, *_) = open_world(exchange_for(markets=(market_for(VirtualAmm(), limits=(CircuitBreaker(0.05),)),)))
    for price in (PRICE, 1.1 * PRICE):
        state.time += 12.0
        tell(state, price)
        exchange.close_block(state)
    with pytest.raises(errors.Halted, match="market=ETH-PERP, size=100000000"):
        exchange.trade(state, state.listings[0][0], trader, COIN)


def test_nothing_is_handed_over_to_another_chain() -> None:
    state, (trader, other, *_) = opened()
    state.ledger.chain[other] = 1
    with pytest.raises(errors.WrongChain, match=f"account={trader}, to={other}"):
        exchange.transfer(state, state.houses[0].token, trader, other, CASH)


def test_a_bridge_refuses_what_is_not_final_not_there_done_before_or_more_than_it_holds() -> None:
    state, (one, two, three, four) = bridged(depth=1, delay=0.0, return_depth=0, return_delay=0.0)
    span = state.spans[0]
    message = exchange.dispatch(state, span, one, three, COIN, 1)
    with pytest.raises(errors.NotFinal, match="blocks=1"):
        exchange.carry(state, span, four, message.key)
    with pytest.raises(errors.UnknownMessage, match=f"account={one}, salt=2"):
        exchange.carry(state, span, four, message.key._replace(salt=2))
    with pytest.raises(errors.AlreadyCarried, match=f"account={one}, salt=1"):
        exchange.dispatch(state, span, one, three, COIN, 1)
    with pytest.raises(errors.NotAllowed):
        exchange.dispatch(state, span, one, state.houses[1].custody, COIN, 2)
    with pytest.raises(errors.WrongChain):
        exchange.dispatch(state, span, one, two, COIN, 2)
    key = exchange.dispatch(state, span, three, two, COIN, 1).key
    held = int(state.ledger.balance[span.token, span.escrow])
    state.ledger.move(span.token, span.escrow, one, held, Reason.GENESIS)
    with pytest.raises(errors.BridgeEmpty, match=f"has=0, needs={COIN}"):
        exchange.carry(state, span, two, key)


def test_half_a_deal_asks_for_its_secret_and_ends_once() -> None:
    state, (one, two, *_) = bridged()
    span, lock = state.spans[0], hashlib.sha256(b"secret").digest()
    exchange.prepare(state, span, one, two, span.token, COIN, lock, 10.0)
    with pytest.raises(errors.WrongSecret):
        exchange.commit(state, span, two, lock, b"guess")
    with pytest.raises(errors.TooEarly):
        exchange.abort(state, span, one, lock)
    exchange.commit(state, span, two, lock, b"secret")
    with pytest.raises(errors.DealOver, match=r"until=10\.0"):
        exchange.abort(state, span, one, lock)


def test_every_reason_is_brought_about_in_this_file() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in (r.__name__ for r in errors.reasons().values()) if f"errors.{name}" not in source] == []
