"""Contagion in a scenario: twins with a channel cut, who bore it, and the command with its figures and graphs."""

import dataclasses
import json
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest

from agents.roles.provider import Provider
from experiments import cli
from experiments.cascades import channels, writing
from experiments.cascades.amplification import ALL, measured, table, twins
from experiments.cascades.burden import DELEVERAGED, UNPAID, VENUE, deficits, positions, summed
from experiments.cascades.episodes import by_cause, heights, largest, standings, told
from experiments.cascades.trees import branching
from experiments.codec import dumps
from experiments.folders import gather
from experiments.run import run
from experiments.scenario import find
from protocol.liquidations.backstop import Backstop
from protocol.losses.insurance import Insurance

FIRE = dataclasses.replace(find("fire-sale"), duration=1_700.0)
CUT = {channel.name: channel.cut for channel in channels.CHANNELS}


@pytest.fixture(scope="module")
def burning():
    return told(FIRE)


def test_a_fire_sale_feeds_itself_and_most_of_what_triggers_it_is_other_liquidations(burning):
    found = branching([burning.why])
    assert found.ratio - 2 * found.error > 0.1
    assert next(iter(by_cause([burning.why]))) == "other liquidations"
    assert sum(by_cause([burning.why]).values()) == pytest.approx(1.0)


def test_where_positions_went_adds_up_to_what_was_liquidated_and_deficits_to_what_was_lost(burning):
    went, paid = positions(burning.record.events), deficits(burning.record.events)
    assert sum(went.values()) == pytest.approx(burning.record.metrics["dex.liquidated"])
    assert sum(paid.values()) == pytest.approx(burning.record.metrics["dex.deficit"])
    assert {VENUE, DELEVERAGED} <= set(went)
    assert "paid by Insurance" in paid
    assert UNPAID not in paid
    assert summed([paid, paid])["paid by Insurance"] == pytest.approx(2 * paid["paid by Insurance"])


def test_without_the_price_channel_no_liquidation_is_a_parent():
    found = told(CUT["price"](FIRE))
    assert all(sum(one.parents().values()) < 1e-9 for one in found.why)
    assert all(name.startswith("taken over by liquidator") for name in positions(found.record.events))


def test_a_cut_price_channel_takes_the_cascade_away():
    whole, cut = measured(FIRE), measured(CUT["price"](FIRE))
    assert cut["liquidations"] < 0.5 * whole["liquidations"]
    assert cut["deficit"] < whole["deficit"]


def test_with_ample_insurance_nobody_is_deleveraged_or_charged():
    found = told(CUT["losses"](FIRE))
    assert set(deficits(found.record.events)) <= {"paid by Insurance"}
    assert DELEVERAGED not in positions(found.record.events)


def test_with_marks_from_outside_the_venue_a_hunt_drives_nobody_below():
    hunted = dataclasses.replace(find("hunted-longs"), duration=1_200.0)
    whole, cut = told(hunted), told(CUT["oracle"](hunted))
    assert by_cause([whole.why])["trades of attacker (attack)"] > 0.8
    assert cut.why == []


def test_a_venue_that_marks_itself_gets_reporters_of_its_own_where_there_is_no_market_beside_it():
    cut = CUT["oracle"](FIRE)
    (market,) = cut.world.exchanges[0].markets
    assert market.oracle.sources() == ()
    assert cut.cast[:-1] == FIRE.cast
    assert cut.cast[-1].count == market.oracle.reporters
    assert run(cut).metrics["dex.liquidated"] < 0.2 * run(FIRE).metrics["dex.liquidated"]


def test_where_reports_are_one_voice_of_several_they_alone_are_heard_and_nobody_new_reports():
    voted = find("voted-mark")
    cut = CUT["oracle"](voted)
    assert cut.cast == voted.cast
    assert [m.oracle.sources() for m in cut.world.exchanges[0].markets if m.instrument.claims()] == [()]


def test_providers_who_never_leave_leave_the_vault_as_deep_as_it_was():
    nervous = dataclasses.replace(find("stale-oracle"), duration=1_800.0)
    cast = tuple(
        dataclasses.replace(role, pain=1e-4, calm=60.0, ponder=30.0) if isinstance(role, Provider) else role
        for role in nervous.cast
    )
    nervous = dataclasses.replace(nervous, cast=cast)
    whole, cut = run(nervous), run(CUT["liquidity"](nervous))
    assert "provider leaves" in set(whole.events["kind"])
    assert "provider leaves" not in set(cut.events["kind"])
    assert cut.blocks["dex.vault"].iloc[-1] > whole.blocks["dex.vault"].iloc[-1]


