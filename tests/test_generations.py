"""The generations: each is the world of its bundled scenario, plays by the laws, and reaches what it is known for."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.run import run
from experiments.scenario import find
from protocol.generations import GENERATIONS


@pytest.mark.parametrize("name", list(GENERATIONS))
def test_a_generation_is_the_world_of_its_bundled_scenario(name: str) -> None:
    assert find(f"gen-{name}").world == GENERATIONS[name]


@pytest.mark.parametrize("name", list(GENERATIONS))
def test_all_generations_meet_the_same_nature_crowd_and_attackers(name: str) -> None:
    mine, zero = find(f"gen-{name}"), find("gen-zero")
    shared = ("leveraged", "noise", "keeper", "pusher", "sniper")
    assert (mine.nature, mine.references, mine.duration) == (zero.nature, zero.references, zero.duration)
    assert [role for role in mine.cast if role.label in shared] == [role for role in zero.cast if role.label in shared]


def test_an_attack_on_an_index_needs_somebody_who_must_honour_it() -> None:
    record = run(dataclasses.replace(find("gen-fourth"), duration=900.0), check=True)
    kinds = record.events[record.events["who"].isin(["sniper.0", "pusher.0"])]["kind"]
    assert set(kinds) == {"attack declined"}
    assert record.metrics["gain.sniper"] == record.metrics["gain.pusher"] == 0.0
    assert record.metrics["dex.ETH-PERP.fills"] > 50
