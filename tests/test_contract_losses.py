"""What every step of a waterfall promises: no more than the deficit, from nobody more than they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import CASH, COIN, PRICE, exchange_for, open_world, tell

from experiments.codec import variants
from protocol import exchange
from protocol.ledger import WORLD
from protocol.losses.base import Loss, pro_rata
from protocol.margins.base import Threshold
from protocol.state import Listing, State
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool

CASES = [pytest.param(kind, id=name) for name, kind in variants(Loss).items()]
DEFICITS = [1, 999, 1_000 * CASH + 1, 10**9 * CASH]


def bankrupt(kind: type[Any], side: int = 1) -> tuple[State, Listing, list[int]]:
    """The first trader owes more than it has; others hold the same side, the other side, or cash."""
    rules = exchange_for(OraclePool(), losses=(kind(),), insurance=1_234.0, vault=Vault(liquidity=50_000.0))
    state, traders = open_world(rules, traders=7, stake=10_000)
    listing = state.listings[0][0]
    for trader, coins in zip(traders, (45, -20, -15, -5, 7, 0, 0), strict=True):
        if coins:
            exchange.trade(state, listing, trader, side * coins * COIN + (coins == 7))
    exchange.withdraw(state, state.houses[0], traders[6], 10_000 * CASH - 3)
    tell(state, PRICE * (1 - side * 0.2))
    return state, listing, traders


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("deficit", DEFICITS)
@pytest.mark.parametrize("side", [1, -1])
def test_charges_stay_within_the_deficit_and_within_what_each_has(kind: type[Any], deficit: int, side: int) -> None:
    state, _, traders = bankrupt(kind, side)
    house = state.houses[0]
    before = state.digest(), state.mark()
    charges = kind().charge(state, house, traders[0], deficit)
    worth, _ = state.exchange(house).margin.standings(state, house, Threshold.MAINTENANCE)
    assert (state.digest(), state.mark()) == before
    assert len(charges.account) == len(charges.units) == len(set(charges.account.tolist()))
    assert (charges.units >= 0).all()
    assert charges.units.sum() <= deficit
    assert (charges.units <= np.maximum(worth[charges.account], 0) * house.cash_scale + 1).all()
    assert not {traders[0], WORLD, house.custody, house.clearing} & set(charges.account.tolist())


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("deficit", DEFICITS)
def test_a_step_charges_no_more_than_the_capacity_it_states(kind: type[Any], deficit: int) -> None:
    state, _, traders = bankrupt(kind)
    house = state.houses[0]
    capacity = kind().capacity(state, house)
    assert capacity >= 0
    if capacity:
        assert kind().charge(state, house, traders[0], deficit).units.sum() == min(deficit, capacity)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("side", [1, -1])
def test_take_over_stays_within_the_position_of_the_debtor_and_of_each_target(kind: type[Any], side: int) -> None:
    state, listing, traders = bankrupt(kind, side)
    before = state.digest(), state.mark()
    targets = kind().take_over(state, listing, traders[0])
    held = state.ledger.balance[listing.size]
    assert (state.digest(), state.mark()) == before
    assert (targets.units >= 0).all()
    assert targets.units.sum() <= abs(held[traders[0]])
    assert (targets.units <= np.abs(held[targets.account])).all()
    assert (held[targets.account] * side < 0).all()
    assert set(targets.account.tolist()) <= set(traders)


@pytest.mark.parametrize("kind", CASES)
def test_a_step_pays_or_takes_over_something_when_it_can(kind: type[Any]) -> None:
    state, listing, traders = bankrupt(kind)
    charges = kind().charge(state, state.houses[0], traders[0], 100 * CASH)
    assert charges.units.sum() + kind().take_over(state, listing, traders[0]).units.sum() > 0


@given(
    st.integers(0, 10**15), st.lists(st.floats(0, 1e9), min_size=1, max_size=50).filter(lambda shares: sum(shares) > 0)
)
def test_pro_rata_splits_exactly_and_nobody_is_off_by_more_than_a_unit(total: int, shares: list[float]) -> None:
    units = pro_rata(total, np.array(shares))
    assert units.sum() == total
    assert (units >= 0).all()
    exact = total * (np.array(shares) / sum(shares))
    assert (np.abs(units - exact) <= 1 + 1e-9 * total).all()
