"""Hedging by options: gamma and vega go back into their bands, delta after them, and a vault carries no more than it may."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from machine import COIN, PRICE, Told, Witness, exchange_for, open_world, tell

from experiments.overrides import vary
from experiments.run import build, release, run
from experiments.scenario import Scenario, find
from experiments.twins import without
from protocol import exchange
from protocol.clearing import Batch
from protocol.errors import NothingToDo, VaultUtilised
from protocol.funding.unfunded import Unfunded
from protocol.hedging import GammaBand, OptionBand, VegaBand, exposure
from protocol.instruments.option import Option
from protocol.oracles.base import read_mark
from protocol.state import House, State
from protocol.surface import Surface
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market

DAY = 86_400.0
PERP, SOLD, BOOK = range(3)
GAMMA = GammaBand(("BOOK", "PERP"), 0.1, 1.0, band=1.0, rest=0.0, width=0.5, premium_slippage=0.2)
VEGA = VegaBand(("BOOK", "PERP"), 0.1, 1.0, band=1.0, rest=0.0, width=10.0, premium_slippage=0.2)


def sold(rule: OptionBand, depth: int = 160) -> tuple[State, House, list[int]]:
    """A vault that has sold 30 calls of two days, a book of calls of four days with `depth` coins on it, and a perpetual."""
    short, long = (Option(strike=PRICE, expiry=days * DAY) for days in (2, 4))
    markets = (
        Market(name="PERP", oracle=Told(max_age=1e9), venue=VirtualAmm(liquidity=5e7), funding=Unfunded()),
        Market(name="SOLD", instrument=short, venue=OraclePool(), funding=Unfunded(), index="PERP"),
        Market(name="BOOK", instrument=long, venue=OrderBook(), funding=Unfunded(), index="PERP"),
    )
    rules = Exchange(markets=markets, vault=Vault(), surfaces=(Surface(),), hedging=rule)
    state, traders = open_world(rules)
    house, book = state.houses[0], state.listings[0][BOOK]
    mark = read_mark(state, book).value
    for step in range(8):
        for side in (1, -1):
            exchange.post(state, book, traders[2], side * depth // 8 * COIN, mark * (1 - side * (0.02 + 0.01 * step)))
    exchange.trade(state, state.listings[0][SOLD], traders[0], 30 * COIN)
    return state, house, traders


def base(state: State) -> int:
    return state.listings[0][0].base


@pytest.mark.parametrize("rule", [GAMMA, VEGA], ids=["gamma", "vega"])
def test_options_bring_back_the_second_sensitivity_and_the_perpetual_the_first(rule: OptionBand) -> None:
    state, house, (_, poker, *_) = sold(rule)
    assert rule.held(state, house, base(state)) < -rule.width
    fees = int(state.ledger.balance[house.cash, house.treasury])
    total = exchange.vault_total(state, house)
    fills = Witness(state).does(exchange.hedge, poker, house, poker)
    assert [fill.listing.name for fill in fills] == ["BOOK", "PERP"]
    assert abs(rule.held(state, house, base(state))) <= rule.width
    assert abs(exposure(state, house, house.vault, base(state))) <= rule.band
    assert state.ledger.balance[house.cash, house.treasury] > fees
    assert exchange.vault_total(state, house) < total
    with pytest.raises(NothingToDo):
        exchange.hedge(state, house, poker)


def test_hedged_in_gamma_a_vault_loses_less_to_a_jump_than_hedged_in_delta() -> None:
    """A short option's loss beyond delta is gamma times the square of the move, half of it."""
    lost = []
    for width in (0.5, 1e6):
        state, house, (_, poker, *_) = sold(dataclasses.replace(GAMMA, width=width))
        exchange.hedge(state, house, poker)
        before = exchange.vault_total(state, house)
        tell(state, PRICE * 1.03, state.listings[0][PERP])
        lost.append(before - exchange.vault_total(state, house))
    assert lost[1] > 0
    assert abs(lost[0]) < 0.25 * lost[1]


def test_of_a_thin_book_it_takes_what_is_there_and_hedges_the_delta_of_the_rest() -> None:
    state, house, (_, poker, *_) = sold(GAMMA, depth=16)
    fills = exchange.hedge(state, house, poker)
    assert fills[0].listing.name == "BOOK" and 0 < fills[0].size <= 16 * COIN
    assert GAMMA.held(state, house, base(state)) < -GAMMA.width
    assert abs(exposure(state, house, house.vault, base(state))) <= GAMMA.band


