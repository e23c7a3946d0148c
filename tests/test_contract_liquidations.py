"""What every liquidation promises: the healthy are left alone, and nobody ends with more than they had."""

from __future__ import annotations

from typing import Any

import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, open_world, tell

from experiments.codec import variants
from protocol import exchange
from protocol.errors import Healthy
from protocol.liquidations.base import Liquidation
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.state import Listing, State
from protocol.venues.oracle_pool import OraclePool

CASES = [pytest.param(kind, id=name) for name, kind in variants(Liquidation).items()]
WATERFALLS = [(), (Insurance(), Socialise()), (Deleverage(),)]


def leveraged(kind: type[Any], side: int, losses: Any = ()) -> tuple[State, Listing, list[int]]:
    """The first trader holds all it may; the second the other side; the others only cash."""
    rules = exchange_for(OraclePool(), liquidation=kind(), losses=losses, insurance=100.0)
    state, traders = open_world(rules, stake=10_000)
    listing = state.listings[0][0]
    exchange.trade(state, listing, traders[0], side * 45 * COIN)
    exchange.deposit(state, state.houses[0], traders[1], 100_000 * CASH)
    exchange.trade(state, listing, traders[1], -side * 45 * COIN)
    exchange.deposit(state, state.houses[0], traders[2], 500_000 * CASH)
    return state, listing, traders


@pytest.mark.parametrize("kind", CASES)
def test_there_is_no_plan_for_the_healthy_the_flat_and_the_protocol(kind: type[Any]) -> None:
    state, listing, traders = leveraged(kind, 1)
    rule = state.exchange(state.houses[0]).liquidation
    assert [rule.plan(state, listing, account) for account in traders] == [None] * 4
    tell(state, PRICE * 0.5)
    assert rule.plan(state, listing, traders[2]) is None
    assert [rule.plan(state, listing, account) for account in range(traders[0])] == [None] * traders[0]
    for account in (listing.desk, traders[2]):
        with pytest.raises(Healthy):
            exchange.liquidate(state, listing, traders[2], account)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("move", [0.07, 0.09, 0.12, 0.5])
def test_a_plan_is_a_view_that_closes_no_more_than_there_is(kind: type[Any], side: int, move: float) -> None:
    state, listing, traders = leveraged(kind, side)
    tell(state, PRICE * (1 - side * move))
    before = state.digest(), state.mark()
    plan = state.exchange(state.houses[0]).liquidation.plan(state, listing, traders[0])
    assert (state.digest(), state.mark()) == before
    assert plan is not None
    assert (plan.account, plan.listing) == (traders[0], listing)
    assert 0 < -side * plan.size <= 45 * COIN
    assert 0 <= plan.reward < 1
    assert 0 <= plan.penalty < 1


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("losses", WATERFALLS, ids=lambda losses: "+".join(type(x).__name__ for x in losses) or "none")
@pytest.mark.parametrize("move", [0.07, 0.09, 0.12, 0.5])
def test_liquidation_shrinks_the_position_and_lets_the_keeper_lose_nothing(
    kind: type[Any], side: int, losses: Any, move: float
) -> None:
    state, listing, traders = leveraged(kind, side, losses)
    house, keeper = state.houses[0], traders[2]
    tell(state, PRICE * (1 - side * move))
    plan = state.exchange(house).liquidation.plan(state, listing, traders[0])
    assert plan is not None
    was = state.exchange(house).margin.standing(state, house, 1, keeper)[0]
    done = Witness(state).does(exchange.liquidate, keeper, listing, keeper, traders[0])
    assert isinstance(done, exchange.Liquidated)

    left = int(state.ledger.balance[listing.size, traders[0]])
    assert left == side * 45 * COIN + plan.size
    assert 0 <= side * left < 45 * COIN
    shared = sum(paid for name, paid in done.covered if name == "Socialise")
    now = state.exchange(house).margin.standing(state, house, 1, keeper)[0]
    assert now >= was - shared / CASH - 1e-5
    if left == 0:
        uncovered = done.deficit - sum(paid for _, paid in done.covered)
        assert state.ledger.balance[house.cash, traders[0]] == -uncovered or uncovered == 0
