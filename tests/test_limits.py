"""Limits: what a market refuses whatever margin is brought, and that nobody is kept in by it."""

from __future__ import annotations

import importlib
import inspect
import math
from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, market_for, open_world, quote_book, tell

from experiments.codec import variants
from protocol import exchange
from protocol.clearing import Batch
from protocol.errors import Halted, OpenInterestCapped
from protocol.instruments.token import Token
from protocol.limits.base import Limit, interest_cap, is_halted, is_spared
from protocol.limits.circuit_breaker import CircuitBreaker
from protocol.limits.depth_cap import DepthCap
from protocol.limits.liquidation_pause import LiquidationPause
from protocol.limits.spared import Spared
from protocol.oracles.spot import Spot
from protocol.state import State
from protocol.vault import Vault
from protocol.venues.concentrated import ConcentratedPool
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market

CASES = [pytest.param(kind, id=name) for name, kind in variants(Limit).items()]


def limited(*limits: Limit, venue: Any = None) -> tuple[State, list[int]]:
    """A perpetual under limits, and a pool of its token beside it."""
    perpetual = market_for(venue or VirtualAmm(), name="perp", limits=limits)
    pool = Market(
        "pool", Token(), oracle=Spot(), venue=ConstantProduct(liquidity=1_000_000.0), funding=perpetual.funding
    )
    return open_world(exchange_for(markets=(perpetual, pool), vault=Vault()))


def pass_block(state: State, price: float, seconds: float = 12.0) -> None:
    """A block ends with the index at `price`."""
    state.time += seconds
    tell(state, price)
    exchange.close_block(state)


@pytest.mark.parametrize("kind", CASES)
def test_a_limit_says_what_it_answers_what_it_costs_and_how_it_is_attacked(kind: Any) -> None:
    text = (importlib.import_module(kind.__module__).__doc__ or "").lower()
    assert "answers" in text
    assert "honest users" in text
    assert "attack surface" in text


@pytest.mark.parametrize("kind", CASES)
def test_a_limit_refuses_parameters_without_sense_by_name(kind: Any) -> None:
    for name, field in inspect.signature(kind).parameters.items():
        if isinstance(field.default, float):
            with pytest.raises(ValueError, match=rf"{name} = -1\.0: must be "):
                kind(**{name: -1.0})


@pytest.mark.parametrize("kind", CASES)
def test_under_a_limit_what_shrinks_a_position_goes_through_and_laws_hold(kind: Any) -> None:
    limit = kind(source="pool", share=30.0) if kind is DepthCap else kind()
    state, (trader, other, *_) = limited(limit)
    listing, witness = state.listings[0][0], Witness(state)
    witness.does(exchange.trade, trader, listing, trader, 10 * COIN)
    for price in (PRICE, 1.2 * PRICE, 1.2 * PRICE):
        pass_block(state, price)
    witness.does(exchange.trade, other, listing, other, COIN)
    assert witness.does(exchange.trade, trader, listing, trader, -4 * COIN).size == -4 * COIN
    assert witness.does(exchange.trade, trader, listing, trader, -6 * COIN).size == -6 * COIN


@pytest.mark.parametrize("kind", CASES)
def test_looking_at_a_limit_changes_nothing_and_a_block_can_be_undone(kind: Any) -> None:
    state, _ = limited(kind(source="pool") if kind is DepthCap else kind())
    listing, before, mark = state.listings[0][0], state.digest(), state.mark()
    interest_cap(state, listing), is_halted(state, listing), is_spared(state, listing, 1)
    assert state.digest() == before
    time = state.time
    pass_block(state, 1.2 * PRICE)
    state.rewind(mark)
    state.time = time
    assert state.digest() == before


def test_open_interest_is_capped_by_what_the_pool_takes_within_the_slippage() -> None:
    state, (trader, other, *_) = limited(DepthCap("pool", slippage=0.02, share=3.0))
    listing = state.listings[0][0]
    depth = 1_000_000.0 * (np.sqrt(1.02) - 1.0)
    assert interest_cap(state, listing) == pytest.approx(3.0 * depth)
    whole = int(3.0 * depth / PRICE * COIN)
    with pytest.raises(OpenInterestCapped):
        exchange.trade(state, listing, trader, whole + 10)
    exchange.trade(state, listing, trader, whole - 10)
    exchange.trade(state, listing, other, -whole + 10)


def test_depth_that_comes_counts_slowly_and_depth_that_goes_at_once() -> None:
    state, (trader, *_) = limited(DepthCap("pool", window=1_200.0))
    listing, pool = state.listings[0]
    pass_block(state, PRICE, 1_200.0)
    before = interest_cap(state, listing)
    shares = exchange.provide(state, pool, trader, 500_000 * CASH)
    assert interest_cap(state, listing) == pytest.approx(before)
    pass_block(state, PRICE)  # what stands at the end of this block weights the next
    pass_block(state, PRICE, 600.0)
    risen = interest_cap(state, listing)
    assert 1.1 * before < risen < 1.45 * before
    exchange.remove(state, pool, trader, shares)
    assert interest_cap(state, listing) == pytest.approx(before)


