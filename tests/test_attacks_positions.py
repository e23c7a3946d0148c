"""Attacks that live on positions: each pays in its weak scenario, and stays harmless under a stated defence."""

from __future__ import annotations

import dataclasses

import pytest
from arsenal import kept, kinds, pair, profits, told

from agents.attacks.vault_runner import VaultRunner
from experiments.defences.base import Defence
from experiments.defences.cap_by_depth import CapByDepth
from experiments.defences.continuous_funding import ContinuousFunding
from experiments.defences.exit_delay import ExitDelay
from experiments.defences.exit_fee import ExitFee
from experiments.defences.halts import Halts
from experiments.defences.keepers_take_over import KeepersTakeOver
from experiments.defences.liquidator_vault import LiquidatorVault
from experiments.defences.longer_window import LongerWindow
from experiments.defences.margin_by_depth import MarginByDepth
from experiments.defences.outside_index import OutsideIndex
from experiments.overrides import vary
from experiments.run import run
from experiments.scenario import Scenario, find
from protocol.oracles.spot import Spot

SEEDS = range(1, 4)


def defended(scenario: Scenario, defence: Defence) -> Scenario:
    """The scenario with a rule switched in."""
    world = defence.applied(scenario.world)
    assert world is not None
    assert world != scenario.world
    return dataclasses.replace(scenario, world=world)


def harmless(name: str, defence: Defence, market: str) -> None:
    """Under the defence the attacker earns nothing, nobody loses to it, and honest open interest is what it was."""
    weak = find(name)
    strong = defended(weak, defence)
    least = next(role for role in weak.cast if role.name == "attacker").least_profit  # type: ignore[attr-defined]
    pairs = pair(strong, "attacker", SEEDS)
    assert max(profits(pairs, "attacker")) <= least
    assert all(min(one.losses().values()) >= -least for one in pairs)
    assert "attack declined" in kinds(pairs)
    assert kept(pair(weak, "attacker", SEEDS), pairs, market) >= 0.8


def test_a_hunter_pushes_a_self_marked_amm_to_the_cluster_and_buys_what_must_be_sold() -> None:
    pairs = pair(find("hunted-longs"), "attacker", SEEDS)
    assert min(profits(pairs, "attacker")) > 100_000.0
    assert all(one.run.metrics["dex.liquidations"] > 30 > one.twin.metrics["dex.liquidations"] for one in pairs)
    assert all(one.gain("leveraged") < -100_000.0 for one in pairs)


def test_where_a_trade_moves_the_index_at_once_push_forced_sales_and_exit_are_one_bundle() -> None:
    pairs = pair(vary(find("hunted-longs"), "exchange.markets.ETH-PERP.oracle", Spot()), "attacker", SEEDS)
    for one in pairs:
        begun, ended = told(one.run, "attack"), told(one.run, "attack over")
        assert begun[0]["blocks"] == 0
        assert begun[0]["victims"] > 0
        assert 0.9 < ended[0]["realised"] / begun[0]["estimate"] < 1.1
        assert one.gain("attacker") > 100_000.0


@pytest.mark.parametrize(
    "defence", [OutsideIndex(), LongerWindow(), KeepersTakeOver(), Halts()], ids=lambda d: type(d).__name__
)
def test_a_hunter_stays_at_home_where_its_trades_do_not_make_the_mark_or_nothing_is_sold(defence: Defence) -> None:
    harmless("hunted-longs", defence, "dex.ETH-PERP")


def test_two_legs_are_broken_at_the_expense_of_insurance_and_vault() -> None:
    pairs = pair(find("thin-coin"), "attacker", SEEDS)
    assert min(profits(pairs, "attacker")) > 100_000.0
    assert all(one.gain("insurance") == pytest.approx(-100_000.0) for one in pairs)
    assert all(one.gain("founders") < -100_000.0 for one in pairs)


@pytest.mark.parametrize("defence", [CapByDepth(), MarginByDepth()], ids=lambda d: type(d).__name__)
def test_legs_that_depth_bounds_are_not_worth_a_push(defence: Defence) -> None:
    harmless("thin-coin", defence, "dex.COIN-PERP")


