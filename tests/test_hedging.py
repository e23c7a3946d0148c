"""Hedging: the vault sheds what its traders put on it, within its bounds, and somebody is paid for that."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, market_for, open_world, tell

from experiments.codec import variants
from protocol import exchange
from protocol.access import Credentialed
from protocol.errors import NothingToDo, SlippageExceeded, StalePrice
from protocol.hedging import DeltaBand, Hedging, delta, exposure
from protocol.instruments.perpetual import Perpetual
from protocol.ledger import Reason
from protocol.margins.isolated import Isolated
from protocol.motions import Hedge
from protocol.state import House, Listing, State
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.virtual_amm import VirtualAmm

GATED = (
    market_for(OraclePool(), name="m0"),
    market_for(VirtualAmm(), name="m1", access=Credentialed("PASS")),  # the vault holds no credential
)
RULE = DeltaBand(markets=("m1",), band=20.0, rest=0.5, slippage=0.1, reward=2.0)


def hedged(rule: Hedging = RULE) -> tuple[State, House, list[int]]:
    """An oracle pool that exposes the vault, and a virtual AMM to hedge on."""
    state, traders = open_world(exchange_for(OraclePool(), VirtualAmm(), hedging=rule))
    return state, state.houses[0], traders


def exposed(state: State, house: House) -> float:
    return exposure(state, house, house.vault, state.listings[0][0].base)


def test_within_its_band_the_vault_rests() -> None:
    state, house, (trader, poker, *_) = hedged()
    exchange.trade(state, state.listings[0][0], trader, 19 * COIN)
    assert exposed(state, house) == pytest.approx(-19.0, abs=1e-9)
    with pytest.raises(NothingToDo):
        Hedge(house, poker).apply(state)


@pytest.mark.parametrize(
    ("size", "rest", "left"), [(30, 0.5, -10.0), (-30, 0.5, 10.0), (30, 0.0, 0.0), (30, 1.0, -20.0)]
)
def test_beyond_its_band_it_goes_back_to_where_it_rests(size: int, rest: float, left: float) -> None:
    state, house, (trader, poker, *_) = hedged(DeltaBand(("m1",), 0.1, 0.0, band=20.0, rest=rest))
    exchange.trade(state, state.listings[0][0], trader, size * COIN)
    (fill,) = exchange.hedge(state, house, poker)
    assert fill.account == house.vault and fill.listing.name == "m1"
    assert exposed(state, house) == pytest.approx(left, abs=1e-7)
    with pytest.raises(NothingToDo):
        exchange.hedge(state, house, poker)


def test_a_hedge_moves_the_venue_costs_the_vault_and_pays_whoever_asked() -> None:
    state, house, (trader, poker, *_) = hedged()
    pool, amm = state.listings[0]
    exchange.trade(state, pool, trader, 60 * COIN)
    mid, cash = state.market(amm).venue.mid(state, amm), int(state.ledger.balance[house.cash, poker])
    treasury, total = int(state.ledger.balance[house.cash, house.treasury]), exchange.vault_total(state, house)
    Witness(state).does(exchange.hedge, poker, house, poker)
    assert state.market(amm).venue.mid(state, amm) > mid
    assert state.ledger.balance[house.cash, poker] - cash == 2 * CASH
    assert state.ledger.balance[house.cash, house.treasury] > treasury
    assert exchange.vault_total(state, house) < total


def test_a_vault_that_is_hedged_whole_no_longer_follows_the_index() -> None:
    state, house, (trader, poker, *_) = hedged(DeltaBand(("m1",), 0.5, 0.0, band=0.0, rest=0.0))
    exchange.trade(state, state.listings[0][0], trader, 100 * COIN)
    bare = state.save()
    exchange.hedge(state, house, poker)
    moved = []
    for world in (state, bare):
        before = exchange.vault_total(world, house)
        tell(world, PRICE * 1.05)
        moved.append((exchange.vault_total(world, house) - before) / CASH)
    assert moved == pytest.approx([0.0, -100 * PRICE * 0.05], abs=1e-4)


def test_no_hedge_beyond_the_slippage_that_the_rule_allows_nor_on_a_stale_index() -> None:
    state, house, (trader, poker, *_) = hedged(DeltaBand(("m1",), slippage=0.001, band=20.0))
    exchange.trade(state, state.listings[0][0], trader, 60 * COIN)
    with pytest.raises(SlippageExceeded):
        exchange.hedge(state, house, poker)
    state.time = 601.0
    with pytest.raises(StalePrice):
        exchange.hedge(state, house, poker)


def test_it_trades_no_more_at_once_than_the_rule_says() -> None:
    state, house, (trader, poker, *_) = hedged(DeltaBand(("m1",), 0.1, 0.0, band=20.0, rest=0.0, most=7.0))
    exchange.trade(state, state.listings[0][0], trader, 60 * COIN)
    assert [exchange.hedge(state, house, poker)[0].size for _ in range(5)] == [7 * COIN] * 5


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in variants(Hedging).items()])
@pytest.mark.parametrize("size", [-80, 0, 80])
def test_every_rule_plans_without_a_trace_and_less_exposure_and_then_rests(kind: type[Hedging], size: int) -> None:
    state, house, (trader, poker, *_) = hedged(replace(kind(), markets=("m1",), slippage=0.1))
    if size:
        exchange.trade(state, state.listings[0][0], trader, size * COIN)
    digest, before = state.digest(), abs(exposed(state, house))
    plan = state.exchange(house).hedging.plan(state, house)
    assert state.digest() == digest
    assert bool(plan) == bool(size)
    if plan:
        exchange.hedge(state, house, poker)
        assert abs(exposed(state, house)) < before
    with pytest.raises(NothingToDo):
        exchange.hedge(state, house, poker)


def test_without_a_rule_there_is_nothing_to_do() -> None:
    state, (trader, *_) = open_world(exchange_for(OraclePool()))
    with pytest.raises(NothingToDo):
        exchange.hedge(state, state.houses[0], trader)


@dataclass(frozen=True)
class Square(Perpetual):
    """A contract worth the square of the index over a thousand. A test's own."""

    def price(self, state: State, listing: Listing, index: float) -> float:
        return index * index / 1_000.0


