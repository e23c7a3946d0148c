"""Attacks that live on feeds and marks: each pays in its scenario, and stays at home, or earns next to nothing, under its rule."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest
from arsenal import pair, told

from agents.attacks.pushing import judged, reach, settled_move
from agents.attacks.report_picker import widest
from agents.attacks.reporter_bribe import bounds
from agents.faults.bribed import Bribed
from experiments.defences.age_spreads import AgeSpreads
from experiments.defences.base import Defence
from experiments.defences.bounded_surface import BoundedSurface
from experiments.defences.confidence_bands import ConfidenceBands
from experiments.defences.delayed_execution import DelayedExecution
from experiments.defences.largest_move import LargestMove
from experiments.defences.longer_settlement import LongerSettlement
from experiments.defences.longer_window import LongerWindow
from experiments.defences.second_opinion import SecondOpinion
from experiments.defences.shorter_age import ShorterAge
from experiments.defences.wider_volatility import WiderVolatility
from experiments.overrides import vary
from experiments.scenario import Scenario, find
from experiments.twins import Pair
from protocol.oracles.ema import Ema
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.spot import Spot
from protocol.oracles.twap import ArithmeticTwap
from protocol.oracles.twap_geometric import GeometricTwap

SEEDS = range(3)
ATTACKS = {  # scenario: label of its attacker, the market that honest traders are in
    "bribed-reporters": ("briber", "ETH-PERP"),
    "picked-pull": ("picker", "ETH-PERP"),
    "pushed-settlement": ("pusher", "ETH-FUT"),
    "spoofed-book": ("spoofer", "ETH-PERP"),
    "pushed-volatility": ("lever", "ETH-2000-C"),
}


@cache
def undefended(name: str) -> tuple[Pair, ...]:
    return tuple(pair(find(name), ATTACKS[name][0], SEEDS))


def defended(name: str, defence: Defence) -> Scenario:
    scenario = find(name)
    world = defence.applied(scenario.world)
    assert world is not None
    return dataclasses.replace(scenario, world=world)


def honest(pairs: tuple[Pair, ...] | list[Pair], name: str, what: str) -> float:
    """Open interest or volume of the market without the attacker, mean over seeds."""
    return float(np.mean([one.twin.metrics[f"dex.{ATTACKS[name][1]}.{what}"] for one in pairs]))


@pytest.mark.parametrize("name", ATTACKS)
def test_it_pays_on_every_seed_at_the_cost_of_others_and_its_estimate_is_near_what_came_of_it(name: str) -> None:
    label, pairs = ATTACKS[name][0], undefended(name)
    profits = [one.gain(label) for one in pairs]
    assert min(profits) > 10_000.0
    assert 2.92 * np.std(profits, ddof=1) / np.sqrt(len(profits)) < np.mean(profits)  # 95 %, one side
    for one in pairs:
        assert sum(loss for group, loss in one.losses().items() if group != label) < 0.0
        over = told(one.run, "attack over")
        assert over
        realised = sum(numbers["realised"] for numbers in over)
        assert realised == pytest.approx(sum(numbers["estimate"] for numbers in over), rel=0.25)


@pytest.mark.parametrize(
    ("name", "defence", "most"),
    [
        ("bribed-reporters", SecondOpinion(), 0.0),
        ("picked-pull", ConfidenceBands(), 1_000.0),
        ("picked-pull", AgeSpreads(), 1_000.0),
        ("picked-pull", DelayedExecution(), 0.0),
        ("pushed-settlement", LongerSettlement(), 0.0),
        ("spoofed-book", LongerWindow(), 0.0),
        ("spoofed-book", DelayedExecution(), 0.0),
        ("pushed-volatility", BoundedSurface(), 0.0),
        ("pushed-volatility", WiderVolatility(), 0.0),
    ],
)
def test_its_rule_leaves_it_next_to_nothing_and_honest_trade_goes_on(name: str, defence: Defence, most: float) -> None:
    label, before = ATTACKS[name][0], undefended(name)[:2]
    pairs = pair(defended(name, defence), label, SEEDS[:2])
    for one, weak in zip(pairs, before, strict=True):
        assert abs(one.gain(label)) <= most + 1e-6 < 0.02 * weak.gain(label)
        assert told(one.run, "attack declined")
        assert sum(-loss for group, loss in one.losses().items() if group != label) <= most + 1e-6
    for what in ("open_interest", "volume"):
        assert honest(pairs, name, what) >= 0.8 * honest(before, name, what) > 0.0


def test_a_short_age_stops_trade_before_it_stops_the_picker() -> None:
    (one,), (weak, *_) = pair(defended("picked-pull", ShorterAge()), "picker", [0]), undefended("picked-pull")
    assert one.gain("picker") > 0.5 * weak.gain("picker")
    assert one.twin.metrics["dex.ETH-PERP.volume"] < 0.8 * weak.twin.metrics["dex.ETH-PERP.volume"]


def test_a_bound_on_moves_does_not_stop_bribed_reporters_who_pace_themselves() -> None:
    (one,), (weak, *_) = (
        pair(defended("bribed-reporters", LargestMove()), "briber", [0]),
        undefended("bribed-reporters"),
    )
    assert one.gain("briber") > 0.5 * weak.gain("briber")
    assert told(one.run, "attack")[0]["ramp"] > 0.0


def seated(reporters: int, price: float) -> Scenario:
    scenario = vary(find("bribed-reporters"), "cast.reporter.count", reporters)
    scenario = vary(scenario, "cast.reporter.faults", (Bribed(price=price),))
    oracle = "exchange.markets.ETH-PERP.oracle"
    return vary(scenario, oracle, Median(reporters, reporters // 2 + 1, deviation=0.0005, heartbeat=60.0))


def test_bribes_pay_while_the_position_earns_more_than_a_majority_asks() -> None:
    cheap, dear, many, owned = (
        pair(seated(*case), "briber", [0])[0] for case in ((5, 15_000.0), (5, 90_000.0), (31, 15_000.0), (5, 0.0))
    )
    assert told(cheap.run, "attack")[0]["bribes"] == 45_000.0
    paid = cheap.run.flows.query("reason == 'bribe'")
    assert paid["cash"].sum() == 45_000.0
    assert cheap.gain("reporter") == pytest.approx(45_000.0, abs=1.0)
    assert owned.gain("briber") > cheap.gain("briber") + 40_000.0
    for one in (dear, many):
        assert one.gain("briber") == 0.0
        assert {numbers["why"] for numbers in told(one.run, "attack declined")} == {"does not pay"}


def test_a_majority_that_is_not_for_sale_is_left_alone() -> None:
    scenario = vary(find("bribed-reporters"), "cast.reporter.faults", (Bribed(price=1.0, onset=1e6),))
    one = pair(scenario, "briber", [0])[0]
    assert one.gain("briber") == 0.0
    assert told(one.run, "attack declined")[0]["why"] == "no majority of reporters is for sale"


# ---------------------------------------------------------------------- what the estimates are made of


def test_what_a_guard_lets_pass_bounds_the_push_and_paces_it() -> None:
    assert bounds(Median(), 6.0) == (np.inf, 0.0)
    assert bounds(Guarded(inner=Median(), second=Spot(), max_gap=0.02, max_move=0.1), 6.0) == (0.9 * 0.02, 120.0)


def test_the_widest_pair_of_reports_is_that_with_the_largest_move_from_the_earlier_to_the_later() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        mids = 2_000.0 * np.exp(0.01 * rng.standard_normal(12))
        first, last = widest(mids)
        gaps = {abs(np.log(mids[j] / mids[i])) for i in range(12) for j in range(i + 1, 12)}
        assert first < last
        assert abs(np.log(mids[last] / mids[first])) == max(gaps)


@pytest.mark.parametrize(("held", "share"), [(30.0, 1.0 / 3.0), (90.0, 1.0), (500.0, 1.0)])
def test_settlement_on_a_spot_index_moves_by_the_share_of_the_window_that_is_held(held: float, share: float) -> None:
    assert settled_move(Spot(), np.array(0.1), np.array(held), 6.0, 90.0) == pytest.approx(0.1 * share)


def test_settlement_on_an_average_follows_the_integral_of_the_average() -> None:
    half_life, held, window = 12.0, 60.0, 90.0
    seconds = np.linspace(0.0, held, 100_001)
    exact = 0.1 * np.trapezoid(1.0 - np.exp2(-seconds / half_life), seconds) / window
    assert settled_move(Ema(half_life=half_life), np.array(0.1), np.array(held), 6.0, window) == pytest.approx(
        exact, rel=2e-3
    )


# ---------------------------------------------------------------------- the push of a pool, under every oracle that reads one

READERS = [
    (ArithmeticTwap(source="ETH-USD", window=36.0), ArithmeticTwap(source="ETH-USD", window=3_600.0)),
    (GeometricTwap(source="ETH-USD", window=36.0), GeometricTwap(source="ETH-USD", window=3_600.0)),
    (Ema(source="ETH-USD", half_life=12.0), Ema(source="ETH-USD", half_life=3_600.0)),
    (Spot(source="ETH-USD"), ArithmeticTwap(source="ETH-USD", window=3_600.0)),
]


@pytest.mark.parametrize(("weak", "strong"), READERS, ids=lambda oracle: type(oracle).__name__)
def test_a_pool_is_pushed_under_a_short_window_of_any_kind_and_left_alone_under_a_long_one(weak, strong) -> None:
    assert judged(weak)
    assert reach(weak, np.array(0.1), np.array(24.0), 12.0) > reach(strong, np.array(0.1), np.array(24.0), 12.0)
    base = dataclasses.replace(find("oracle-push"), duration=900.0)
    profits = []
    for oracle in (weak, strong):
        scenario = vary(base, "exchange.markets.ETH-PERP.oracle", oracle)
        if oracle is strong:
            scenario = vary(scenario, "exchange.markets.ETH-USD.venue.liquidity", 20_000_000.0)
        one = pair(scenario, "attacker", [1])[0]
        profits.append(one.gain("attacker"))
        assert bool(told(one.run, "attack")) == (oracle is weak)
    assert profits[0] > 1_000.0
    assert profits[1] == 0.0
