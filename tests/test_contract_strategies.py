"""What every strategy promises, whatever it holds: found by walking the family's package."""

from __future__ import annotations

import math

import pytest
from machine import CASH, PRICE, Witness, tell
from retail import DAY, at, only_mandate, settle_at, suited, world_with

from experiments.codec import variants
from protocol import exchange
from protocol.appraisal import account_total
from protocol.errors import InsufficientBalance, NothingToDo, Revert, SlippageExceeded, StalePrice
from protocol.exchange.fills import Fill
from protocol.hedging import exposure
from protocol.state import Mandate, State
from protocol.strategies.base import Strategy, held_units, share_value, shares_of

KINDS = [pytest.param(kind, id=name) for name, kind in variants(Strategy).items()]
STAKE = 40_000 * CASH


def joined(kind: type[Strategy], units: int = STAKE) -> tuple[State, Mandate, list[int], Witness]:
    """A strategy that somebody has bought into."""
    state, traders = world_with(suited(kind))
    mandate, witness = only_mandate(state), Witness(state)
    assert witness.does(exchange.join, traders[0], mandate, traders[0], units) > 0
    return state, mandate, traders, witness


def positions(state: State, mandate: Mandate) -> dict[str, int]:
    """What it holds, units by market."""
    legs = suited_legs(state, mandate)
    found = {m.name: held_units(state, mandate, m) for m in state.listings[0] if m.size >= 0 or m.name in legs}
    return {name: units for name, units in found.items() if units}


def suited_legs(state: State, mandate: Mandate) -> tuple[str, ...]:
    return state.exchange(mandate.house).strategies[mandate.index].legs()


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_leaves_no_trace_and_is_the_same_twice(kind: type[Strategy]) -> None:
    state, mandate, *_ = joined(kind)
    digest, rule = state.digest(), state.exchange(mandate.house).strategies[0]
    assert rule.plan(state, mandate) == rule.plan(state, mandate)
    assert rule.plan(state, mandate).orders
    assert state.digest() == digest


@pytest.mark.parametrize("kind", KINDS)
def test_carried_out_a_plan_is_rewarded_and_then_there_is_nothing_to_do(kind: type[Strategy]) -> None:
    state, mandate, (_, poker, *_), witness = joined(kind)
    cash = int(state.ledger.balance[mandate.house.cash, poker])
    fills = witness.does(exchange.rebalance, poker, mandate, poker)
    assert fills and all(isinstance(fill, Fill) and fill.account == mandate.account for fill in fills)
    assert state.ledger.balance[mandate.house.cash, poker] - cash == CASH
    assert positions(state, mandate)
    assert isinstance(witness.does(exchange.rebalance, poker, mandate, poker), NothingToDo)


@pytest.mark.parametrize("kind", KINDS)
def test_with_no_shares_there_is_nothing_to_do(kind: type[Strategy]) -> None:
    state, traders = world_with(suited(kind))
    with pytest.raises(NothingToDo):
        exchange.rebalance(state, only_mandate(state), traders[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.25, 1.0])
