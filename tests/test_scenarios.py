"""Every bundled scenario reads, keeps the laws, and reaches what it is there to show."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.nature.replay import Replay
from experiments.codec import dumps, loads
from experiments.overrides import vary
from experiments.record import Record
from experiments.run import build, release, run
from experiments.scenario import Scenario, bundled, find, without
from experiments.twins import twin_without
from protocol.hedging import exposure


def numbers(record: Record, kind: str) -> list[dict[str, Any]]:
    """What was written beside each event of a kind."""
    found: list[dict[str, Any]] = record.events.loc[record.events["kind"] == kind, "numbers"].tolist()
    return found


@pytest.mark.parametrize("name", bundled())
def test_a_bundled_scenario_survives_the_way_to_toml_and_back(name: str) -> None:
    scenario = find(name)
    assert loads(Scenario, dumps(scenario)) == scenario


@pytest.mark.parametrize("name", [name for name in bundled() if name != "october-2025"])
def test_a_bundled_scenario_keeps_every_law(name: str) -> None:
    record = run(dataclasses.replace(find(name), duration=900.0), check=True)
    assert record.metrics["blocks"] > 50


def test_the_guarded_pull_reaches_take_overs_insurance_and_the_vault() -> None:
    record = run(find("guarded-pull"))
    liquidations = numbers(record, "liquidation")
    assert len(liquidations) > 20
    assert any("paid by Insurance" in one for one in liquidations)
    assert any("paid by VaultBackstop" in one for one in liquidations)
    for step, reason in (("Insurance", "insurance"), ("VaultBackstop", "loss_vault")):
        told = sum(one.get(f"paid by {step}", 0.0) for one in liquidations)
        assert record.flows.loc[record.flows["reason"] == reason, "cash"].sum() == pytest.approx(told, abs=1e-3)
    assert numbers(record, "oracle update")
    assert record.metrics["gain.sniper"] > 0


def test_the_leveraged_crash_deleverages_and_socialises() -> None:
    record = run(find("leveraged-crash"))
    liquidations = numbers(record, "liquidation")
    assert sum(one["deleveraged"] > 0 for one in liquidations) > 3
    assert any("paid by Socialise" in one for one in liquidations)
    assert record.metrics["dex.deficit"] > 0
    assert record.flows.query("reason == 'reentry' and target == 'leveraged'")["cash"].sum() > 0


def test_the_governor_tightens_margin_by_timelock_and_loosens_it_again() -> None:
    record = run(find("governed-crash"))
    reasons = [one["reason"] for one in numbers(record, "proposes")]
    assert {"volatility", "bad debt"} & set(reasons) and "calm" in reasons
    for kind in ("proposes", "carries out"):
        assert len(record.events.loc[record.events["kind"] == kind]) > 1, kind


def test_a_gate_keeps_out_whoever_has_no_credential_and_lets_the_gated_mid_wander() -> None:
    record = run(find("two-pools"))
    metrics = record.metrics
    assert metrics["dex.gated.rejected"] >= 10 and metrics["dex.gated.fills"] > 10
    assert metrics["dex.gated-perp.fills"] > 10
    kept_out = record.events.loc[record.events["kind"] == "kept out"]
    assert all(n["why"] == "NotAdmitted" for n in kept_out["numbers"])
    last = kept_out.groupby(kept_out["who"].str.partition(".")[0])["time"].max()
    assert set(last.index) == {"bank", "retail"}
    assert last["bank"] < 600.0 < 7_000.0 < last["retail"]  # the bank, until it had its credential
    invested = set(record.flows.loc[record.flows["reason"] == "liquidity", "source"])
    assert "bank" in invested and "retail" not in invested
    assert metrics["dex.gated.mid_gap_rms"] > 2 * metrics["dex.open.mid_gap_rms"]


def test_the_makers_book_is_quoted_and_traded_on() -> None:
    record = run(dataclasses.replace(find("maker-book"), duration=1_200.0))
    assert len(numbers(record, "quote")) > 100
    assert record.metrics["dex.ETH-PERP.fills"] > 20
    assert all(quote["spread"] > 0 for quote in numbers(record, "quote"))


def test_the_stale_oracle_pays_a_sniper_and_the_vault_pays_for_it() -> None:
    pair = twin_without(find("stale-oracle"), "sniper")
    assert pair.gain("sniper") > 10_000
    assert pair.gain("founders") + pair.gain("provider") < -10_000


def test_fills_that_are_settled_later_keep_the_sniper_at_home() -> None:
    pair = twin_without(find("settled-oracle"), "sniper")
    assert numbers(pair.run, "attack declined") and not numbers(pair.run, "attack")
    assert abs(pair.gain("sniper")) < 1.0
    settled = pair.run.flows.loc[pair.run.flows["reason"] == "settlement"]
    assert {("traders", "vault"), ("vault", "traders")} <= set(zip(settled["source"], settled["target"], strict=True))


def test_a_vault_that_hedges_is_less_exposed_and_pays_for_it() -> None:
    widest = []
    for scenario in (find("hedged-vault"), without(find("hedged-vault"), "hedger")):
        game, found = build(scenario), []
        house, base = game.state.houses[0], game.state.listings[0][0].base
        while game.state.time < scenario.duration:
            game.step()
            found.append(abs(exposure(game.state, house, house.vault, base)))
        widest.append(max(found))
        release(game)
    assert widest[0] < 400 < 1_000 < widest[1]  # base coins; the band is 100
    flows = run(find("hedged-vault")).flows
    paid = flows.loc[flows["source"] == "vault"].groupby(["reason", "target"])["cash"].sum()
    assert paid["hedging", "hedger"] >= 20.0
    assert paid["fee", "treasury"] > 1_000.0


def test_the_push_pays_under_a_short_window_and_stays_home_under_a_long_one() -> None:
    for seed in (1, 2, 3):
        pays = twin_without(dataclasses.replace(find("oracle-push"), seed=seed), "attacker")
        assert pays.gain("attacker") > 1_000
        assert numbers(pays.run, "attack")
        long = vary(find("oracle-push"), "exchange.markets.ETH-PERP.oracle.window", 3_600.0)
        stays = run(dataclasses.replace(long, seed=seed))
        assert not numbers(stays, "attack")
        assert numbers(stays, "attack declined")
        assert abs(stays.metrics["gain.attacker"]) < 1.0


def test_every_funding_rule_of_the_shelf_is_charged_for() -> None:
    scenario = find("funding-rules")
    game = build(scenario)
    game.play()
    indices, rules = {}, {type(market.funding).__name__ for market in scenario.world.exchanges[0].markets}
    for listing in game.state.listings[0]:
        index, rate, _ = game.state.tables[listing.path + ".funding"]
        paid = np.abs(game.state.ledger.balance[listing.house.cash, listing.fund])
        indices[listing.name] = abs(index)
        assert rate != 0.0 and paid > 1_000, listing.name  # units that have passed through the funding account
    release(game)
    assert rules == {"AveragedPremium", "PremiumPlus", "TwapGap", "Imbalance", "Adaptive", "Skew"}
    assert min(indices.values()) > 1e-5, indices  # cash coins per base coin


def test_the_real_crash_liquidates_and_parts_mid_from_fair(klines: Path) -> None:
    scenario = find("october-2025")
    assert isinstance(scenario.nature, Replay)
    played = dataclasses.replace(scenario, nature=dataclasses.replace(scenario.nature, files=(str(klines),)))
    record = run(played)
    assert record.metrics["dex.liquidations"] > 100
    assert record.metrics["dex.deficit"] > 0
    assert record.metrics["dex.ETH-PERP.mid_gap_worst"] > 0.05
    assert record.blocks["dex.ETH-PERP.fair"].min() == pytest.approx(3_435.0, abs=1.0)  # the recorded low of the day
