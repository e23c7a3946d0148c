"""An audit tells a weak protocol from a hardened one, stays within its budget, can be stopped, and its recipes replay."""

import dataclasses
import json
import math
import re
from functools import partial

import numpy as np
import pytest
from audits import WEAK, WINDOW, pretend

from agents.attacks.oracle_push import OraclePush
from agents.attacks.stale_sniper import StaleSniper
from agents.attacks.vault_runner import VaultRunner
from agents.nature.gbm import GeometricBrownian
from agents.nature.jumps import JumpDiffusion
from experiments import cli
from experiments.arsenal.honest import peopled
from experiments.arsenal.seating import benign
from experiments.arsenal.verdict import DEARER
from experiments.audit import examining, hardening, report, rivals, telling
from experiments.audit import hardened as hardened_report
from experiments.audit.answering import _after
from experiments.audit.bench import Bench, bench
from experiments.audit.designs import INSIDE, Design, Hardened
from experiments.audit.examining import audit, least_budget, quantile_interval
from experiments.audit.findings import Audit, Line
from experiments.audit.hardening import _Search, harden
from experiments.audit.hunting import SEEDS, Hunt, honest, hunted, of
from experiments.audit.judging import chance_of
from experiments.audit.levers import levers, longest, turned, value_of
from experiments.audit.paths import paths
from experiments.audit.rivals import Arsenal
from experiments.audit.weighing import MORE
from experiments.axes.base import Bound
from experiments.codec import dumps, load
from experiments.defences.exit_fee import ExitFee
from experiments.defences.longer_window import LongerWindow
from experiments.optimising import GENERATION
from experiments.run import run
from experiments.scenario import Scenario, bundled, find
from experiments.statistics import Estimate, share
from experiments.wishes import plugins_in, replaying

LONG = dataclasses.replace(WEAK, duration=10_800.0)  # for windows of an hour, where nothing is played
PLAYED = dataclasses.replace(WEAK, duration=300.0)
STRONG = dataclasses.replace(find("oracle-push-hardened"), duration=300.0)
KINDS = {"OraclePush": OraclePush}
BOTH = {**KINDS, "StaleSniper": StaleSniper}
RULES = {"LongerWindow": LongerWindow(), "ExitFee": ExitFee()}
BUDGET, EVEN = 700, 140


def examined(scenario, out, budget=BUDGET, kinds=KINDS):
    with bench(out, budget) as runs:
        return audit(scenario, kinds, RULES, paths(scenario, ()), runs, bound=1_000.0)


@pytest.fixture(scope="module")
def weak(tmp_path_factory):
    out = tmp_path_factory.mktemp("weak")
    found = examined(PLAYED, out)
    report.write(found, out)
    return found, out


@pytest.fixture(scope="module")
def hardened(tmp_path_factory):
    out = tmp_path_factory.mktemp("hardened")
    return examined(STRONG, out, EVEN, BOTH), out


def test_a_weak_protocol_falls_and_the_change_that_is_named_holds_against_a_new_search(weak):
    found, _ = weak
    (line,) = found.paying
    assert line.attack == "OraclePush" and line.bare.profit.low > found.bound and line.p <= 0.05
    assert next(iter(line.bare.victims)) == "providers" and line.bare.stake > 0
    holding = next(one for one in line.tried if one.holds)
    assert line.stopped_by == holding.change.name in found.changes
    assert holding.after.profit.seeds == len(SEEDS) and holding.after.profit.high <= found.bound
    assert holding.cost.counts
    assert found.spent["verification"] > 2 * len(SEEDS)  # the old attack and honest runs, and a search beyond them


def test_a_change_does_not_hold_where_its_interval_reaches_what_is_worth_an_attack(weak):
    (line,) = weak[0].paying
    stopped = line.bare._replace(stopped=True, profit=Estimate(500.0, -100.0, 1_000.0, 12))
    assert stopped.within(1_000.0)
    assert not stopped.within(999.0)
    assert not stopped._replace(stopped=False).within(1_000.0)


def test_what_earns_the_bound_give_or_take_is_no_finding_though_it_earns_on_every_seed():
    profits = [1_000.0 + gap for gap in (40.0, -35.0, 30.0, -25.0, 20.0, -15.0, 10.0, -5.0)]
    assert chance_of(profits, 1_000.0) > 0.5
    assert chance_of(profits, 0.0) < 0.01


def test_a_rule_that_does_nothing_about_it_is_not_what_stops_it(weak):
    fee = next(one for one in weak[0].paying[0].tried if one.change.name.startswith("ExitFee"))
    assert not fee.holds and fee.old > 0 and fee.after is None


