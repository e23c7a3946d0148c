"""Every bundled scenario reads, keeps the laws, and reaches what it is there to show."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from agents.nature.replay import Replay
from experiments.codec import dumps, loads
from experiments.overrides import vary
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario, bundled, find
from experiments.twins import twin_without


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


def test_the_makers_book_is_quoted_and_traded_on() -> None:
    record = run(dataclasses.replace(find("maker-book"), duration=1_200.0))
    assert len(numbers(record, "quote")) > 100
    assert record.metrics["dex.ETH-PERP.fills"] > 20
    assert all(quote["spread"] > 0 for quote in numbers(record, "quote"))


def test_the_stale_oracle_pays_a_sniper_and_the_vault_pays_for_it() -> None:
    pair = twin_without(find("stale-oracle"), "sniper")
    assert pair.gain("sniper") > 10_000
    assert pair.gain("founders") + pair.gain("provider") < -10_000


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


def test_the_real_crash_liquidates_and_parts_mid_from_fair(klines: Path) -> None:
    scenario = find("october-2025")
    assert isinstance(scenario.nature, Replay)
    played = dataclasses.replace(scenario, nature=dataclasses.replace(scenario.nature, files=(str(klines),)))
    record = run(played)
    assert record.metrics["dex.liquidations"] > 100
    assert record.metrics["dex.deficit"] > 0
    assert record.metrics["dex.ETH-PERP.mid_gap_worst"] > 0.05
    assert record.blocks["dex.ETH-PERP.fair"].min() == pytest.approx(3_435.0, abs=1.0)  # the recorded low of the day


def test_the_lending_run_reaches_seizures_bad_debt_and_a_queue_at_the_till() -> None:
    record = run(find("lending-run"))
    seizures = numbers(record, "seizure")
    assert len(seizures) > 5
    lost = sum(one["lost"] for one in seizures)
    assert lost > 1_000
    assert record.metrics["lend.USD.loans.lost"] == pytest.approx(lost, abs=0.01)
    assert record.metrics["gain.supplier"] < 0 < record.metrics["gain.keeper"] + record.metrics["gain.two-step"]
    assert record.metrics["lend.USD.loans.utilisation"] > 0.9
    reverts = numbers(record, "reverted")
    assert {"what": "Redeem", "why": "EmptyTill"} in reverts  # who came too late to an emptied till
    assert len(numbers(record, "supplier leaves")) >= 3
    assert len(numbers(record, "short")) >= 3  # of borrowed ETH, against pledged shares of the pool of cash
    assert numbers(record, "covered")
    assert record.metrics["lend.ETH.loans.earned"] > 0
    flows = record.flows.groupby("reason")["cash"].sum()
    assert flows["loan"] > 500_000
    assert flows["seizure"] > sum(one["repaid"] for one in seizures) - 1.0


def test_the_synthetic_is_pushed_held_converted_and_bitten() -> None:
    pair = twin_without(find("synthetic-peg"), "peg")
    held, loose = pair.run, pair.twin
    assert len(numbers(held, "peg above")) > 50
    assert len(numbers(held, "peg below")) > 50
    bites = [one for one in numbers(held, "seizure") if "burnt" in one]
    assert bites
    assert sum(one["lost"] for one in bites) == pytest.approx(held.metrics["mint.sXAU-USD.issue.lost"], abs=1e-8)
    assert held.metrics["mint.sXAU-USD.issue.lost"] > 0
    assert held.metrics["gain.biter"] > 0 < held.metrics["gain.peg"]
    assert held.flows.query("reason == 'trade' and source == 'peg'")["cash"].sum() > 1_000_000
    gaps = [record.metrics["mint.sXAU-USD.mid_gap_rms"] for record in (held, loose)]
    assert 0.005 < gaps[0] < 0.8 * gaps[1]  # it leaves its peg, and further where nobody holds it


def test_tokens_and_vault_shares_margin_a_perpetual_and_are_seized_for_cash_debts() -> None:
    record = run(find("token-margin"))
    seizures = numbers(record, "seizure")
    assert sum(one["group"] == "bull" and one["collateral"] == "ETH" for one in seizures) > 10
    assert all(one["repaid"] > 0 for one in seizures)
    assert record.metrics["gain.bull"] < 0 < record.metrics["gain.seizer"]
    assert record.metrics["gain.carry"] > 0
    assert len(numbers(record, "hedge")) > 50  # with vault shares as margin
    assert len(numbers(record, "carry")) > 20  # with ETH as margin
    assert any(one["group"] == "bull" for one in numbers(record, "liquidation"))
    assert record.metrics["dex.underwater"] == pytest.approx(0.0, abs=1.0)