def test_cuts_say_where_there_is_nothing_to_cut():
    insured = CUT["losses"](FIRE)
    assert CUT["losses"](insured) is None
    assert CUT["oracle"](CUT["oracle"](FIRE)) is None
    assert CUT["oracle"](find("stale-oracle")) is None
    assert CUT["liquidity"](FIRE) is None
    running = find("vault-run")
    stays = CUT["liquidity"](running)
    assert stays is not None
    assert stays != running
    assert CUT["liquidity"](stays) is None
    bare = channels.without_any(FIRE).world.exchanges[0]
    assert isinstance(bare.liquidation, Backstop)
    assert isinstance(bare.losses[0], Insurance)
    again = CUT["price"](channels.without_any(FIRE)).world.exchanges[0]
    assert not isinstance(again.liquidation.inner, Backstop)


def test_amplification_is_paired_by_seed_and_has_a_row_a_channel_and_measure():
    found, steps = twins(dataclasses.replace(FIRE, duration=300.0), (1, 2), workers=1)
    rows = table(found)
    down = table(steps)
    assert list(dict.fromkeys(down["channel"])) == ["price", "losses", "oracle"]
    for measure, path in down.groupby(
        "measure"
    ):  # cut one after another they add up, from the run to the twin without any
        whole, every = (rows.loc[(rows["channel"] == name) & (rows["measure"] == measure)] for name in ("price", ALL))
        assert path["whole"].tolist() == [whole["whole"].item(), *path["cut"].tolist()[:-1]]
        assert path["cut"].tolist()[0] == whole["cut"].item()
        assert path["cut"].tolist()[-1] == every["cut"].item()
    assert list(dict.fromkeys(rows["channel"])) == ["price", "losses", "oracle", ALL]
    assert rows["through"].to_numpy() == pytest.approx((rows["whole"] - rows["cut"]).to_numpy())
    assert (rows["seeds"] == 2).all()
    one = found[0]._replace(cut=found[0].cut._replace(mean=2.0), whole=found[0].whole._replace(mean=6.0))
    assert one.ratio == 3.0
    assert one._replace(cut=one.cut._replace(mean=0.0)).ratio == float("inf")


def test_the_network_of_a_second_playing_is_that_of_the_first(burning):
    family = largest(burning.why)
    start, end = heights(burning, family)
    assert family.size > 5
    before, during = standings(FIRE, (start, end))
    blocks = burning.record.blocks.set_index("height")["time"]
    assert blocks[start] < burning.why[family.root].time <= blocks[end]
    assert blocks[end] == pytest.approx(burning.why[family.root].time + family.duration)
    insured = [one.worth["dex.insurance"] for one in (before, during)]
    recorded = burning.record.blocks.set_index("height")["dex.insurance"]
    assert insured == pytest.approx([recorded[start], recorded[end]])


def test_the_command_prints_a_summary_and_writes_figures_and_graphs(tmp_path, capsys):
    fire = tmp_path / "fire.toml"
    fire.write_text(dumps(FIRE), encoding="utf-8")
    out = tmp_path / "out"
    assert (
        cli.main(["contagion", str(fire), "--seeds", "2", "--deletions", "1", "--out", str(out), "--workers", "1"]) == 0
    )
    told = capsys.readouterr().out
    for words in (
        "branching ratio, overall",
        "other liquidations",
        "sold on the venue",
        "amplification by twins",
        "2 liquidations taken out",
        "If all debts had fallen due at the end of block",
        "the worst of the stretch",
        "times as much if all holders kept their leverage (Greenwood et al.)",
    ):
        assert words in told
    assert all(writing.former(path) for path in out.iterdir())  # so a later go can take away what it does not write
    assert nx.read_graphml(out / "exposures-end.graphml").number_of_edges() > 0
    for name in ("shape", "tree", "network", "amplification", "waterfall"):
        assert (out / f"{name}.png").stat().st_size > 10_000
    due = pd.read_csv(out / "clearing.csv")
    assert set(due["moment"]) == {"before", "during", "worst", "end"}
    short = due.groupby("moment")["shortfall"].sum()
    assert short["worst"] >= short["during"]
    assert (due["paid"] <= due["owed"] + 1e-6).all()
    losses = pd.read_csv(out / "fire-sale-losses.csv")
    assert set(losses) == {"seller", "side", "holder", "overlap", "bounded"}
    assert {("leveraged", "long", "fundamental"), ("fundamental", "long", "leveraged")} <= set(
        losses[["seller", "side", "holder"]].itertuples(index=False, name=None)
    )  # who face each other, and would net to less than nothing
    graph = nx.read_graphml(out / "flows-during.graphml")
    assert graph.graph["unit"] == "cash coins"
    assert len(pd.read_parquet(out / "liquidations.parquet")) == pd.read_parquet(out / "families.parquet")["size"].sum()
    whole = json.loads((out / "contagion.json").read_text())
    assert whole["branching"]["overall"]["liquidations"] > 0