def test_a_hardened_protocol_is_told_from_it(hardened):
    """The same market, capital and cap. The push finds no pool to move, the sniper searches its settings and finds nothing."""
    found, _ = hardened
    assert found.paying == found.changes == found.unknown == found.undecided == [] and found.sound
    push, sniper = found.lines
    assert push.state == "no surface" and "no pool moves this index" in push.why
    assert sniper.hunt.tried >= GENERATION and sniper.hunt.worth <= 0.0 and not sniper.hunt.wrong
    assert "none was found that earns more than 1,000" in " ".join(telling.verdict(found))


def test_where_nothing_pays_whoever_stays_at_home_is_searched_with_the_runs_that_are_left(
    hardened, tmp_path, monkeypatch
):
    monkeypatch.setattr(examining, "HUNTING", 0.0)
    (tmp_path / "runs.jsonl").write_bytes((hardened[1] / "runs.jsonl").read_bytes())
    found = examined(STRONG, tmp_path, EVEN, BOTH)
    assert found.lines[1].hunt.tried >= GENERATION and found.sound and not found.short


def test_a_hardened_protocol_is_no_dead_one():
    """Over a quarter of an hour, in which a tenth of the cap would bind, it keeps the trade and positions of the weak one."""
    for seed in (1, 2):
        weak, strong = (
            run(dataclasses.replace(benign(one), duration=900.0, seed=seed)).metrics for one in (WEAK, STRONG)
        )
        for column in ("dex.ETH-PERP.volume", "dex.held"):
            assert weak[column] > 100_000.0 and strong[column] > 0.95 * weak[column]


def test_the_parameter_that_binds_is_found(weak):
    window = next(one for one in weak[0].turns["OraclePush"].binding if one.turn.bound.path == WINDOW)
    assert window.turn.helps_up and window.change.high < -0.5 * weak[0].turns["OraclePush"].plain.mean


def test_no_more_runs_are_made_than_the_budget_has(weak, hardened):
    for found, budget in ((weak[0], BUDGET), (hardened[0], EVEN)):
        assert sum(found.spent.values()) <= budget == found.budget
    assert (
        len((weak[1] / "runs.jsonl").read_bytes().splitlines()) == len(weak[0].digests) <= sum(weak[0].spent.values())
    )


def test_every_recipe_replays_to_the_reported_profit(weak):
    found, out = weak
    for row in json.loads((out / "report.json").read_text())["attacks"]:
        record = run(load(Scenario, out / row["recipe"]))
        assert record.metrics["gain.attacker"] == row["replay"]["profit"]
        assert record.digest == row["replay"]["digest"]
        assert row["replay"]["seed"] in SEEDS


def test_the_changed_rules_are_written_down_and_are_no_longer_pushed(weak):
    found, out = weak
    changed = load(Scenario, out / "changed.toml")
    assert changed.world == found.changed.world != PLAYED.world
    assert run(dataclasses.replace(changed, cast=WEAK.cast)).metrics["gain.attacker"] < 1_000.0


def test_the_page_needs_no_network_and_holds_its_figures(weak):
    page = (weak[1] / "report.html").read_text()
    assert not re.search(r"(src|href)=\"(?!data:)|https?://|@import|<script", page)
    assert page.count("data:image/png;base64,") >= 2
    assert "dies by OraclePush" in page and "dies by OraclePush" in (weak[1] / "report.md").read_text()


