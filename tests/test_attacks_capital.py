"""Attacks that live on capital and collateral: each pays under a weak rule, and is harmless under a stated one.

Profit is the difference of wealth against the twin without the attacker, on the same seed. A defence counts while it keeps four
fifths of the honest open interest and volume.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import pytest
from arsenal import kinds, pair, profits
from hypothesis import given
from hypothesis import strategies as st

from agents.attacks.flash_push import FlashPush
from agents.attacks.self_liquidator import SelfLiquidator
from agents.attacks.share_inflator import ShareInflator, proceeds
from agents.attacks.till_emptier import TillEmptier
from experiments.codec import variants
from experiments.defences.base import Defence
from experiments.overrides import vary
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario, bundled, find
from experiments.twins import Pair
from protocol.genesis import genesis
from protocol.vault import Vault

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


@pytest.mark.parametrize("defence", ["LongerWindow", "LargestMove", "NoFlash"])
def test_a_window_a_guard_and_nobody_who_lends_each_stop_a_flash_push(defence):
    harmless("flash-push", defence)
    assert "attack" not in kinds(played("flash-push", defence))


@pytest.mark.parametrize("fee", [0.0, 0.0009, 0.05])
def test_a_flash_push_pays_its_lender(fee):
    scenario = vary(find("flash-push"), "exchange.flash.fee", fee)
    (one,) = pair(scenario, "attacker", (1,))
    attack = next(e for e in one.run.events.itertuples() if e.kind == "attack")
    assert attack.numbers["fee"] == pytest.approx(fee * attack.numbers["borrowed"], rel=1e-6)


# ---------------------------------------------------------------------- 3: pump profit, empty the till


def test_profit_on_paper_at_a_pumped_index_empties_the_till():
    pays("pumped-profit", least=100_000.0)
    for one in played("pumped-profit"):
        attack = next(e for e in one.run.events.itertuples() if e.kind == "attack")
        over = next(e for e in one.run.events.itertuples() if e.kind == "attack over")
        assert attack.numbers["blocks"] > 1
        assert 0.3 * attack.numbers["estimate"] < over.numbers["realised"] < 2.0 * attack.numbers["estimate"]
        assert one.losses()["insurance"] < -100_000.0


@pytest.mark.parametrize("defence", ["VestedProfit", "LongerWindow", "LargestMove"])
def test_profit_that_vests_a_longer_window_and_a_guard_each_keep_the_till(defence):
    harmless("pumped-profit", defence)
    assert "attack" not in kinds(played("pumped-profit", defence))


def test_who_pumps_where_profit_vests_has_nothing_to_take_out():
    """The rule, not the attacker's reading of it: somebody who does not know of it pumps, and loses margin and pump."""
    scenario = under("pumped-profit", "VestedProfit")
    blind = tuple(
        Blind(**{f.name: getattr(role, f.name) for f in dataclasses.fields(role)}) if role.label == "attacker" else role
        for role in scenario.cast
    )
    (one,) = pair(dataclasses.replace(scenario, cast=blind), "attacker", (1,))
    assert kinds([one]).count("attack") == 1
    assert one.gain("attacker") < -50_000.0


@dataclasses.dataclass(frozen=True)
class Blind(TillEmptier):
    """Believes that profit may leave at once."""

    def plan(self, me, view, listing, pool):
        state = view.state
        rules = state.rules
        mark = state.mark()
        exchanges = tuple(dataclasses.replace(one, vesting=None) for one in rules.exchanges)
        state.put("rules", dataclasses.replace(rules, exchanges=exchanges))
        try:
            return super().plan(me, view, listing, pool)
        finally:
            state.rewind(mark)


# ---------------------------------------------------------------------- 13: liquidate oneself beyond the frontier