def test_the_vault_takes_over_a_position_on_purpose_and_pays_for_it() -> None:
    pairs = pair(find("toxic-dump"), "attacker", SEEDS)
    assert min(profits(pairs, "attacker")) > 100_000.0
    for one in pairs:
        told = one.run.events.loc[one.run.events["kind"] == "liquidation", "numbers"]
        assert any(numbers["taker"] == "vault" and numbers["deficit"] == 0.0 for numbers in told)  # taken over solvent
        assert one.gain("founders") < -100_000.0 < one.gain("insurance")


@pytest.mark.parametrize("defence", [CapByDepth(), MarginByDepth(), LiquidatorVault()], ids=lambda d: type(d).__name__)
def test_nothing_is_dumped_that_depth_bounds_or_a_liquidator_apart_takes(defence: Defence) -> None:
    harmless("toxic-dump", defence, "dex.COIN-PERP")


def test_a_runner_comes_before_gains_are_marked_and_those_who_stay_pay() -> None:
    pairs = pair(find("vault-run"), "attacker", SEEDS)
    assert min(profits(pairs, "attacker")) > 1_000.0
    assert all(one.gain("founders") < -500.0 and one.gain("provider") < 0.0 for one in pairs)


@pytest.mark.parametrize("defence", [ExitDelay(), ExitFee()], ids=lambda d: type(d).__name__)
def test_a_runner_stays_at_home_where_leaving_takes_time_or_money(defence: Defence) -> None:
    harmless("vault-run", defence, "dex.ETH-PERP")


def gain_of_running(scenario: Scenario, seed: int) -> float:
    """What a provider that runs ends richer by than one that stays, both in the vault from the start."""
    gains = []
    for least in (VaultRunner().least_profit, 1e12):
        runner = VaultRunner(name="attacker", invested=0.9, least_profit=least)
        cast = tuple(runner if role.name == "attacker" else role for role in scenario.cast)
        record = run(dataclasses.replace(scenario, cast=cast, seed=seed))
        gains.append(float(record.metrics["gain.attacker"]))
    return gains[0] - gains[1]


def test_a_provider_who_runs_before_losses_are_marked_does_better_than_one_who_stays() -> None:
    weak = find("vault-run")
    assert min(gain_of_running(weak, seed) for seed in SEEDS) > 0.0
    assert gain_of_running(defended(weak, ExitDelay()), 1) == 0.0


def test_who_leans_on_the_skew_while_the_rate_is_set_is_paid_until_it_is_set_again() -> None:
    pairs = pair(find("sampled-funding"), "attacker", SEEDS)
    assert min(profits(pairs, "attacker")) > 1_000.0
    assert all(one.gain("founders") < -1_000.0 for one in pairs)


def test_a_skew_that_is_charged_while_it_stands_is_left_alone() -> None:
    harmless("sampled-funding", ContinuousFunding(), "dex.ETH-PERP")


def test_a_fee_above_an_intervals_funding_keeps_the_skew_straight() -> None:
    dear = vary(find("sampled-funding"), "exchange.market.fee", 0.004)
    pairs = pair(dear, "attacker", SEEDS)
    assert profits(pairs, "attacker") == pytest.approx([0.0] * len(SEEDS), abs=1e-6)
    assert "attack declined" in kinds(pairs)
    assert kept(pair(find("sampled-funding"), "attacker", SEEDS), pairs, "dex.ETH-PERP") >= 0.8


@pytest.mark.parametrize(
    ("name", "share"), [("hunted-longs", 0.1), ("thin-coin", 0.5), ("toxic-dump", 0.5), ("sampled-funding", 0.3)]
)
def test_an_attack_realises_a_good_part_of_what_it_expected(name: str, share: float) -> None:
    events = [one.run.events for one in pair(find(name), "attacker", SEEDS)]
    over = [numbers for table in events for numbers in table.loc[table["kind"] == "attack over", "numbers"]]
    assert len(over) >= len(SEEDS)
    assert sum(one["realised"] for one in over) > share * sum(one["estimate"] for one in over) > 0.0
