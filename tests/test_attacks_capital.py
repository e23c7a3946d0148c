"""Attacks that live on capital and collateral: each pays under a weak rule, and is harmless under a stated one.

Profit is the difference of wealth against the twin without the attacker, on the same seed. A defence counts while it keeps four
fifths of the honest open interest and volume.
"""

from __future__ import annotations

import dataclasses
import functools

import pytest
from arsenal import kinds, pair, profits

from experiments.codec import variants
from experiments.defences.base import Defence
from experiments.overrides import vary
from experiments.record import Record
from experiments.scenario import Scenario, find
from experiments.twins import Pair

SEEDS = (1, 2, 3)
RULES = variants(Defence)


def under(name: str, defence: str = "") -> Scenario:
    """A bundled scenario, with a defence switched in."""
    scenario = find(name)
    if not defence:
        return scenario
    world = RULES[defence]().applied(scenario.world)
    assert world is not None
    return dataclasses.replace(scenario, world=world)


@functools.lru_cache(maxsize=32)
def played(name: str, defence: str = "") -> tuple[Pair, ...]:
    """The attack against its twin, a seed each."""
    return tuple(pair(under(name, defence), "attacker", SEEDS))


def trade(record: Record) -> tuple[float, float]:
    """Mean open interest and volume of a run, cash coins; open interest 0 where nothing is held."""
    blocks = record.blocks
    paths = [name[: -len(".open_long")] for name in map(str, blocks) if name.endswith(".open_long")]
    held = sum(float((blocks[f"{path}.open_long"] * blocks[f"{path}.fair"]).mean()) for path in paths)
    return held, float(sum(blocks[name].sum() for name in blocks if str(name).endswith(".volume")))


def pays(name: str, least: float = 1_000.0) -> None:
    """The attack earns on every seed, and others lose at least as much as it earns."""
    pairs = played(name)
    assert min(profits(pairs, "attacker")) > least
    for one in pairs:
        assert -sum(loss for group, loss in one.losses().items() if group != "attacker") > 0.5 * one.gain("attacker")


def harmless(name: str, defence: str, least: float = 1_000.0, harm: float = 0.01) -> None:
    """Under the defence nothing is earned and nobody is harmed, and honest trade goes on."""
    weak, strong = played(name), played(name, defence)
    assert max(profits(strong, "attacker")) < least
    for one, bare in zip(strong, weak, strict=True):
        damage = -sum(loss for group, loss in one.losses().items() if group != "attacker")
        assert damage < max(least, harm * bare.gain("attacker"))
        for kept, of in zip(trade(one.twin), trade(bare.twin), strict=True):
            assert kept >= 0.8 * of


# ---------------------------------------------------------------------- 1: flash push


def test_a_flash_push_of_a_spot_index_empties_a_vault_with_nothing_but_gas_of_its_own():
    pays("flash-push")
    for one in played("flash-push"):
        attack = next(e for e in one.run.events.itertuples() if e.kind == "attack")
        over = next(e for e in one.run.events.itertuples() if e.kind == "attack over")
        assert attack.numbers["stake"] < 1.0
        assert attack.numbers["borrowed"] > 1e6
        assert over.numbers["realised"] == pytest.approx(over.numbers["estimate"], rel=1e-6)


def test_a_flash_push_of_collateral_borrows_a_loan_pool_empty():
    scenario = vary(find("flash-push"), "cast.attacker.market", "ETH-USD")
    pairs = pair(scenario, "attacker", SEEDS)
    assert min(profits(pairs, "attacker")) > 100_000.0
    assert max(one.losses()["founders"] for one in pairs) < -1_000_000.0  # who had supplied the pool


@pytest.mark.parametrize("defence", ["LongerWindow", "IndexGuard", "NoFlash"])
def test_a_window_a_guard_and_nobody_who_lends_each_stop_a_flash_push(defence):
    harmless("flash-push", defence)
    assert "attack" not in kinds(played("flash-push", defence))


@pytest.mark.parametrize("fee", [0.0, 0.0009, 0.05])
def test_a_flash_push_pays_its_lender_and_stays_away_only_where_the_fee_eats_the_loot(fee):
    scenario = vary(find("flash-push"), "exchange.flash.fee", fee)
    (one,) = pair(scenario, "attacker", (1,))
    attack = next(e for e in one.run.events.itertuples() if e.kind == "attack")
    assert attack.numbers["fee"] == pytest.approx(fee * attack.numbers["borrowed"], rel=1e-6)
