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
from protocol import exchange
from protocol.venues.self_trade import CancelMaker, CancelTaker, DecrementBoth, SelfTradePrevention


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


def test_the_ranged_pool_is_followed_by_its_providers_and_kept_at_fair_for_the_oracle() -> None:
    record = run(dataclasses.replace(find("ranged-pool"), duration=3_600.0))
    assert len(numbers(record, "provider follows")) >= 3
    assert record.metrics["dex.ETH-USD.fills"] > 200
    assert record.metrics["dex.ETH-USD.mid_gap_rms"] < 0.003
    assert record.metrics["dex.ETH-PERP.latency_gap_rms"] < 0.005
    assert record.metrics["gain.arbitrageur"] > 0 > record.metrics["gain.ranger"]
    fees = record.flows.query("reason == 'fee' and source == 'venue' and target == 'ranger'")
    assert fees["cash"].sum() > 100
    assert abs(record.metrics["wealth.venue"]) < 1.0


def test_the_batch_auction_is_quoted_cleared_and_its_debtors_taken_over() -> None:
    record = run(find("batch-auction"))
    assert record.metrics["dex.ETH-PERP.fills"] > 1_000
    assert record.metrics["dex.ETH-PERP.mid_gap_rms"] < 0.01
    assert record.metrics["gain.maker"] > 0
    taken = numbers(record, "liquidation")
    assert len(taken) > 5
    assert all(one["notional"] > 0 for one in taken)
    per_block = record.blocks.set_index("time")["dex.ETH-PERP.fills"]
    assert (per_block[per_block > 0].index % 6.0 == 0.0).all()  # nothing is filled but when an auction clears
    assert abs(record.metrics["wealth.venue"]) < 1.0


def test_the_spot_books_makers_pick_each_other_off_and_never_trade_with_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    met, trade = [], exchange.trade

    def watched(state: Any, listing: Any, account: int, size: int, limit: float = float("nan")) -> Any:
        done = trade(state, listing, account, size, limit)
        met.append((size, done.size))
        return done

    monkeypatch.setattr(exchange, "trade", watched)
    record = run(dataclasses.replace(find("spot-book"), duration=1_800.0))
    assert len(numbers(record, "picks off")) > 10
    assert any(0 < abs(done) < abs(asked) for asked, done in met)  # less what they had in common with themselves
    assert record.metrics["dex.ETH-USD.fills"] > 300
    assert record.metrics["dex.ETH-USD.mid_gap_rms"] < 0.005
    assert record.metrics["gain.takers"] < 0


@pytest.mark.parametrize("rule", [CancelMaker(), CancelTaker(), DecrementBoth()])
def test_what_becomes_of_self_trades_is_a_parameter_of_the_book(rule: SelfTradePrevention) -> None:
    varied = vary(dataclasses.replace(find("spot-book"), duration=1_800.0), "exchange.market.venue.self_trade", rule)
    reverts = [one["why"] for one in numbers(run(varied), "reverted")]
    assert ("SelfTrade" in reverts) == isinstance(rule, CancelTaker)


def test_the_makers_book_is_quoted_and_traded_on() -> None:
    record = run(dataclasses.replace(find("maker-book"), duration=1_200.0))
    assert len(numbers(record, "quote")) > 100
    assert record.metrics["dex.ETH-PERP.fills"] > 20
    assert all(quote["spread"] > 0 for quote in numbers(record, "quote"))


def test_the_options_vault_trades_settles_and_is_hedged() -> None:
    record = run(find("options-vault"))
    for market in ("ETH-FUT", "ETH-2000-C", "ETH-1990-P", "ETH-2000-C-DAY", "ETH-1950-P-DAY", "ETH-2100-C-WEEK"):
        assert record.metrics[f"dex.{market}.fills"] > 20
    for market in ("ETH-FUT", "ETH-2000-C", "ETH-1990-P"):
        assert record.metrics[f"dex.{market}.settled"] >= 0
        assert record.metrics[f"dex.{market}.settled_accounts"] > 0
    index = record.blocks.loc[record.blocks["time"].between(3_000.0, 3_597.0), "dex.ETH-PERP.index"].mean()
    assert record.metrics["dex.ETH-FUT.settled"] == pytest.approx(index, rel=1e-4)
    assert record.flows.loc[record.flows["reason"] == "settlement", "cash"].sum() > 1_000
    assert len(numbers(record, "option quote")) > 200
    assert len(numbers(record, "surface")) > 3
    assert numbers(record, "cover")
    assert numbers(record, "cover not listed")
    hedges = [one["delta"] for one in numbers(record, "hedge")]
    assert min(hedges) < 0 < max(hedges)


def test_the_makers_hedging_moves_the_perpetual() -> None:
    pair = twin_without(dataclasses.replace(find("options-vault"), duration=2_400.0), "quoter")
    path, first = "dex.ETH-PERP.mid", numbers(pair.run, "hedge")
    assert first
    time = float(pair.run.events.loc[pair.run.events["kind"] == "hedge", "time"].iloc[0])
    ours, theirs = (record.blocks.set_index("time")[path] for record in (pair.run, pair.twin))
    assert (ours[ours.index <= time] == theirs[theirs.index <= time]).all()
    after = ours[ours.index > time].iloc[0] - theirs[theirs.index > time].iloc[0]
    assert after * first[0]["delta"] < 0  # it sells what delta it has too much of


def test_thinly_margined_options_are_liquidated_and_without_keepers_settle_in_debt() -> None:
    pair = twin_without(find("short-options"), "keeper")
    assert len(numbers(pair.run, "liquidation")) > 3
    assert pair.run.metrics["dex.deficit"] > 0
    assert pair.twin.metrics["dex.ETH-2000-C.settled_deficit"] > 1_000
    assert pair.twin.metrics["dex.ETH-2000-C.settled_uncovered"] == 0
    assert pair.twin.flows.loc[pair.twin.flows["reason"] == "loss_vault", "cash"].sum() > 0


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
