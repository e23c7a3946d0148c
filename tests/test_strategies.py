"""Retail strategies do what their names promise, in a small world to the coin, and in a bundled scenario at fees and depth."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, market_for, tell
from retail import DAY, at, only_mandate, options, settle_at, suited, world_with

from experiments.overrides import vary
from experiments.record import Record
from experiments.run import build, release, run
from experiments.scenario import find
from experiments.twins import without
from protocol import exchange
from protocol.appraisal import Collateral, account_total
from protocol.errors import DepthExceeded, NothingToDo, SenselessChange
from protocol.funding.skew import Skew
from protocol.governance import Governance, changed
from protocol.hedging import slope
from protocol.margins.isolated import Isolated
from protocol.state import Mandate, State
from protocol.strategies.base import Strategy, held_units, holding, share_value
from protocol.strategies.collar import Collar
from protocol.strategies.covered_call import CoveredCall
from protocol.strategies.delta_neutral import DeltaNeutral
from protocol.strategies.protective_put import ProtectivePut
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook

STAKE = 40_000.0
FREE = {"fee": 0.0, "reward": 0.0, "usage": 1.0, "slippage": 0.05}
ENDS = (1_700.0, 1_900.0, 1_960.0, 2_000.0, 2_040.0, 2_060.0, 2_300.0)
ALMOST = 0.003  # what a spread, and sizing by the mark before the trade, may take of a share


def opened(kind: type[Strategy], **changes: Any) -> tuple[State, Mandate, list[int]]:
    """40,000 coins in a strategy without fees, its plan carried out."""
    state, traders = world_with(suited(kind, **(FREE | changes)))
    mandate = only_mandate(state)
    exchange.join(state, mandate, traders[0], int(STAKE * CASH))
    exchange.rebalance(state, mandate, traders[1])
    return state, mandate, traders


def outcomes(kind: type[Strategy]) -> list[float]:
    """What a share has returned when the options of the first day settle at each of `ENDS`."""
    found = []
    for price in ENDS:
        state, mandate, _ = opened(kind)
        settle_at(state, price, DAY)
        found.append(account_total(state, mandate.house, mandate.account) / CASH / STAKE - 1.0)
    return found


HOLDING = [price / PRICE - 1.0 for price in ENDS]


def test_a_covered_call_earns_the_premium_and_gives_up_what_lies_beyond_the_strike() -> None:
    found = outcomes(CoveredCall)
    premium = found[ENDS.index(PRICE)]
    assert premium > 0.005
    expected = [min(price, 2_040.0) / PRICE - 1.0 + premium for price in ENDS]
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_protective_put_pays_the_premium_and_loses_no_more_below_the_strike() -> None:
    found = outcomes(ProtectivePut)
    premium = -found[ENDS.index(PRICE)]
    assert premium > 0.005
    coins = 1.0 - premium  # which is all that it had left to buy them with
    expected = [coins * (max(price, 1_960.0) / PRICE - 1.0) - premium for price in ENDS]
    assert found == pytest.approx(expected, abs=ALMOST)
    assert found[0] == pytest.approx(found[2], abs=1e-9) and found[0] > HOLDING[0]


def test_a_collar_ends_loss_and_gain_and_costs_less_than_the_put_alone() -> None:
    found = outcomes(Collar)
    assert found[0] == pytest.approx(found[2], abs=1e-9)
    assert found[-1] == pytest.approx(found[-2], abs=1e-9) == pytest.approx(found[4], abs=1e-9)
    assert HOLDING[0] < found[0] < found[3] < found[-1] < HOLDING[-1]
    put = outcomes(ProtectivePut)[ENDS.index(PRICE)]
    assert put < found[ENDS.index(PRICE)]


def test_delta_neutral_earns_what_the_long_pay_whatever_the_price_does() -> None:
    """Funding of 1 % a day at the skew there is, on 0.7 of equity: what either leg gains by the price, the other loses."""
    for price in (0.8 * PRICE, PRICE, 1.25 * PRICE):
        state, traders = world_with(suited(DeltaNeutral, **(FREE | {"usage": 0.7})), markets=paying(0.01))
        mandate, perp = only_mandate(state), at(state, "PERP")
        exchange.trade(state, perp, traders[2], 30 * COIN)
        exchange.join(state, mandate, traders[0], int(STAKE * CASH))
        exchange.rebalance(state, mandate, traders[1])
        before = share_value(state, mandate)
        exchange.close_block(state)
        state.time += 0.5 * DAY
        exchange.close_block(state)
        earned = share_value(state, mandate) / before - 1.0
        assert earned == pytest.approx(0.7 * 0.01 * 0.5, rel=0.01)
        spot(state, price)
        assert share_value(state, mandate) / before - 1.0 == pytest.approx(earned, abs=1e-6)


def paying(daily: float) -> tuple[Any, ...]:
    """A perpetual whose long side pays `daily`, however small its skew, and a pool of the token."""
    perp = dataclasses.replace(
        market_for(OraclePool(spread=0.0), name="PERP", fee=0.0), funding=Skew(skew_scale=1e-6, cap=daily)
    )
    return (perp, *(market for market in world_markets() if market.name == "SPOT"))


def world_markets() -> tuple[Any, ...]:
    state, _ = world_with(suited(DeltaNeutral))
    return state.exchange(state.houses[0]).markets


def spot(state: State, price: float) -> None:
    tell(state, price, at(state, "PERP"))


def delta_of(state: State, mandate: Mandate) -> float:
    """Base coins that all it holds behaves like."""
    listings = [m for m in state.listings[0] if m.size >= 0 or held_units(state, mandate, m)]
    return sum(holding(state, mandate, m) * slope(state, m) for m in listings if held_units(state, mandate, m))


def test_of_all_of_them_only_delta_neutral_does_not_follow_the_price() -> None:
    found = {}
    for kind in (CoveredCall, ProtectivePut, Collar, DeltaNeutral):
        state, mandate, _ = opened(kind, usage=0.7)
        found[kind] = delta_of(state, mandate) / (0.7 * STAKE / PRICE)
    assert found[DeltaNeutral] == pytest.approx(0.0, abs=1e-6)
    assert 0.0 < found[Collar] < min(found[CoveredCall], found[ProtectivePut]) < 1.0


def test_delta_neutral_is_sized_anew_where_the_price_has_drifted() -> None:
    state, mandate, (_, poker, *_) = opened(DeltaNeutral, usage=0.7)
    spot(state, 1.09 * PRICE)
    with pytest.raises(NothingToDo):
        exchange.rebalance(state, mandate, poker)
    spot(state, 1.15 * PRICE)
    before = holding(state, mandate, at(state, "SPOT"))
    rule = state.exchange(mandate.house).strategies[0]
    assert rule.plan(state, mandate).epoch.number == 2
    assert rule.plan(state, mandate).epoch.per_share < state.tables[mandate.path].per_share
    assert before > 0


# ---------------------------------------------------------------------- where there is nobody to trade with


def on_books(kind: type[Strategy], **changes: Any) -> tuple[State, Mandate, list[int]]:
    """A strategy whose options trade on books, which are empty."""
    changes = {"reward": 0.0} | changes
    markets = (*(m for m in world_markets() if m.name in ("PERP", "SPOT")), *options(OrderBook()))
    state, traders = world_with(suited(kind, **changes), markets=markets)
    mandate = only_mandate(state)
    exchange.join(state, mandate, traders[0], int(STAKE * CASH))
    return state, mandate, traders


def test_a_covered_call_without_buyers_holds_the_asset_and_a_put_strategy_without_sellers_nothing() -> None:
    state, mandate, (_, poker, *_) = on_books(CoveredCall)
    exchange.rebalance(state, mandate, poker)
    assert holding(state, mandate, at(state, "PERP")) == pytest.approx(0.95 * STAKE / PRICE, rel=0.002)
    assert holding(state, mandate, at(state, "call-2040-1")) == 0.0
    for kind in (ProtectivePut, Collar):
        state, mandate, (_, poker, *_) = on_books(kind)
        with pytest.raises(NothingToDo):
            exchange.rebalance(state, mandate, poker)


def test_of_a_thin_book_it_takes_what_is_there_and_holds_no_more_than_that_protects() -> None:
    state, mandate, (_, poker, maker, *_) = on_books(ProtectivePut)
    put = at(state, "put-1960-1")
    exchange.post(state, put, maker, -3 * COIN, 20.0)
    exchange.rebalance(state, mandate, poker)
    assert 0.0 < holding(state, mandate, put) <= 3.0
    assert holding(state, mandate, at(state, "PERP")) == pytest.approx(holding(state, mandate, put), abs=1e-7)


def test_who_leaves_an_option_that_nobody_buys_gives_up_his_part_and_one_that_nobody_sells_back_holds_him() -> None:
    state, mandate, (saver, poker, maker, other) = on_books(ProtectivePut)
    exchange.join(state, mandate, other, int(STAKE * CASH))
    put = at(state, "put-1960-1")
    exchange.post(state, put, maker, -64 * COIN, 20.0)
    exchange.rebalance(state, mandate, poker)
    exchange.cancel_all(state, put, maker)
    held, price = holding(state, mandate, put), share_value(state, mandate)
    shares = int(state.ledger.balance[mandate.share, saver])
    mark = state.market(put).instrument.price(state, put, PRICE)
    units = exchange.leave(state, mandate, saver, shares)
    assert holding(state, mandate, put) == held
    lost = shares * price * (1.0 - 0.001) - units
    assert lost == pytest.approx(0.5 * held * mark * CASH, rel=0.01)
    assert share_value(state, mandate) > price

    state, mandate, (saver, poker, maker, other) = on_books(CoveredCall)
    call = at(state, "call-2040-1")
    exchange.post(state, call, maker, 64 * COIN, 15.0)
    exchange.rebalance(state, mandate, poker)
    assert holding(state, mandate, call) < 0
    shares = int(state.ledger.balance[mandate.share, saver])
    refused = Witness(state).does(exchange.leave, saver, mandate, saver, shares)
    assert isinstance(refused, DepthExceeded)
    settle_at(state, PRICE, DAY)
    assert exchange.leave(state, mandate, saver, shares) > 0


def test_a_strategy_below_maintenance_is_liquidated_and_its_savers_bear_it() -> None:
    """Its short loses in cash what its tokens gain, which count less a haircut: at eight times the price that is too little."""
    state, mandate, (_, poker, *_) = opened(DeltaNeutral, usage=0.7)
    perp = at(state, "PERP")
    spot(state, 8.0 * PRICE)
    assert state.exchange(mandate.house).liquidation.plan(state, perp, mandate.account) is not None
    before = share_value(state, mandate)
    exchange.liquidate(state, perp, poker, mandate.account)
    assert holding(state, mandate, perp) == 0.0
    assert share_value(state, mandate) < before


# ---------------------------------------------------------------------- what cannot be built


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: CoveredCall(usage=0.0), "usage"),
        (lambda: CoveredCall(band=0.0), "band"),
        (lambda: CoveredCall(slippage=1.0), "slippage"),
        (lambda: CoveredCall(premium_slippage=-0.1), "premium_slippage"),
        (lambda: CoveredCall(reward=-1.0), "reward"),
        (lambda: CoveredCall(fee=1.0), "fee"),
        (lambda: CoveredCall(liquidity=-1.0), "liquidity"),
        (lambda: CoveredCall(virtual_shares=-1), "virtual_shares"),
        (lambda: CoveredCall(name="a.b"), "name"),
        (lambda: CoveredCall(distance=-1.0), "distance"),
        (lambda: ProtectivePut(cutoff=-1.0), "cutoff"),
        (lambda: Collar(floor=0.1), "below cap"),
        (lambda: DeltaNeutral(drift=0.0), "drift"),
        (lambda: DeltaNeutral(underlying="PERP", short="PERP"), "short"),
        (lambda: world_with(suited(CoveredCall, underlying="m7")), "'m7' is no market it can hold"),
        (lambda: world_with(suited(CoveredCall, underlying="call-2040-1")), "is no market it can hold"),
        (lambda: world_with(suited(DeltaNeutral, short="SPOT", underlying="PERP")), "'SPOT' is no market"),
        (lambda: world_with(suited(CoveredCall, name="PERP")), "stands twice"),
        (lambda: world_with(suited(CoveredCall), suited(CoveredCall)), "stands twice"),
        (lambda: world_with(suited(CoveredCall), margin=Isolated()), "one position only"),
        (lambda: world_with(suited(CoveredCall), markets=world_markets()[:2]), "no call is listed"),
        (lambda: world_with(suited(ProtectivePut), markets=world_markets()[:2]), "no put is listed"),
    ],
)
def test_a_senseless_strategy_cannot_be_built(make: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make()


def test_a_vote_may_change_its_numbers_and_not_what_it_holds() -> None:
    state, _ = world_with(suited(CoveredCall, name="calls"), governance=Governance())
    rules = state.exchange(state.houses[0])
    assert changed(rules, "strategies.calls.distance", 0.05).strategies[0].distance == 0.05  # type: ignore[attr-defined]
    for path, value in (("strategies.calls.underlying", "SPOT"), ("strategies.calls", ProtectivePut("calls", "PERP"))):
        with pytest.raises(SenselessChange):
            changed(rules, path, value)
    with pytest.raises(SenselessChange):
        changed(rules, "collateral", (Collateral("BTC"),))


# ---------------------------------------------------------------------- in a scenario


NAMES = ("covered-call", "protective-put", "collar", "delta-neutral")


@pytest.fixture(scope="module")
def played() -> Record:
    return run(find("retail-strategies"))


def test_savers_buy_into_all_four_and_leave_and_each_is_judged_beside_holding(played: Record) -> None:
    numbers = played.metrics
    for name in NAMES:
        events = played.events[played.events["who"].str.startswith(f"{name}-savers")]
        assert {"saver joins", "saver leaves"} <= set(events["kind"])
        assert math.isfinite(numbers[f"dex.{name}.return"])
        assert numbers[f"dex.{name}.against_holding"] == pytest.approx(
            numbers[f"dex.{name}.return"] - numbers[f"dex.{name}.holding"]
        )
        assert numbers[f"dex.{name}.epochs"] == (1 if name == "delta-neutral" else 2)
    rewards = played.flows[played.flows["reason"] == "hedging"].groupby("source")["cash"].sum()
    assert all(rewards[name] >= 2.0 for name in NAMES)


def test_covered_calls_are_sold_to_makers_and_puts_bought_of_them(played: Record) -> None:
    assert played.blocks["dex.ETH-2020-C-1H.fills"].sum() > 0
    assert played.blocks["dex.ETH-1980-P-1H.fills"].sum() > 0
    funding = played.flows[played.flows["reason"] == "funding"]
    assert (
        funding[funding["target"] == "delta-neutral"]["cash"].sum()
        > funding[funding["source"] == "delta-neutral"]["cash"].sum()
    )


def test_delta_neutral_holds_little_delta_and_the_others_some() -> None:
    scenario = dataclasses.replace(find("retail-strategies"), duration=1_500.0)
    game = build(scenario)
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    while game.state.time < scenario.duration:
        game.step()
        for mandate in game.state.mandates[0]:
            equity = account_total(game.state, mandate.house, mandate.account) / CASH / PRICE
            found[mandate.name].append(delta_of(game.state, mandate) / equity)
    release(game)
    late = {name: float(np.median(np.abs(values[50:]))) for name, values in found.items()}
    assert late["delta-neutral"] < 0.03
    assert min(late[name] for name in NAMES if name != "delta-neutral") > 0.1


def test_without_somebody_who_carries_plans_out_nothing_is_held() -> None:
    scenario = dataclasses.replace(find("retail-strategies"), duration=600.0)
    idle = run(without(scenario, "rebalancer")).metrics
    assert all(idle[f"dex.{name}.epochs"] == 0.0 for name in NAMES)
    assert all(idle[f"dex.{name}.return"] >= 0.0 for name in NAMES)
    dear = vary(scenario, "exchange.strategies.collar.reward", 0.0)
    assert "collar plan declined" in set(run(dear).events["kind"])