def test_an_audit_that_was_stopped_goes_on_to_the_same(weak, tmp_path, monkeypatch):
    found, out = weak
    journal = (out / "runs.jsonl").read_bytes()
    lines = journal.splitlines(keepends=True)
    (tmp_path / "runs.jsonl").write_bytes(b"".join(lines[:-20]) + lines[-1][:20])  # and one cut short
    played = []
    keep = Bench._keep
    monkeypatch.setattr(Bench, "_keep", lambda self, key, found: (played.append(key), keep(self, key, found)))
    again = examined(PLAYED, tmp_path)
    assert len(played) == 20
    report.write(again, tmp_path)
    for name in ("report.json", "report.md", "report.html", "changed.toml"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


def test_a_hunt_goes_on_from_what_it_knows_and_its_best_is_among_those_played_longest(tmp_path):
    with bench(tmp_path, 200) as runs:
        first = hunted(runs, "x", Hunt(dataclasses.replace(WEAK, cast=WEAK.cast[:-1]), WEAK.cast[-1]), 1)
        spent = runs.spent["x"]
        assert first.tried == 8 and spent == 16
        assert hunted(runs, "x", first, 1) == first and runs.spent["x"] == spent
        results = runs.play("x", [of(first.best, first.scenario, seed) for seed in (1, 2, 3, 4)])
        assert first.worth == pytest.approx(np.mean([one.gains["attacker"] for one in results]))
        assert runs.spent["x"] == spent


def test_a_run_that_goes_wrong_is_told_and_stops_nobody(tmp_path):
    bad = dataclasses.replace(WEAK, cast=(StaleSniper(name="x", market="ETH-PERP"),), duration=1.0)
    with bench(tmp_path, 5) as runs:
        assert runs.play("x", [honest(bad, 1), honest(dataclasses.replace(WEAK, duration=24.0), 1)])[0] is None
        assert len(runs.wrong) == 1 and "no block was sealed" in runs.wrong[0]
    with bench(tmp_path, 5) as runs:
        assert runs.play("x", [honest(bad, 1)]) == [None] and runs.left == 4


def test_two_audits_do_not_share_a_folder(tmp_path):
    from experiments.codec import Mistakes

    with bench(tmp_path, 5), pytest.raises(Mistakes, match="another process"), bench(tmp_path, 5):
        pass


def test_paths_are_what_the_scenario_has_and_what_it_lacks():
    calm, stressed = paths(WEAK, ())
    assert calm.nature == WEAK.nature and isinstance(stressed.nature, JumpDiffusion)
    assert stressed.nature.start == WEAK.nature.start and stressed.nature.volatility == (1.2,)
    wild = find("gen-fourth")
    calm, stressed = paths(wild, ())
    assert stressed.nature == wild.nature and isinstance(calm.nature, GeometricBrownian)
    assert calm.nature.drift == (0.0,)


def test_the_real_path_begins_where_the_record_moves_most(tmp_path):
    lines = ["open_time,open,high,low,close"]
    for n in range(40):
        low = 80.0 if n == 25 else 99.0
        lines.append(f"{1_700_000_000_000 + 60_000 * n},100,101,{low},100")
    (tmp_path / "bars.csv").write_text("\n".join(lines))
    *_, real = paths(WEAK, [tmp_path / "bars.csv"])
    assert real.name == "real" and real.nature.start == WEAK.nature.start
    width = math.ceil(WEAK.duration / 60.0)
    assert 25 - width <= real.nature.begin <= 25
    prices = run(real.of(dataclasses.replace(WEAK, cast=()))).blocks["dex.ETH-PERP.fair"]
    assert prices.min() < 0.85 * prices.iloc[0]


def test_levers_are_numbers_of_the_rules_that_may_be_turned():
    found = {lever.path: lever for lever in levers(WEAK)}
    assert value_of(WEAK, WINDOW) == 60.0 and WINDOW in found
    assert not any("liquidity" in path or "insurance" in path or "instrument" in path for path in found)
    for path, lever in found.items():
        for end in (lever.low, lever.high):
            assert value_of(turned(WEAK, path, end), path) == end
    assert found["exchanges.dex.margin.maintenance"].high <= 0.1  # below initial margin


def test_a_quantile_has_an_upper_end_only_with_enough_runs():
    low, high = quantile_interval(list(range(100)), 0.99)
    assert math.isinf(high) and low <= 98
    low, high = quantile_interval([float(x) for x in range(1_000)], 0.99)
    assert low < 990 < high < 1_000
    covered = 0
    for seed in range(200):
        sample = sorted(np.random.default_rng(seed).uniform(size=500))
        low, high = quantile_interval(sample, 0.99)
        covered += low <= 0.99 <= high
    assert share(covered, 200).high >= 0.95


PEOPLED = (
    "stale-oracle",
    "maker-book",
    "lending-run",
    "synthetic-peg",
    "leveraged-crash",
    "guarded-pull",
    "flash-push",
)


@pytest.mark.parametrize("name", PEOPLED)
def test_a_world_without_a_cast_is_peopled_and_trades(name):
    bare = dataclasses.replace(find(name), cast=(), references=(), duration=120.0)
    row = run(peopled(bare)).metrics
    volumes = {key: value for key, value in row.items() if key.endswith(".volume")}
    assert all(value > 0 for value in volumes.values())


def test_every_bundled_world_can_be_peopled():
    for name in bundled():
        world = dataclasses.replace(find(name), cast=(), references=())
        assert peopled(world).cast and peopled(world).references
        assert peopled(find(name)) == find(name)


def test_the_command_says_what_it_came_to_by_its_status(weak, hardened, tmp_path, capsys):
    """On folders that know nearly every run. The weak and the hardened one with as many, and against the same two attacks."""
    cases = (
        ("weak", PLAYED, weak[1], BUDGET, KINDS, 1),
        ("short", PLAYED, weak[1], 40, KINDS, 3),
        ("even", PLAYED, weak[1], EVEN, BOTH, 1),
        ("strong", STRONG, hardened[1], EVEN, BOTH, 0),
    )
    for name, scenario, known, budget, kinds, status in cases:
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.toml").write_text(dumps(scenario))
        (tmp_path / name / "runs.jsonl").write_bytes((known / "runs.jsonl").read_bytes())
        words = ["audit", str(tmp_path / f"{name}.toml"), "--workers", "1"]
        words += [word for kind in kinds for word in ("--attack", kind)]
        words += [word for rule in RULES for word in ("--defence", rule)]
        assert cli.main([*words, "--budget", str(budget), "--out", str(tmp_path / name)]) == status
    told = capsys.readouterr().out
    assert "dies by OraclePush" in told and "nothing is known of OraclePush" in told
    assert (tmp_path / "weak" / "runs.jsonl").read_bytes() == (weak[1] / "runs.jsonl").read_bytes()


def test_bad_wishes_of_an_audit_are_a_line_each_and_nothing_is_written(tmp_path, capsys):
    out = tmp_path / "out"
    words = ["audit", "oracle-push", "--attack", "Oraclepush", "--defence", "Hope", "--bound", "-1", "--capital", "0"]
    assert cli.main([*words, "--workers", "0", "--klines", str(tmp_path / "none.csv"), "--out", str(out)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 6
    assert cli.main(["audit", "oracle-push", "--budget", "20", "--out", str(out)]) == 2
    need = least_budget(find("oracle-push"), KINDS, paths(find("oracle-push"), ()))
    assert need == 2 * (12 + 1) + 12
    (line,) = capsys.readouterr().err.splitlines()
    assert "--budget 20: must be" in line and not out.exists()
    assert cli.main(["audit", "october-2025", "--out", str(out)]) == 2
    assert "say which with --klines" in capsys.readouterr().err and not out.exists()


def test_hardening_brings_a_weak_protocol_under_its_bound_lets_trade_go_on_and_draws_the_frontier(tmp_path):
    """In runs that a window of ten minutes has time to work in: both, with all of every interval, on seeds kept for that."""
    weak = dataclasses.replace(WEAK, duration=1_800.0)
    over = (Bound(WINDOW, 24.0, 600.0, "log", WINDOW),)
    calm, _ = paths(weak, ())
    with bench(tmp_path, 400) as runs:
        found = harden(weak, KINDS, over, calm, runs, bound=1_000.0)
    assert sum(found.spent.values()) <= 400
    assert found.start.worst.low > found.bound and not found.start.stands
    assert found.start.kept.volume == (1.0, 1.0, 1.0, len(SEEDS))
    chosen = found.chosen
    assert chosen.stands and chosen.worst.high <= found.bound and chosen.design.levers[WINDOW] > 60.0
    assert chosen.kept.trade.low > 0.95 and chosen.kept.dearer.high <= DEARER and chosen.kept.volume.seeds >= len(SEEDS)
    assert chosen.efficiency.mean == max(one.efficiency.mean for one in found.judged if one.stands)
    assert value_of(found.best, WINDOW) == chosen.design.levers[WINDOW]
    assert any(one.worst > found.bound for one in found.designs) and any(
        one.worst <= found.bound for one in found.designs
    )
    files = hardened_report.write(found, tmp_path)
    assert {path.name for path in files} >= {"hardened.toml", "frontier.png", "designs.csv"}
    assert load(Scenario, tmp_path / "hardened.toml") == found.best
    told = (tmp_path / "harden.txt").read_text()
    assert f"volume kept {chosen.kept.volume.mean:.1%} [" in told and "open interest kept " in told


def trading(**kept):
    """Numbers of honest runs: the rules as they are have 100 of all, give or take; a longer window keeps so much of it."""

    def numbers(trial):
        seed = trial.scenario.seed
        long = value_of(trial.scenario, WINDOW) > 60.0
        found = {"volume": 100.0, "open_interest": 100.0, "slippage": 0.001, "held": 1.0}
        draws = np.random.default_rng([seed, long]).normal(size=2)
        share = {name: kept.get(name, 1.0) if long else 1.0 for name in found}
        spread = kept.get("spread", 0.0) if long else 0.0
        found["volume"] *= share["volume"] + spread * draws[0]
        found["open_interest"] *= share["open_interest"] + spread * draws[1]
        found["slippage"] *= share["slippage"]
        return found

    return numbers


@pytest.mark.parametrize(
    ("kept", "stands", "seeds"),
    [
        ({"volume": 0.9, "open_interest": 0.95, "spread": 0.02}, True, 12),
        ({"volume": 0.7, "open_interest": 0.95, "spread": 0.02}, False, 12),
        ({"volume": 0.95, "open_interest": 0.7, "spread": 0.02}, False, 12),
        ({"slippage": 1.3}, False, 12),  # trade goes on, for crowds look at no price
        ({"slippage": 1.2}, True, 12),
        ({"volume": 0.84, "open_interest": 1.0, "spread": 0.08}, True, 36),  # 12 seeds leave it open
        ({"volume": 0.81, "open_interest": 1.0, "spread": 0.3}, False, 36),  # and so do 36
    ],
)
def test_what_a_design_keeps_of_trade_is_held_to_its_interval_on_held_out_seeds_and_on_more_where_that_is_close(
    monkeypatch, tmp_path, kept, stands, seeds
):
    """On the two seeds of the search each of them keeps all there is."""
    usual = trading(**kept)
    pretend(
        monkeypatch,
        lambda _: 0.0,
        lambda trial: usual(trial) if trial.scenario.seed in SEEDS + MORE else trading()(trial),
    )
    with bench(tmp_path, 900) as runs:
        search = searching(runs)
        search.found.designs = [search._played({WINDOW: 60.0}, 0), search._played({WINDOW: 600.0}, 1)]
        assert search._open == [search.found.designs[1]] and search.found.designs[1].trade == 1.0
        search.judge()
    (judged,) = search.found.judged
    assert judged.stands == stands and judged.kept.volume.seeds == seeds and judged.attacks["OraclePush"].seeds == seeds
    assert judged.kept.volume.low < judged.kept.volume.mean < judged.kept.volume.high or "spread" not in kept
    assert (search.found.chosen is not None) == stands


def test_a_second_look_is_taken_only_where_runs_are_left(monkeypatch, tmp_path):
    pretend(monkeypatch, lambda _: 0.0, trading(volume=0.82, spread=0.1))
    with bench(tmp_path, 150) as runs:
        search = searching(runs)
        search.found.designs = [search._played({WINDOW: 60.0}, 0), search._played({WINDOW: 600.0}, 1)]
        search.found.start = search._judged(search.found.designs[0])
        judged = search._judged(search.found.designs[1])
    assert judged.kept.volume.seeds == len(SEEDS) and not judged.stands


def test_a_span_is_searched_only_as_far_as_a_run_can_show_it(tmp_path, capsys):
    words = [
        "harden",
        "oracle-push",
        "--duration",
        "900",
        "--over",
        "oracle.window=24:2400:log",
        "--over",
        "margin.initial=0.06:0.5",
    ]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "high = 2400: must be 300 or less" in line and "--duration 7200" in line and not (tmp_path / "out").exists()
    assert longest(WEAK, "exchanges.dex.margin.initial") == math.inf and longest(WEAK, WINDOW) == 60.0


@pytest.fixture
def instead(monkeypatch):
    """Runs that are not played."""
    return partial(pretend, monkeypatch)


@pytest.mark.parametrize(("budget", "status"), [(70, 3), (300, 1)])
def test_what_the_seeds_leave_open_is_told_as_open_and_gets_the_runs_that_are_left(
    instead, tmp_path, capsys, budget, status
):
    """An attack that wins 60,000 or loses 30,000 by turns: 12 seeds cannot tell, 72 can."""
    instead(lambda trial: (60_000.0 if trial.scenario.seed % 2 else -30_000.0) if trial.attack else 0.0)
    (tmp_path / "weak.toml").write_text(dumps(WEAK))
    words = ["audit", str(tmp_path / "weak.toml"), "--attack", "OraclePush", "--defence", "ExitFee", "--workers", "1"]
    assert cli.main([*words, "--budget", str(budget), "--out", str(tmp_path / "out")]) == status
    told, found = capsys.readouterr().out, json.loads((tmp_path / "out" / "report.json").read_text())
    (row,) = found["attacks"]
    page = (tmp_path / "out" / "report.md").read_text()
    assert found["sound"] is False and row["pays"] == (status == 1) and row["undecided"] == (status == 3)
    assert ("Undecided" in told) == ("| undecided by " in page) == (status == 3)
    assert "does not pay" not in page and "found that earns" not in told
    assert row["profit"]["seeds"] > len(SEEDS) and found["spent"]["more held-out seeds"] <= budget
    assert row["replay"]["seed"] in SEEDS


def searching(bench):
    plain, attack = benign(LONG), dataclasses.replace(WEAK.cast[-1], name="attacker")
    over = (Bound(WINDOW, 24.0, 2_400.0, "log", WINDOW),)
    found = Hardened(plain, 1_000.0, paths(LONG, ())[0], over, ("OraclePush",), budget=bench.budget)
    return _Search(bench, found, [Hunt(plain, attack, best=attack, worth=1.0)], Arsenal(KINDS, {}, None))


def test_a_hardening_whose_runs_go_wrong_does_not_say_that_nothing_pays(instead, tmp_path, capsys):
    (tmp_path / "weak.toml").write_text(dumps(LONG))
    words = ["harden", str(tmp_path / "weak.toml"), "--attack", "OraclePush", "--workers", "1", "--out"]
    instead(lambda _: None)
    assert cli.main([*words, str(tmp_path / "all")]) == 2
    assert "an honest run goes wrong: honest" in capsys.readouterr().err
    instead(lambda trial: None if trial.attack else 0.0)
    assert cli.main([*words, str(tmp_path / "attacks")]) == 3
    told = capsys.readouterr().out
    assert "nothing to harden against" not in told and "OraclePush: not screened: its runs went wrong" in told
    assert "runs that went wrong, 1:" in told and "OraclePush  seed 1: it fails" in told
    instead(lambda _: 0.0)
    assert cli.main([*words, str(tmp_path / "none")]) == 0
    assert "nothing to harden against" in capsys.readouterr().out


@pytest.mark.parametrize(("lost", "status"), [("designs that are not chosen", 0), ("the search against the chosen", 3)])
def test_a_hardening_whose_result_does_not_rest_on_what_went_wrong_is_whole(instead, tmp_path, capsys, lost, status):
    def earned(trial):
        window = value_of(trial.scenario, WINDOW)
        if lost == "designs that are not chosen" and window > 1_000.0:
            return None
        if lost != "designs that are not chosen" and trial.attack and trial.scenario.seed == 3 and window > 200.0:
            return None
        return 5_000.0 if trial.attack and window <= 200.0 else 0.0

    instead(earned)
    (tmp_path / "weak.toml").write_text(dumps(LONG))
    words = ["harden", str(tmp_path / "weak.toml"), "--attack", "OraclePush", "--workers", "1", "--budget", "400"]
    words += ["--over", f"{WINDOW}=24:2400:log", "--out", str(tmp_path / "out")]
    assert cli.main(words) == status
    told = capsys.readouterr().out
    assert "runs that went wrong, " in told and "it fails" in told and "hardened: open interest" in told
    assert ("of the searches against the hardened design" in told) == (status == 3)
    assert (
        200.0
        < value_of(load(Scenario, tmp_path / "out" / "hardened.toml"), WINDOW)
        <= (1_000.0 if not status else 2_400.0)
    )


def test_an_attack_that_crashes_under_a_design_is_not_harmless_there(instead, tmp_path):
    instead(lambda trial: None if trial.attack and value_of(trial.scenario, WINDOW) > 100.0 else 5.0)
    with bench(tmp_path, 500) as runs:
        search = searching(runs)
        fine, broken = search._played({WINDOW: 60.0}, 0), search._played({WINDOW: 600.0}, 1)
    assert fine.worst == 5.0 and search._worth(fine) == fine.efficiency == 1.0
    assert math.isnan(broken.worst) and math.isnan(search._worth(broken)) and broken.by == "OraclePush"
    search.found.designs = [fine, broken]
    assert not search._open


def test_a_design_is_not_judged_by_the_held_out_runs_that_are_left(instead, tmp_path):
    for name, lost in (("whole", ()), ("one left", SEEDS[1:]), ("one lost", SEEDS[:1])):
        instead(lambda trial, lost=lost: None if trial.attack and trial.scenario.seed in lost else 5.0)
        with bench(tmp_path / name, 500) as runs:
            search = searching(runs)
            judged = search._judged(search._played({WINDOW: 60.0}, 0))
            assert (judged is None) == bool(lost) and (judged is None or judged.stands)


def test_where_the_seeds_of_the_search_flatter_safer_designs_are_judged_next_and_better_ones_not_forgotten(
    instead, tmp_path
):
    worth = {60.0: 5_000.0, 600.0: 900.0, 700.0: 850.0, 800.0: 300.0, 900.0: 10.0}

    def earned(trial):
        window = value_of(trial.scenario, WINDOW)
        return worth[window] * (3.0 if trial.scenario.seed in SEEDS else 1.0) if trial.attack else 0.0

    instead(earned)
    with bench(tmp_path, 900) as runs:
        search = searching(runs)
        efficiencies = (4.0, 3.0, 2.9, 2.0, 1.0)
        search.found.designs = [
            Design({WINDOW: window}, efficiency, worth[window], "OraclePush", 1.0)
            for window, efficiency in zip(worth, efficiencies, strict=True)
        ]
        search.judge()
        search.tell()
    found = search.found
    assert [one.design.levers[WINDOW] for one in found.judged] == [600.0, 800.0, 700.0]
    assert [one.stands for one in found.judged] == [False, True, False]
    assert value_of(found.best, WINDOW) == 800.0 and not found.short


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (lambda seed: True, "not searched anew under all changes: its runs went wrong"),
        (lambda seed: seed != 1, "4 runs of its new search under all changes went wrong"),
        (lambda seed: seed == SEEDS[3], "under all changes 1 of its runs on held-out seeds went wrong"),
    ],
)
def test_an_audit_says_what_went_wrong_when_an_attack_met_all_changes(instead, tmp_path, lost, words):
    instead(lambda trial: None if trial.attack and lost(trial.scenario.seed) else 5_000.0)
    plain, attack = benign(LONG), dataclasses.replace(WEAK.cast[-1], name="attacker")
    found = Audit(plain, paths(LONG, ()), 1_000.0)
    with bench(tmp_path, 200) as runs:
        after = _after(
            runs, found, Line("OraclePush", "judged", path="calm", pays=True), turned(LONG, WINDOW, 600.0), attack
        )
    assert after is None and any(words in line for line in found.short)


def test_whom_only_the_hardened_rules_let_in_breaks_them_and_joins_and_the_reserve_goes_back_to_the_search(
    instead, tmp_path
):
    """The push lives below 300 s. The sniper stays at home as the rules are, and lives on 300 to 900 s: in the storm alone."""

    def earned(trial):
        window, storm = value_of(trial.scenario, WINDOW), isinstance(trial.scenario.nature, JumpDiffusion)
        lives = {"OraclePush": window < 300.0, "StaleSniper": storm and 300.0 <= window < 900.0, "": False}
        return 5_000.0 if lives[trial.attack] else 0.0

    instead(earned)
    over = (Bound(WINDOW, 24.0, 900.0 * 4, "log", WINDOW),)
    calm, storm = paths(LONG, ())
    with bench(tmp_path, 1_000) as runs:
        found = harden(LONG, BOTH, over, calm, runs, bound=1_000.0, elsewhere=(storm,))
    assert found.attacks == ("OraclePush",) and found.joined == ["StaleSniper (stressed)"]
    broken = next(one for one in found.judged if one.met and not one.stands)
    assert 300.0 <= broken.design.levers[WINDOW] < 900.0 and broken.by == "StaleSniper (stressed)"
    assert found.chosen.design.levers[WINDOW] >= 900.0 and found.chosen.attacks["StaleSniper (stressed)"].high == 0.0
    assert found.seated == ("OraclePush", "StaleSniper") and not found.short
    own = [one for one in found.designs if one.levers[WINDOW] == value_of(LONG, WINDOW)]
    assert len(own) == 1 and sum(found.spent.values()) <= 1_000
    told = hardened_report.told(found)
    assert "broke a design that had stood, and met all that came after: StaleSniper (stressed)" in told
    assert "met 2 attacks on each path (calm, stressed)" in told


def test_where_nothing_stands_the_runs_kept_for_judging_go_back_to_the_search(instead, tmp_path):
    instead(lambda trial: 5_000.0 if trial.attack else 0.0)
    calm, _ = paths(LONG, ())
    with bench(tmp_path, 600) as runs:
        found = harden(LONG, KINDS, (Bound(WINDOW, 24.0, 2_400.0, "log", WINDOW),), calm, runs, bound=1_000.0)
    dearest = GENERATION * len(INSIDE) * (1 + hardening.REMEMBERED + hardening.FRESH)
    assert found.chosen is None and 600 - sum(found.spent.values()) < dearest / (1.0 - hardening.FINISH)


def test_attacks_beyond_the_few_that_answer_every_design_are_named_and_meet_the_chosen_one(
    instead, tmp_path, monkeypatch
):
    """With room for one, the second is left out of the search; it is told, and breaks a design that the first leaves alone."""
    monkeypatch.setattr(rivals, "MOST_ATTACKS", 1)

    def earned(trial):
        worth, end = {"OraclePush": (9_000.0, 300.0), "VaultRunner": (6_000.0, 700.0), "": (0.0, 0.0)}[trial.attack]
        return worth if value_of(trial.scenario, WINDOW) < end else 0.0

    instead(earned)
    calm, _ = paths(LONG, ())
    kinds = {**KINDS, "VaultRunner": VaultRunner}
    with bench(tmp_path, 600) as runs:
        found = harden(LONG, kinds, (Bound(WINDOW, 24.0, 3_600.0, "log", WINDOW),), calm, runs, bound=1_000.0)
    assert found.attacks == ("OraclePush",) and found.left_out == ("VaultRunner",)
    assert found.chosen.design.levers[WINDOW] >= 700.0 and not found.short
    assert "met by no design before it had stood: VaultRunner" in hardened_report.told(found)


def test_a_kept_run_is_known_by_what_its_plugins_their_imports_and_bars_say(tmp_path, monkeypatch):
    code = (
        "from dataclasses import dataclass\nfrom agents.attacks.oracle_push import OraclePush\nimport beside_mine\n\n"
    )
    code += "@dataclass(frozen=True)\nclass Mine(OraclePush):\n    WORD = '{}'\n"
    bars = "open_time,open,high,low,close\n" + "".join(
        f"{1_700_000_000_000 + 60_000 * n},100,101,99,100\n" for n in range(5)
    )
    monkeypatch.syspath_prepend(tmp_path)

    def keys(word, beside="", traded=""):
        (tmp_path / "mine.py").write_text(code.format(word))
        (tmp_path / "beside_mine.py").write_text(f"WORD = '{beside}'\n")
        (tmp_path / "bars.csv").write_text(bars.replace(",101,", f",{101 + len(traded)},"))
        (kind,) = plugins_in([tmp_path / "mine.py"])
        replay = replaying(WEAK, [tmp_path / "bars.csv"])
        with bench(tmp_path, 5) as runs:
            return [runs._key(trial) for trial in (of(kind(name="x"), WEAK, 1), honest(replay, 1), honest(WEAK, 1))]

    first = keys("one")
    for other, same in (
        (keys("one"), [True, True, True]),
        (keys("other"), [False, True, True]),
        (keys("one", beside="other"), [False, True, True]),
        (keys("one", traded="other"), [True, False, True]),
    ):
        assert [a == b for a, b in zip(first, other, strict=True)] == same


def test_an_audit_whose_scheduler_is_lost_says_so_and_whose_tasks_are_lost_gives_them_out_again(tmp_path):
    from concurrent.futures import Future

    from experiments.cluster import Gone
    from experiments.codec import Mistakes

    class Crew:
        """One that loses each task `times` times, and then plays it here; or that is gone at the next look."""

        def __init__(self, times):
            self.times, self.lost, self.looks = times, {}, 0

        def submit(self, work, means, blob):
            future = Future()
            self.lost[blob] = self.lost.get(blob, -1) + 1
            if self.lost[blob] < self.times:
                future.cancel()
                future.set_running_or_notify_cancel()
            else:
                future.set_result(work(means, blob))
            return future

        def done(self, running):
            return set(running)

        def find_again(self):
            self.looks += 1
            if self.times > 2:
                raise Gone("the scheduler is gone")

    short = dataclasses.replace(WEAK, duration=24.0)
    trials = [honest(short, seed) for seed in (1, 2, 3)]
    with bench(tmp_path / "here", 9) as runs:
        alone = runs.play("x", trials)
    flaky = Crew(1)
    with bench(tmp_path / "there", 9, lambda: flaky) as runs:
        assert runs.play("x", trials) == alone and flaky.looks == 2
    with bench(tmp_path / "lost", 9, lambda: Crew(3)) as runs, pytest.raises(Mistakes) as told:
        runs.play("x", trials)
    (line,) = told.value.lines
    assert line.startswith("the scheduler is gone; finished runs are kept in")
    assert len((tmp_path / "lost" / "runs.jsonl").read_bytes().splitlines()) == 1


def test_bad_wishes_of_a_hardening_are_a_line_each(tmp_path, capsys):
    words = ["--over", "oracle.windows=1:2", "--over", "ETH-PERP.oracle.window=5:1", "--over", "margin.initial=0.01:2"]
    told = [*words, "--budget", "9", "--bound", "0", "--path", "real", "--out", str(tmp_path / "out")]
    assert cli.main(["harden", "oracle-push", *told]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 6 and any("no such lever" in line for line in lines)
    assert any("empty range" in line for line in lines) and not (tmp_path / "out").exists()
