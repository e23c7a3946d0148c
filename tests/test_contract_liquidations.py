"""What every liquidation promises: the healthy are left alone, nobody ends with more than they had, and all of it ends.

Rules that take time (auctions, grace) are given it: a keeper does whatever the rule lets it do, until there is a plan.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, open_world, tell

from experiments.codec import variants
from protocol import exchange
from protocol.errors import Healthy, Revert
from protocol.liquidations.base import Liquidation, Plan, below_maintenance
from protocol.liquidations.cases import cases
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.oracles.base import read_index
from protocol.state import House, Listing, State
from protocol.venues.base import Venue
from protocol.venues.impact_pool import ImpactPool
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.synth_pool import SynthPool
from protocol.venues.virtual_amm import VirtualAmm

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


def attempt(witness: Witness, listing: Listing, keeper: int, account: int) -> exchange.Liquidated | None:
    """One keeper's round: close what may be closed at the index or better; else bid, put up, warn, or start anew."""
    state, index = witness.state, read_index(witness.state, listing).value
    ways = (
        lambda: witness.does(exchange.liquidate, keeper, listing, keeper, account),
        lambda: witness.does(exchange.take, keeper, listing, keeper, account, 10**15, index),
        lambda: witness.does(exchange.deal, keeper, listing, keeper, account),
        lambda: (
            witness.does(exchange.bid, keeper, listing, keeper, account, index) if unbidden(state, listing) else None
        ),
        lambda: witness.does(exchange.redo, keeper, listing, keeper, account),
        lambda: witness.does(exchange.bark, keeper, listing, keeper, account),
    )
    for way in ways:
        done = way()
        if isinstance(done, exchange.Liquidated):
            return done
        if done is not None and not isinstance(done, Revert):
            return None
    return None


def unbidden(state: State, listing: Listing) -> bool:
    return all(case.bidder < 0 for case in cases(state, listing).values())


def pass_time(state: State, seconds: float) -> None:
    """Time goes on at the same index."""
    price = read_index(state, state.listings[0][0]).value
    state.time += seconds
    tell(state, price)


def until_planned(state: State, listing: Listing, keeper: int, account: int) -> Plan:
    """The first plan there is for the account, once the rule has been told and has had its time."""
    rule = state.exchange(state.houses[0]).liquidation
    witness = Witness(state)
    for _ in range(400):
        plan = rule.plan(state, listing, account)
        if plan is not None:
            return plan
        assert attempt(witness, listing, keeper, account) is None
        pass_time(state, 30.0)
    raise AssertionError("no plan ever")


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
    until_planned(state, listing, traders[2], traders[0])
    before = state.digest(), state.mark()
    plan = state.exchange(state.houses[0]).liquidation.plan(state, listing, traders[0])
    assert (state.digest(), state.mark()) == before
    assert plan is not None
    ways = state.exchange(state.houses[0]).liquidation.ways(state, listing, traders[0])
    assert plan in ways or (not ways and cases(state, listing)[traders[0]].locked)
    assert (plan.account, plan.listing) == (traders[0], listing)
    assert 0 < -side * plan.size <= 45 * COIN
    assert 0 <= plan.reward < 1
    assert 0 <= plan.penalty < 1


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("move", [0.07, 0.09, 0.12, 0.5])
def test_whoever_is_below_need_only_wait_where_the_rule_says_so(kind: type[Any], side: int, move: float) -> None:
    state, listing, traders = leveraged(kind, side)
    tell(state, PRICE * (1 - side * move))
    rule = state.exchange(state.houses[0]).liquidation
    assert below_maintenance(state, listing, traders[0]) is not None
    assert rule.waits or rule.ways(state, listing, traders[0])


