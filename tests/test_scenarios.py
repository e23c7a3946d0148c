"""Every bundled scenario reads, keeps the laws, and reaches what it is there to show."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.game import Game
from agents.nature.replay import Replay
from experiments.codec import dumps, loads
from experiments.overrides import vary
from experiments.record import Record
from experiments.run import build, release, run
from experiments.scenario import Scenario, bundled, find, without
from experiments.twins import twin_without
from protocol import exchange
from protocol.chain import Block
from protocol.hedging import exposure
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.curves import Exponential, Linear
from protocol.liquidations.dutch import Dutch
from protocol.venues.self_trade import CancelMaker, CancelTaker, DecrementBoth, SelfTradePrevention


def numbers(record: Record, kind: str) -> list[dict[str, Any]]:
    """What was written beside each event of a kind."""
    found: list[dict[str, Any]] = record.events.loc[record.events["kind"] == kind, "numbers"].tolist()
    return found


@pytest.mark.parametrize("name", bundled())
def test_a_bundled_scenario_survives_the_way_to_toml_and_back(name: str) -> None:
    scenario = find(name)
    assert loads(Scenario, dumps(scenario)) == scenario


@pytest.mark.parametrize("name", [name for name in bundled() if not name.startswith("october-2025")])
def test_a_bundled_scenario_keeps_every_law(name: str) -> None:
    scenario = find(name)
    slowest = max(chain.blocks.interval for chain in scenario.world.chains)
    record = run(dataclasses.replace(scenario, duration=max(600.0, 60.0 * slowest)), check=True)
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
    assert record.metrics["gain.sniper"] < 0  # how wide the band is when it leaves, it does not foresee


def test_without_a_band_the_sniper_of_the_guarded_pull_earns() -> None:
    assert run(vary(find("guarded-pull"), "exchange.market.venue.confidence_weight", 0.0)).metrics["gain.sniper"] > 0


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


def test_the_options_vault_trades_settles_and_is_hedged() -> None:
    record = run(dataclasses.replace(find("options-vault"), duration=3_700.0))  # a little beyond the first expiry
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
    pair = twin_without(dataclasses.replace(find("options-vault"), duration=120.0), "quoter")
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


def test_fills_that_are_settled_later_keep_the_sniper_at_home() -> None:
    pair = twin_without(find("settled-oracle"), "sniper")
    assert numbers(pair.run, "attack declined") and not numbers(pair.run, "attack")
    assert abs(pair.gain("sniper")) < 1.0
    settled = pair.run.flows.loc[pair.run.flows["reason"] == "reclaim"]
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


def played(scenario: Scenario) -> tuple[list[tuple[float, Any]], Game]:
    """Everything that transactions came to, with the time of its block, and the game after the last one."""
    game = build(scenario)
    done: list[tuple[float, Any]] = []
    write_down = game.recorder.block

    def watch(block: Block, chain: int) -> None:
        done.extend((block.time, receipt.outcome) for receipt in block.receipts if receipt.revert is None)
        write_down(block, chain)

    setattr(game.recorder, "block", watch)  # noqa: B010 - a method of an object, for a test
    try:
        game.play()
    finally:
        release(game)
    return done, game


def of_kind(done: list[tuple[float, Any]], kind: type[Any]) -> list[Any]:
    return [outcome for _, outcome in done if isinstance(outcome, kind)]


def test_dutch_auctions_start_are_taken_in_part_and_start_anew() -> None:
    done, game = played(find("dutch-auction"))
    started, closed = of_kind(done, exchange.Started), of_kind(done, exchange.Liquidated)
    groups = {game.state.ledger.groups[game.state.ledger.group[one.taker]] for one in closed}
    first = {one.account: abs(one.size) for one in reversed(started)}
    assert sum(one.rounds == 1 for one in started) > 10
    assert len(closed) > 5
    assert {"small", "large"} <= groups
    assert sum(one.taken < first[one.account] for one in closed) > 5
    assert sum(one.rounds > 1 for one in started) > 5
    assert all(one.opened <= one.started <= time for time, one in done if isinstance(one, exchange.Liquidated))
    assert any(event.kind == "take put off" for event in game.recorder.events)


def test_both_curves_of_two_exchanges_side_by_side_end_in_takings() -> None:
    done, game = played(dataclasses.replace(find("dutch-curves"), duration=10_000.0))
    for name, curve in (("linear", Linear), ("exponential", Exponential)):
        rules = game.state.exchange(game.house(name)).liquidation
        assert isinstance(rules, Backstop) and isinstance(rules.inner, Dutch) and isinstance(rules.inner.curve, curve)
        started = [one for one in of_kind(done, exchange.Started) if one.listing.house.name == name]
        taken = [one for one in of_kind(done, exchange.Liquidated) if one.listing.house.name == name and one.taken]
        assert sum(one.rounds == 1 for one in started) > 10
        assert len(taken) > 5
    assert any(event.kind == "take put off" for event in game.recorder.events)


def test_on_black_thursday_a_lone_bidder_wins_for_nothing_because_others_are_not_served() -> None:
    """In March 2020, 1,462 of MakerDAO's 3,994 liquidations went for zero bids (context, not a target)."""
    crowded = find("black-thursday")
    free = dataclasses.replace(crowded, outside=dataclasses.replace(crowded.outside, load=0.0))
    zero, others, debt = [], [], []
    for scenario in (crowded, free):
        done, game = played(scenario)
        closed = [one for one in of_kind(done, exchange.Liquidated) if one.size < 0]  # longs: a bid is the price
        assert len(closed) > 30
        assert of_kind(done, exchange.Bidden)
        groups = [game.state.ledger.groups[game.state.ledger.group[one.taker]] for one in closed]
        zero.append(sum(one.price == 0.0 for one in closed) / len(closed))
        others.append(groups.count("bots") / len(closed))
        debt.append(sum(one.deficit for one in closed))
    assert zero[0] > 0.5
    assert others[0] < 0.1
    assert zero[1] == 0.0
    assert others[1] > 0.5
    assert debt[0] > 50 * debt[1]


def test_the_graded_are_warned_and_closed_both_ways_and_the_vault_takes_over_the_worst() -> None:
    done, game = played(find("graded-takeover"))
    closed = of_kind(done, exchange.Liquidated)
    takers = [game.state.ledger.groups[game.state.ledger.group[one.taker]] if one.taker >= 0 else "" for one in closed]
    assert len(of_kind(done, exchange.Started)) > 5
    assert takers.count("") > 3
    assert takers.count("small") + takers.count("large") > 3
    assert takers.count("vault") > 3
    assert any(
        one.rounds > 0 and time >= one.started + 30.0 for time, one in done if isinstance(one, exchange.Liquidated)
    )


def test_auctions_turn_insolvent_and_the_insurance_pays_whoever_takes_them() -> None:
    done, _ = played(find("solvent-insolvent"))
    closed = of_kind(done, exchange.Liquidated)
    assert any(one.deficit == 0 for one in closed)
    assert any(name == "Insurance" for one in closed for name, _ in one.covered)
    assert any(one.rounds > 1 for one in of_kind(done, exchange.Started))


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