def test_a_self_liquidation_beyond_the_frontier_pays_and_lenders_write_off_the_debt():
    pays("toxic-spiral", least=100_000.0)
    rules = find("toxic-spiral").world.exchanges[0]
    frontier = 1.0 - (1.0 - rules.collateral[0].initial) * (1.0 + rules.seizure.spread)
    for one in played("toxic-spiral"):
        attack = next(e for e in one.run.events.itertuples() if e.kind == "attack")
        assert attack.numbers["fall"] > frontier
        assert attack.numbers["stake"] < 1.0
        assert one.losses()["founders"] < -100_000.0


@pytest.mark.parametrize("defence", ["FrontierHalt", "LargestMove", "LongerWindow"])
def test_a_halt_at_the_frontier_a_guard_and_a_window_each_stop_a_self_liquidation(defence):
    harmless("toxic-spiral", defence)
    assert "attack" not in kinds(played("toxic-spiral", defence))


def test_a_self_liquidation_with_coins_of_its_own_earns_less_and_without_a_chance_none():
    flash = find("toxic-spiral")
    own = vary(flash, "exchange.flash", None)
    (bought,) = pair(own, "attacker", (1,))
    assert 1_000.0 < bought.gain("attacker") < played("toxic-spiral")[0].gain("attacker")
    poor = vary(own, "cast.attacker.capital", 1_000.0)
    (nothing,) = pair(poor, "attacker", (1,))
    assert nothing.gain("attacker") == 0.0


# ---------------------------------------------------------------------- 14: inflate the shares of an empty vault


def test_who_is_first_in_an_empty_vault_takes_a_fifth_of_what_the_next_one_brings():
    pays("empty-vault", least=50_000.0)
    for one in played("empty-vault"):
        assert one.losses()["provider"] < -0.15 * 500_000.0


@pytest.mark.parametrize("defence", ["VirtualShares", "DeadShares"])
def test_virtual_shares_and_shares_that_are_dead_each_stop_an_inflation(defence):
    harmless("empty-vault", defence)
    assert "attack" not in kinds(played("empty-vault", defence))


@given(
    gift=st.integers(1, 10**12),
    brought=st.integers(1, 10**12),
    seed=st.integers(1, 10**6),
)
def test_what_a_first_depositor_expects_is_what_the_shares_come_to(gift, brought, seed):
    for rules in (
        Vault(virtual_assets=0, virtual_shares=0),
        Vault(),
        Vault(virtual_assets=0, virtual_shares=0, fee=0.01),
    ):
        expected = proceeds(rules, seed, gift, brought)
        if rules.virtual_shares:
            assert expected <= 0  # OpenZeppelin, ERC-4626: with virtual shares a gift is never earned back
        else:
            assert expected <= brought // 2 + 1


# ---------------------------------------------------------------------- all of them

MINE = FlashPush, TillEmptier, SelfLiquidator, ShareInflator


@pytest.mark.parametrize("kind", MINE)
def test_an_attack_of_capital_keeps_every_law_where_it_pays(kind):
    name = {FlashPush: "flash-push", TillEmptier: "pumped-profit"}.get(kind, "toxic-spiral")
    name = "empty-vault" if kind is ShareInflator else name
    record = run(dataclasses.replace(find(name), duration=240.0), check=True)
    assert "attack" in set(record.events["kind"])


@pytest.mark.parametrize("kind", MINE)
def test_an_attack_of_capital_crashes_in_no_bundled_scenario_where_it_has_a_surface(kind):
    seen = 0
    for name in bundled():
        scenario = find(name)
        state = genesis(scenario.world, dict.fromkeys(scenario.nature.assets, 2_000.0))
        for listing in state.markets:
            if name.startswith("october-2025") or kind().surface(state, listing):
                continue
            role = kind(name="intruder", market=listing.name, exchange=listing.house.name)
            cast = (*scenario.cast, role)
            record = run(dataclasses.replace(scenario, cast=cast, duration=90.0), check=True)
            assert math.isfinite(record.metrics["gain.intruder"])
            seen += 1
    assert seen > 0