def total(state: State, house: House, account: int) -> float:
    """Cash coins an account is worth, with what its bids have locked."""
    bids = sum(
        case.held for listing in state.listings[0] for case in cases(state, listing).values() if case.bidder == account
    )
    return state.exchange(house).margin.standing(state, house, 1, account)[0] + bids / CASH


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
    was = total(state, house, keeper)
    until_planned(state, listing, keeper, traders[0])
    done = None
    while done is None:  # an auction may have a price before it has one that a keeper would pay
        done = attempt(Witness(state), listing, keeper, traders[0])
        if done is None:
            pass_time(state, 30.0)
    assert done.account == traders[0]

    left = int(state.ledger.balance[listing.size, traders[0]])
    assert left == side * 45 * COIN + done.size
    assert 0 <= side * left < 45 * COIN
    shared = sum(paid for name, paid in done.covered if name == "Socialise")
    now = total(state, house, keeper)
    assert now >= was - shared / CASH - 1e-5
    if left == 0:
        uncovered = done.deficit - sum(paid for _, paid in done.covered)
        assert state.ledger.balance[house.cash, traders[0]] == -uncovered or uncovered == 0


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("move", [0.07, 0.12, 0.5])
def test_keepers_bring_whoever_is_below_back_to_maintenance_or_out_and_what_is_short_down_the_waterfall(
    kind: type[Any], side: int, move: float
) -> None:
    state, listing, traders = leveraged(kind, side, (Insurance(), Socialise()))
    house, keeper, debtor = state.houses[0], traders[2], traders[0]
    tell(state, PRICE * (1 - side * move))
    witness, done = Witness(state), []
    for _ in range(400):
        closed = attempt(witness, listing, keeper, debtor)
        if closed is not None:
            done.append(closed)
        elif below_maintenance(state, listing, debtor) is None and not cases(state, listing):
            break
        pass_time(state, 30.0)
    held, cash = (int(state.ledger.balance[row, debtor]) for row in (listing.size, house.cash))
    worth, needs = state.exchange(house).margin.standing(state, house, 1, debtor)
    assert worth >= needs if held else cash >= 0
    assert done
    assert sum(paid for one in done for _, paid in one.covered) == sum(one.deficit for one in done)
    assert move < 0.5 or sum(one.deficit for one in done) > 30_000 * CASH
    assert house.escrow < 0 or state.ledger.balance[house.cash, house.escrow] == 0
    timed = any(witness.reached.get(verb) for verb in ("bark", "take", "deal"))
    assert timed == all(one.rounds > 0 and one.opened <= one.started for one in done)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("losses", [(Insurance(), Socialise()), (Deleverage(),)], ids=["cash", "positions"])
@pytest.mark.parametrize("move", [0.09, 0.5])
def test_what_is_foreseen_is_what_the_keeper_gets(kind: type[Any], losses: Any, move: float) -> None:
    state, listing, traders = leveraged(kind, 1, losses)
    tell(state, PRICE * (1 - move))
    until_planned(state, listing, traders[2], traders[0])
    for way, plan in enumerate(state.exchange(state.houses[0]).liquidation.ways(state, listing, traders[0])):
        mark = state.mark()
        told = exchange.foreseen(state, plan)
        assert state.mark() == mark
        assert math.isnan(told) == (not math.isnan(plan.price) or losses == (Deleverage(),))
        if not math.isnan(told):
            assert exchange.liquidate(state, listing, traders[2], traders[0], way).reward == told > 0
            state.rewind(mark)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("late", [False, True], ids=["fresh", "stale"])
def test_what_is_told_of_many_positions_is_what_is_told_of_each(kind: type[Any], late: bool) -> None:
    state, listing, traders = leveraged(kind, 1)
    tell(state, PRICE * 0.88)
    until_planned(state, listing, traders[2], traders[0])
    state.time += 1e6 if late else 0.0

    def alone(account: int) -> list[float]:
        try:
            return [exchange.foreseen(state, plan) for plan in exchange.ways(state, listing, account)]
        except Revert:
            return []

    accounts = [*traders, listing.desk]
    told = exchange.prospects(state, [(listing, account) for account in accounts])
    assert repr(told) == repr([alone(account) for account in accounts])
    assert any(told) == (
        not late and bool(state.exchange(state.houses[0]).liquidation.ways(state, listing, traders[0]))
    )


@pytest.mark.parametrize("venue", [VirtualAmm(), OraclePool(), ImpactPool(), SynthPool()], ids=repr)
def test_what_is_foreseen_on_a_venue_is_what_it_asks(venue: Venue) -> None:
    state, traders = open_world(exchange_for(venue), stake=10_000)
    listing, (debtor, other, keeper, _) = state.listings[0][0], traders
    exchange.trade(state, listing, debtor, 40 * COIN)
    exchange.trade(state, listing, other, -10 * COIN)
    tell(state, PRICE * 0.85)
    (plan,) = exchange.ways(state, listing, debtor)
    told = exchange.foreseen(state, plan)
    assert exchange.liquidate(state, listing, keeper, debtor).reward == told > 0
    with pytest.raises(Healthy):
        exchange.ways(state, listing, debtor)