@pytest.mark.parametrize("venue", [VirtualAmm(), ConstantProduct(), ConcentratedPool(), OrderBook()])
def test_depth_within_a_move_is_what_trading_it_moves_the_mid_by(venue: Any) -> None:
    state, (trader, *makers) = open_world(exchange_for(venue), stake=900_000)
    listing = state.listings[0][0]
    quote_book(state, listing, makers, levels=20, size=COIN)
    depth, mid = (
        state.market(listing).venue.depth_within(state, listing, 0.01),
        state.market(listing).venue.mid(state, listing),
    )
    assert depth > 0.0
    exchange.trade(state, listing, trader, int(depth / mid * COIN))
    assert state.market(listing).venue.mid(state, listing) / mid - 1.0 == pytest.approx(0.01, abs=0.006)


def test_a_venue_that_trades_at_the_index_has_endless_depth() -> None:
    state, _ = limited(DepthCap(), venue=OraclePool())
    assert interest_cap(state, state.listings[0][0]) >= 1e12


def test_a_breaker_halts_what_opens_lets_leave_and_ends_by_itself() -> None:
    state, (trader, other, *_) = limited(CircuitBreaker(bound=0.05, window=60.0, pause=120.0))
    listing = state.listings[0][0]
    exchange.trade(state, listing, trader, 10 * COIN)
    pass_block(state, PRICE)
    pass_block(state, 1.06 * PRICE)
    with pytest.raises(Halted, match="market=perp"):
        exchange.trade(state, listing, other, COIN)
    with pytest.raises(Halted):
        exchange.trade(state, listing, trader, -11 * COIN)  # through zero is opening, too
    batch = Batch(np.array([other, trader]), np.array([COIN, -COIN]), np.full(2, np.nan))
    assert exchange.fill(state, listing, batch).code.tolist() == [Halted.code, 0]
    exchange.withdraw(state, state.houses[0], other, CASH)
    for _ in range(10):
        pass_block(state, 1.06 * PRICE)
    exchange.trade(state, listing, other, COIN)


def test_a_breaker_stays_still_within_its_bound_and_forgets_what_is_older_than_its_window() -> None:
    state, _ = limited(CircuitBreaker(bound=0.05, window=30.0, pause=120.0))
    for number in range(20):
        pass_block(state, PRICE * 1.01**number)  # 2 % within a window
        assert not is_halted(state, state.listings[0][0])


def test_a_halt_stands_before_posting_too() -> None:
    state, (maker, *_) = limited(CircuitBreaker(bound=0.05), venue=OrderBook())
    listing = state.listings[0][0]
    order = exchange.post(state, listing, maker, COIN, 0.9 * PRICE)
    pass_block(state, PRICE)
    pass_block(state, 1.1 * PRICE)
    with pytest.raises(Halted):
        exchange.post(state, listing, maker, COIN, 0.9 * PRICE)
    exchange.cancel(state, listing, maker, order)


def test_a_pause_spares_who_fell_until_it_is_over() -> None:
    state, (trader, keeper, *_) = limited(LiquidationPause(bound=0.05, window=60.0, pause=60.0))
    listing, house = state.listings[0][0], state.houses[0]
    exchange.trade(state, listing, trader, 10 * COIN)
    free = int(state.ledger.balance[house.cash, trader]) - 2_200 * CASH
    exchange.withdraw(state, house, trader, free)
    pass_block(state, PRICE)
    pass_block(state, 0.92 * PRICE)
    with pytest.raises(Halted):
        exchange.liquidate(state, listing, keeper, trader)
    for _ in range(5):
        pass_block(state, 0.92 * PRICE)
    assert exchange.liquidate(state, listing, keeper, trader).size == -10 * COIN


def test_limits_are_refused_where_nothing_is_opened_or_no_such_market_is() -> None:
    with pytest.raises(ValueError, match="limits = CircuitBreaker: a market of tokens opens no interest"):
        market_for(ConstantProduct(), limits=(CircuitBreaker(),))
    with pytest.raises(ValueError, match=r"markets\.m\.limits\.0\.source = 'nowhere': no such market"):
        Exchange(markets=(market_for(VirtualAmm(), name="m", limits=(DepthCap("nowhere"),)),))


def test_only_who_is_spared_is_spared_and_only_for_the_while() -> None:
    state, (trader, keeper, *_) = limited(Spared(account=1, since=0.0, until=60.0))
    listing, house = state.listings[0][0], state.houses[0]
    exchange.trade(state, listing, trader, 10 * COIN)
    free = int(state.ledger.balance[house.cash, trader]) - 2_200 * CASH
    exchange.withdraw(state, house, trader, free)
    pass_block(state, 0.92 * PRICE)
    start = state.time
    for account, since, until, held in (
        (trader, start, start + 1.0, True),
        (trader, start + 1.0, start + 2.0, False),
        (trader, 0.0, start, False),
        (keeper, 0.0, math.inf, False),
    ):
        assert Spared(account, since, until).spares(state, listing, "", trader) is held
    assert not is_spared(state, listing, trader)
    assert exchange.liquidate(state, listing, keeper, trader).size == -10 * COIN


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"account": -1}, "account = -1"),
        ({"since": -1.0}, "since = -1"),
        ({"since": 2.0}, "until = 0.0: must be since"),
    ],
)
def test_a_sparing_that_cannot_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Spared(**wrong)
