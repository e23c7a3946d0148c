"""Attacks that live on positions: each pays in its weak scenario, and stays harmless under a stated defence."""

from __future__ import annotations

import dataclasses

import pytest
from arsenal import kept, kinds, pair, profits

from experiments.defences.base import Defence
from experiments.defences.keepers_take_over import KeepersTakeOver
from experiments.defences.longer_window import LongerWindow
from experiments.defences.outside_index import OutsideIndex
from experiments.scenario import Scenario, find

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
    assert all(one.run.metrics["dex.liquidations"] > 50 > one.twin.metrics["dex.liquidations"] for one in pairs)
    assert all(one.gain("leveraged") < -100_000.0 for one in pairs)


@pytest.mark.parametrize("defence", [OutsideIndex(), LongerWindow(), KeepersTakeOver()], ids=lambda d: type(d).__name__)
def test_a_hunter_stays_at_home_where_its_trades_do_not_make_the_mark_or_nothing_is_sold(defence: Defence) -> None:
    harmless("hunted-longs", defence, "dex.ETH-PERP")
