"""A parameter is called binding where an attack earns less by more than chance would have it, and nowhere else."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from audits import WEAK, WINDOW, noise, pretend

from experiments import cli
from experiments.arsenal.seating import benign
from experiments.arsenal.trials import Trial
from experiments.audit.bench import bench
from experiments.audit.binding import FIRST, FRESH, LEADERS, Hanging, binding
from experiments.audit.changes import MOST_LEVERS, candidates
from experiments.audit.hunting import Hunt
from experiments.audit.levers import levers, value_of
from experiments.audit.telling import hangs
from experiments.codec import dumps

PLAIN = benign(WEAK)
ATTACK = dataclasses.replace(WEAK.cast[-1], name="attacker")


def hanging(home: Path, budget: int = 400) -> Hanging:
    with bench(home, budget) as runs:
        found = binding(runs, Hunt(PLAIN, ATTACK, best=ATTACK))
        assert found is not None and sum(runs.spent.values()) <= budget
    return found


def wild(trial: Trial, salt: int) -> float:
    """An attack that earns 20,000, give or take twice as much, whatever the rules."""
    return 20_000.0 + 40_000.0 * noise(trial, salt)


def test_of_an_attack_that_is_mostly_luck_no_parameter_is_binding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Forty settings on three seeds: the best always looks well. Over twenty such attacks a table may be false once or twice."""
    looked, called = 0, 0
    for salt in range(20):
        pretend(monkeypatch, lambda trial, salt=salt: wild(trial, salt) if trial.attack else 0.0)
        found = hanging(tmp_path / f"{salt}")
        looked += min(effect.turn.least for effect in found.effects) < 0.0
        called += bool(found.binding)
        less = [effect.turn.bound.path for effect in found.effects if effect.change.mean < 0.0]
        assert {change.name.partition(" = ")[0] for change in candidates(PLAIN, {}, found)[0]} == set(
            less[:MOST_LEVERS]
        )
    assert looked == 20 and called <= 2


@pytest.mark.parametrize("size", [0.1, 0.4])
def test_a_parameter_that_matters_is_binding_and_only_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: float
) -> None:
    """From 120 s on the attack is left a tenth, the rest is luck: by `size` of what it earns."""

    def earned(trial: Trial) -> float:
        left = 0.1 if value_of(trial.scenario, WINDOW) >= 120.0 else 1.0
        return left * 30_000.0 + size * 30_000.0 * noise(trial) if trial.attack else 0.0

    pretend(monkeypatch, earned)
    found = hanging(tmp_path)
    assert [effect.turn.bound.path for effect in found.binding] == [WINDOW]
    (effect,) = found.binding
    assert effect.turn.helps_up and effect.change.high < 0.0 and effect.p <= 0.05
    assert effect.change.low <= -27_000.0 <= effect.change.high
    changes, _ = candidates(PLAIN, {}, found)
    assert [change.name for change in changes][:3] == [f"{WINDOW} = {value}" for value in (120, 240, 960)]
    assert f"Binding for OraclePush: {WINDOW}" in hangs("OraclePush", found)


def test_what_is_told_rests_on_seeds_that_nothing_was_picked_by_and_on_the_same_without_the_turn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An attack that earns less with every seed and under no rule: means of other seeds would call anything binding."""
    pretend(monkeypatch, lambda trial: 1e6 / trial.scenario.seed if trial.attack else 0.0)
    found = hanging(tmp_path)
    assert not set(FIRST) & set(FRESH) and found.plain.seeds == len(FRESH) >= 8
    assert found.effects == () and not found.binding
    assert "No parameter is told to be binding" in hangs("OraclePush", found)
    for seed in FIRST + FRESH:
        pretend(
            monkeypatch,
            lambda trial, seed=seed: (
                0.0 if trial.scenario.seed == seed and value_of(trial.scenario, WINDOW) > 60.0 else 100.0
            ),
        )
        assert not hanging(tmp_path / f"{seed}").binding  # one lucky seed of ten


def test_few_runs_look_at_less_and_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend(monkeypatch, lambda trial: wild(trial, 1) if trial.attack else 0.0)
    most = len(levers(PLAIN))
    whole, some = hanging(tmp_path / "whole"), hanging(tmp_path / "some", 75)
    assert (whole.looked, whole.seeds, whole.left_out) == (most, len(FIRST), 0)
    assert some.seeds == 1 and some.looked + some.left_out == most and some.left_out > 0
    assert len(some.effects) <= LEADERS
    with bench(tmp_path / "none", 15) as runs:
        assert binding(runs, Hunt(PLAIN, ATTACK, best=ATTACK)) is None and runs.spent == {}


def test_a_turn_whose_runs_go_wrong_is_not_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def earned(trial: Trial) -> float | None:
        long = value_of(trial.scenario, WINDOW) > 60.0
        return (None if trial.scenario.seed == FRESH[0] else 0.0) if long else 100.0

    pretend(monkeypatch, earned)
    found = hanging(tmp_path)
    assert found.lost == 1 and not found.binding


def test_report_figure_and_data_call_binding_what_is_told_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, matters in (("luck", False), ("window", True)):

        def earned(trial: Trial, matters: bool = matters) -> float:
            if not trial.attack:
                return 0.0
            left = 0.0 if matters and value_of(trial.scenario, WINDOW) >= 120.0 else 1.0
            return left * 60_000.0 + 6_000.0 * noise(trial)

        pretend(monkeypatch, earned)
        (tmp_path / f"{name}.toml").write_text(dumps(WEAK))
        words = ["audit", str(tmp_path / f"{name}.toml"), "--attack", "OraclePush", "--defence", "ExitFee"]
        assert cli.main([*words, "--workers", "1", "--budget", "1500", "--out", str(tmp_path / name)]) == 1
        found = json.loads((tmp_path / name / "report.json").read_text())["binding"]["OraclePush"]
        page = (tmp_path / name / "report.md").read_text()
        assert found["binding"] == ([WINDOW] if matters else [])
        assert found["settings_looked_at"] == 2 * len(levers(PLAIN))
        assert (f"Binding for OraclePush: {WINDOW}" in page) == matters
        assert ("No parameter is told to be binding for OraclePush" in page) == (not matters)
        assert "| as it is |" in page and "| binding |" in page if matters else "| binding |" not in page
        for row in found["compared"]:
            assert row["binds"] == (row["path"] == WINDOW and matters)
            assert row["difference"]["low"] <= row["difference"]["mean"] <= row["difference"]["high"]