@pytest.mark.parametrize("changes", [{"width": -1.0}, {"premium_slippage": 1.0}, {"lots": 0.0}])
def test_bands_that_are_none_are_refused_by_name(changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(GammaBand(), **changes)


# ---------------------------------------------------------------------- what a vault may carry


def utilised(utilisation: float) -> tuple[State, list[int]]:
    vault = Vault(liquidity=100_000.0, utilisation=utilisation)
    return open_world(exchange_for(OraclePool(spread=0.0), OraclePool(spread=0.0), vault=vault))


def test_beyond_its_utilisation_a_vault_takes_no_more_and_lets_everybody_leave() -> None:
    """100,000 coins of equity, twice that: 100 base coins at 2,000."""
    state, (one, other, *_) = utilised(2.0)
    first, second = state.listings[0]
    exchange.trade(state, first, one, 60 * COIN)
    exchange.trade(state, second, other, -35 * COIN)  # another market's exposure is no relief
    for listing, size in ((first, 10), (second, -10)):
        with pytest.raises(VaultUtilised):
            exchange.trade(state, listing, one, size * COIN)
    exchange.trade(state, first, other, -40 * COIN)  # takes the other side off the vault
    exchange.trade(state, first, one, 10 * COIN)
    exchange.trade(state, first, other, 40 * COIN)  # leaving is free, though it opens the vault again
    exchange.trade(state, first, one, -70 * COIN)


def test_the_equity_of_now_counts_not_that_of_the_start() -> None:
    state, (one, investor, *_) = utilised(1.0)
    first = state.listings[0][0]
    with pytest.raises(VaultUtilised):
        exchange.trade(state, first, one, 60 * COIN)
    exchange.invest(state, state.houses[0], investor, 100_000 * 10**6)
    exchange.trade(state, first, one, 60 * COIN)


def test_a_batch_is_filled_up_to_the_bound_and_refused_by_code_beyond() -> None:
    state, (one, other, *_) = utilised(1.0)
    batch = Batch(np.array([one, other]), np.array([40, 20]) * COIN, np.full(2, np.nan))
    assert exchange.fill(state, state.listings[0][0], batch).code.tolist() == [0, VaultUtilised.code]


def test_a_utilisation_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="utilisation = 0"):
        Vault(utilisation=0.0)


# ---------------------------------------------------------------------- in a scenario


def watched(scenario: Scenario) -> Any:
    """[block] time, delta and gamma of the vault, absolute."""
    game = build(scenario)
    house, asset, found = game.state.houses[0], base(game.state), []
    rule = game.state.exchange(house).hedging
    assert isinstance(rule, OptionBand)
    while game.state.time < scenario.duration:
        game.step()
        open_ = exposure(game.state, house, house.vault, asset)
        found.append((game.state.time, abs(open_), abs(rule.held(game.state, house, asset))))
    release(game)
    return np.array(found)


def test_a_vault_that_sells_options_buys_others_to_be_rid_of_its_gamma_and_pays_for_it() -> None:
    scenario = dataclasses.replace(find("gamma-vault"), duration=600.0)
    hedged, bare = watched(scenario), watched(without(scenario, "hedger"))
    late = hedged[:, 0] > 300.0
    assert np.median(hedged[late, 1]) <= 10.0 < 50.0 < np.median(bare[late, 1])
    assert np.median(hedged[late, 2]) <= 5.0 < 30.0 < np.median(bare[late, 2])
    flows = run(scenario).flows
    paid = flows.loc[flows["source"] == "vault"].groupby(["reason", "target"])["cash"].sum()
    assert paid["hedging", "hedger"] >= 20.0
    assert paid["fee", "treasury"] > 100.0


def test_a_bound_on_utilisation_turns_orders_away() -> None:
    scenario = dataclasses.replace(find("gamma-vault"), duration=600.0)
    turned = [
        float(run(vary(scenario, "exchange.vault.utilisation", bound)).blocks["dex.ETH-2000-C.rejected"].sum())
        for bound in (0.5, 1e12)
    ]
    assert turned[0] > turned[1]


def test_the_same_vault_may_hedge_its_vega_instead() -> None:
    scenario = dataclasses.replace(find("gamma-vault"), duration=600.0)
    (rules,) = scenario.world.exchanges
    assert isinstance(rules.hedging, GammaBand)
    vega = VegaBand(rules.hedging.markets, 0.02, 1.0, band=10.0, most=40.0, width=2.0)
    world = dataclasses.replace(scenario.world, exchanges=(dataclasses.replace(rules, hedging=vega),))
    scenario = dataclasses.replace(scenario, world=world)
    hedged, bare = watched(scenario), watched(without(scenario, "hedger"))
    late = hedged[:, 0] > 300.0
    assert np.median(hedged[late, 2]) <= 2.0 < 6.0 < np.median(bare[late, 2])
