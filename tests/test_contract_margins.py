"""What every margin promises: more to open than to keep, and equity that sums to zero at any price."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from machine import COIN, PRICE, exchange_for, open_world, tell

from agents.glimpse import Glimpse
from experiments.codec import variants
from protocol import exchange
from protocol.errors import AccountIsolated, UnderMargined
from protocol.ledger import WORLD
from protocol.margins.base import Margin, Threshold
from protocol.margins.cross import Cross
from protocol.margins.volatility_scaled import VolatilityScaled
from protocol.oracles.base import Oracle
from protocol.oracles.ema import Ema
from protocol.oracles.spot import Spot
from protocol.state import State
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.virtual_amm import VirtualAmm

CASES = [pytest.param(kind, id=name) for name, kind in variants(Margin).items()]


def played(kind: type[Any]) -> tuple[State, list[int]]:
    """Positions in two markets, blocks, and a moving index."""
    state, traders = open_world(exchange_for(VirtualAmm(), OraclePool(), margin=kind()))
    for block in range(6):
        state.time += 60.0
        tell(state, PRICE * (1.0 + 0.01 * (-1) ** block))
        for number, trader in enumerate(traders):
            mark = state.mark()
            try:
                exchange.trade(state, state.listings[0][(block + number) % 2], trader, (2 * number - 3) * COIN + block)
            except AccountIsolated:
                state.rewind(mark)
        exchange.close_block(state)
    return state, traders


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("factor", [0.01, 0.5, 1.0, 3.0])
def test_opening_never_needs_less_than_keeping(kind: type[Any], factor: float) -> None:
    state, _ = played(kind)
    house = state.houses[0]
    tell(state, PRICE * factor)
    margin = state.exchange(house).margin
    worth, opening = margin.standings(state, house, Threshold.INITIAL)
    same, keeping = margin.standings(state, house, Threshold.MAINTENANCE)
    assert (opening >= keeping).all()
    assert (keeping >= 0).all()
    assert np.array_equal(worth, same)
    assert np.count_nonzero(keeping) >= 4


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("factor", [0.01, 0.5, 1.0, 3.0])
def test_equity_sums_to_zero_over_all_accounts_at_any_price(kind: type[Any], factor: float) -> None:
    state, _ = played(kind)
    tell(state, PRICE * factor)
    worth, _ = state.exchange(state.houses[0]).margin.standings(state, state.houses[0], Threshold.INITIAL)
    assert abs(worth.sum()) < 1e-6
    assert np.abs(worth).sum() > 1e6


@pytest.mark.parametrize("kind", CASES)
def test_one_account_stands_as_it_does_among_all(kind: type[Any]) -> None:
    state, traders = played(kind)
    house = state.houses[0]
    margin = state.exchange(house).margin
    for which in Threshold:
        worth, needs = margin.standings(state, house, which)
        for trader in traders:
            assert margin.standing(state, house, which, trader) == (worth[trader], needs[trader])


@pytest.mark.parametrize("kind", CASES)
def test_looking_changes_nothing(kind: type[Any]) -> None:
    state, _ = played(kind)
    before = state.digest(), state.mark()
    state.exchange(state.houses[0]).margin.standings(state, state.houses[0], Threshold.INITIAL)
    assert (state.digest(), state.mark()) == before


@pytest.mark.parametrize("kind", CASES)
def test_a_larger_position_never_needs_less(kind: type[Any]) -> None:
    state, (trader, *_) = open_world(exchange_for(OraclePool(), margin=kind()))
    house, listing = state.houses[0], state.listings[0][0]
    needs = [0.0]
    for _ in range(5):
        exchange.trade(state, listing, trader, 10 * COIN)
        needs.append(state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, trader)[1])
    assert (np.diff(needs) > 0).all()


@pytest.mark.parametrize("kind", CASES)
def test_nobody_opens_or_withdraws_below_the_initial_requirement(kind: type[Any]) -> None:
    state, (trader, *_) = open_world(exchange_for(OraclePool(), margin=kind()))
    house, listing = state.houses[0], state.listings[0][0]
    with pytest.raises(UnderMargined):
        exchange.trade(state, listing, trader, 10_000 * COIN)
    exchange.trade(state, listing, trader, 10 * COIN)
    with pytest.raises(UnderMargined):
        exchange.withdraw(state, house, trader, int(state.ledger.balance[house.cash, trader]))


def test_the_margin_inside_a_scaled_one_asks_what_it_would_ask_alone() -> None:
    states = [played(kind)[0] for kind in (VolatilityScaled, Cross)]
    scaled, alone = states
    (house,) = scaled.houses
    rule = scaled.exchange(house).margin
    accounts = np.flatnonzero(scaled.ledger.exchange < 0)[1:]
    tell(scaled, PRICE), tell(alone, PRICE)
    assert rule.factor(scaled, scaled.listings[0][0]) > 1.5  # type: ignore[attr-defined]
    for account in accounts.tolist():
        for which in Threshold:
            inside = rule.inner_standing(scaled, house, which, account)
            assert inside == alone.exchange(house).margin.standing(alone, house, which, account)
            worth, needs = rule.standing(scaled, house, which, account)
            assert inside is not None and inside[0] == worth
            assert needs > 1.5 * inside[1] > 0 or needs == inside[1] == 0
    assert any(rule.standing(scaled, house, Threshold.INITIAL, account)[1] > 0 for account in accounts.tolist())
    assert Cross().inner_standing(alone, house, Threshold.INITIAL, 1) is None


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("oracle", [Ema(), Spot()], ids=["steady", "live"])
def test_terms_that_are_remembered_are_those_of_now(kind: type[Any], oracle: Oracle) -> None:
    rules = exchange_for(VirtualAmm(), VirtualAmm(), margin=kind())
    rules = dataclasses.replace(rules, markets=tuple(dataclasses.replace(m, oracle=oracle) for m in rules.markets))
    state, traders = open_world(rules)
    house, margin = state.houses[0], state.exchange(state.houses[0]).margin
    for number, trader in enumerate(traders):
        exchange.trade(state, state.listings[0][0], trader, (2 * number - 3) * COIN)
        for which in Threshold:
            told = [np.copy(part) for part in margin.terms(state, house, which)]
            fresh = margin._terms(state, house, which)
            assert all(np.array_equal(mine, theirs) for mine, theirs in zip(told, fresh, strict=True))
        if number == 1:
            state.time += 60.0
            exchange.close_block(state)


def test_what_a_player_glimpses_leaves_what_is_remembered_as_it_was() -> None:
    state, _ = open_world(exchange_for(VirtualAmm()))
    house, listing = state.houses[0], state.listings[0][0]
    margin = state.exchange(house).margin
    told = margin.terms(state, house, Threshold.INITIAL)
    before = [np.copy(part) for part in told]
    dearer = Glimpse(state, {listing.funding_at: lambda table, viewer: table + 100.0}, WORLD)
    seen = margin.terms(dearer, house, Threshold.INITIAL)
    assert not np.array_equal(seen.weight, before[1])
    assert margin.terms(state, house, Threshold.INITIAL) is told
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(told, before, strict=True))