def test_delta_follows_the_instruments_own_price() -> None:
    """d(x^2 / 1000)/dx at 2,000 is 4."""
    state, (trader, *_) = open_world(exchange_for(markets=(market_for(VirtualAmm(), instrument=Square()),)))
    listing = state.listings[0][0]
    state.ledger.move(listing.size, listing.desk, trader, 3 * COIN, Reason.TRADE)
    assert delta(state, listing, trader) == pytest.approx(12.0, rel=1e-9)
    assert np.isclose(delta(state, listing, listing.desk), -12.0)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: DeltaBand(band=-1.0), "band"),
        (lambda: DeltaBand(rest=1.5), "rest"),
        (lambda: DeltaBand(most=0.0), "most"),
        (lambda: DeltaBand(slippage=1.0), "slippage"),
        (lambda: DeltaBand(reward=-1.0), "reward"),
        (lambda: exchange_for(OraclePool(), VirtualAmm(), hedging=DeltaBand(("m0",))), "could on m1"),
        (lambda: exchange_for(OraclePool(), VirtualAmm(), hedging=DeltaBand(("m7",))), "could on m1"),
        (lambda: exchange_for(VirtualAmm(), hedging=DeltaBand(("m0",))), "needs a vault"),
        (lambda: exchange_for(OraclePool(), markets=GATED, hedging=DeltaBand(("m1",))), "could on none"),
        (lambda: exchange_for(OraclePool(), VirtualAmm(), hedging=RULE, margin=Isolated()), "one position only"),
    ],
)
def test_a_senseless_hedge_cannot_be_built(make, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make()