def test_what_stops_while_it_is_written_leaves_nothing_and_what_was_there_stays(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_text("old", encoding="utf-8")

    def stopped(folder):
        folder.mkdir()
        (folder / "a.txt").write_text("half", encoding="utf-8")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        gather(out, stopped)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "a.txt").read_text(encoding="utf-8") == "old"

    def whole(folder):
        folder.mkdir()
        (folder / "b.txt").write_text("new", encoding="utf-8")
        return [folder / "b.txt"]

    assert gather(out, whole) == [out / "b.txt"]
    assert sorted(path.name for path in out.iterdir()) == ["a.txt", "b.txt"]


def test_a_place_that_takes_no_folder_is_refused_before_anything_is_played(capsys, tmp_path):
    full = Path("/dev/fd") / "none"  # no folder can be made there, whoever asks and whatever rights are told of it
    assert cli.main(["contagion", "fire-sale", "--out", str(full)]) == 2
    assert "may not be written to" in capsys.readouterr().err
    assert cli.main(["contagion", "fire-sale", "--out", str(tmp_path / "new"), "--seeds", "0"]) == 2
    assert list(tmp_path.iterdir()) == []  # and trying leaves nothing


def test_of_a_scenario_without_liquidations_the_tables_tell_no_ratio_and_no_cause(tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["contagion", "fire-sale", "--duration", "60", "--seeds", "2", "--workers", "1", "--out", str(out)]
    assert cli.main(arguments) == 0
    told = capsys.readouterr().out
    assert "liquidations" in told
    for word in ("nan", "branching", "cause"):
        assert word not in told
    assert not (out / "failures.png").exists()
    graph = nx.read_graphml(out / "exposures-end.graphml")
    assert graph.graph["unit"] == "cash coins"
    assert graph.number_of_edges() > 0
    assert nx.read_graphml(out / "flows-all.graphml").number_of_edges() > 0
    assert len(pd.read_csv(out / "centrality.csv")) > 3
    assert set(pd.read_csv(out / "clearing.csv")["moment"]) == {"worst", "end"}
    assert "the worst of the run" in told or "any block of the run" in told
    assert "the end of it" not in told  # of nothing that was told


def test_a_folder_written_to_before_keeps_nothing_of_then_and_all_that_is_not_ours(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    former = ("tree.png", "tree.pdf", "flows-during.graphml", "amplification-written-off.png", "network.png")
    for name in (*former, "notes.txt", "tree.txt", "mine.csv"):
        (out / name).write_text("of an earlier run", encoding="utf-8")
    arguments = ["contagion", "fire-sale", "--duration", "60", "--seeds", "2", "--workers", "1", "--out", str(out)]
    assert cli.main(arguments) == 0
    left = {path.name for path in out.iterdir()}
    assert not left & set(former)
    assert {"notes.txt", "tree.txt", "mine.csv", "exposures-end.graphml"} <= left


def test_of_a_scenario_without_liquidations_the_command_says_so(tmp_path, capsys):
    arguments = ["contagion", "fire-sale", "--duration", "60", "--seeds", "2", "--workers", "1", "--json"]
    assert cli.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert json.loads(capsys.readouterr().out)["branching"]["overall"]["ratio"] is None
    assert not (tmp_path / "out" / "tree.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fire-sail"], "did you mean fire-sale"),
        (["fire-sale", "--seeds", "1"], "--seeds 1: must be 2 or more"),
        (["fire-sale", "--deletions", "-1"], "--deletions -1: must be 0 or more"),
        (["fire-sale", "--workers", "0"], "--workers 0: must be 1 or more"),
        (["fire-sale", "--set", "nonsense"], "must be PATH=VALUE"),
        (["october-2025"], "klines"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_two(arguments, words, capsys):
    assert cli.main(["contagion", *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