def test_who_leaves_takes_his_part_of_every_position_and_bears_what_it_costs(kind: type[Strategy], part: float) -> None:
    state, mandate, (saver, poker, other, *_), witness = joined(kind)
    witness.does(exchange.join, other, mandate, other, STAKE)
    exchange.rebalance(state, mandate, poker)
    before, price = positions(state, mandate), share_value(state, mandate)
    shares = int(int(state.ledger.balance[mandate.share, saver]) * part)
    kept = 1.0 - shares / shares_of(state, mandate)
    units = witness.does(exchange.leave, saver, mandate, saver, shares)
    assert 0 < units < shares * price
    assert share_value(state, mandate) >= price
    for name, held in positions(state, mandate).items():
        assert held == pytest.approx(before[name] * kept, abs=1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_gains_by_joining_and_leaving_at_once(kind: type[Strategy]) -> None:
    state, mandate, (_, poker, guest, *_), witness = joined(kind)
    exchange.rebalance(state, mandate, poker)
    shares = witness.does(exchange.join, guest, mandate, guest, STAKE)
    assert witness.does(exchange.leave, guest, mandate, guest, shares) < STAKE


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_to_leave_empties_it_but_for_the_exit_fee(kind: type[Strategy]) -> None:
    state, mandate, (saver, poker, *_), witness = joined(kind)
    exchange.rebalance(state, mandate, poker)
    shares = int(state.ledger.balance[mandate.share, saver])
    units = witness.does(exchange.leave, saver, mandate, saver, shares)
    assert positions(state, mandate) == {} and shares_of(state, mandate) == 0
    assert account_total(state, mandate.house, mandate.account) == pytest.approx(0.001 * units, rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_an_epoch_ends_with_its_options_and_the_next_plan_begins_another(kind: type[Strategy]) -> None:
    state, mandate, (_, poker, *_), witness = joined(kind)
    exchange.rebalance(state, mandate, poker)
    rule, first = state.exchange(mandate.house).strategies[0], state.tables[mandate.path]
    assert first.number == 1 and first.ends == (DAY if rule.rights() else math.inf)
    settle_at(state, 0.8 * PRICE, DAY)
    fills = witness.does(exchange.rebalance, poker, mandate, poker)
    if rule.rights():
        assert state.tables[mandate.path].number == 2
        assert state.tables[mandate.path].ends == 2 * DAY
        assert any(fill.listing.name.endswith("-2") for fill in fills)


@pytest.mark.parametrize("kind", KINDS)
def test_who_comes_in_mid_epoch_buys_the_same_as_everybody_holds(kind: type[Strategy]) -> None:
    state, mandate, (_, poker, other, *_), witness = joined(kind)
    exchange.rebalance(state, mandate, poker)
    before, shares = positions(state, mandate), shares_of(state, mandate)
    witness.does(exchange.join, other, mandate, other, STAKE)
    witness.does(exchange.rebalance, poker, mandate, poker)
    grown = shares_of(state, mandate) / shares
    assert {name: held / before[name] for name, held in positions(state, mandate).items()} == pytest.approx(
        dict.fromkeys(before, grown), rel=1e-3
    )


@pytest.mark.parametrize("kind", KINDS)
def test_senseless_comings_and_goings_are_refused_by_name(kind: type[Strategy]) -> None:
    state, mandate, (saver, poker, other, *_), witness = joined(kind)
    exchange.rebalance(state, mandate, poker)
    shares = int(state.ledger.balance[mandate.share, saver])
    refused: list[tuple[type[Revert], object]] = [
        (NothingToDo, witness.does(exchange.join, other, mandate, other, 0)),
        (InsufficientBalance, witness.does(exchange.join, other, mandate, other, 10**9 * CASH)),
        (NothingToDo, witness.does(exchange.leave, saver, mandate, saver, 0)),
        (InsufficientBalance, witness.does(exchange.leave, saver, mandate, saver, shares + 1)),
        (InsufficientBalance, witness.does(exchange.leave, other, mandate, other, 1)),
        (SlippageExceeded, witness.does(exchange.leave, saver, mandate, saver, shares, STAKE)),
    ]
    state.time += 1e7
    refused.append((StalePrice, witness.does(exchange.join, other, mandate, other, CASH)))
    refused.append((StalePrice, witness.does(exchange.leave, saver, mandate, saver, shares)))
    refused.append((StalePrice, witness.does(exchange.rebalance, poker, mandate, poker)))
    assert [type(found) for _, found in refused] == [reason for reason, _ in refused]


@pytest.mark.parametrize("kind", KINDS)
def test_its_account_is_margined_and_liquidated_as_any_trader_is(kind: type[Strategy]) -> None:
    state, mandate, (_, poker, *_), _ = joined(kind)
    assert state.ledger.exchange[mandate.account] == -1
    exchange.rebalance(state, mandate, poker)
    worth, needs = state.exchange(mandate.house).margin.standing(state, mandate.house, 0, mandate.account)
    assert worth > needs > 0


@pytest.mark.parametrize("kind", KINDS)
def test_in_delta_it_stands_between_nothing_and_the_asset(kind: type[Strategy]) -> None:
    state, mandate, (_, poker, *_), _ = joined(kind)
    exchange.rebalance(state, mandate, poker)
    tell(state, PRICE, at(state, "PERP"))
    base = at(state, "PERP").base
    coins = exposure(state, mandate.house, mandate.account, base)
    spot = next((m for m in state.listings[0] if m.size < 0 and m.name in suited_legs(state, mandate)), None)
    coins += held_units(state, mandate, spot) / spot.size_scale if spot else 0.0
    assert -1e-6 <= coins <= STAKE / CASH / PRICE
