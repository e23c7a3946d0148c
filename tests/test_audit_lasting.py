"""A change that takes longer than a run is played for longer, or told not to be verified: it is never what stops an attack."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from audits import WEAK, WINDOW, noise, pretend

from experiments import cli
from experiments.arsenal.trials import Trial
from experiments.audit import lasting
from experiments.audit.hunting import SEEDS
from experiments.audit.levers import turned, value_of
from experiments.codec import dumps, load
from experiments.defences.exit_delay import ExitDelay
from experiments.defences.exit_fee import ExitFee
from experiments.defences.largest_move import LargestMove
from experiments.scenario import Scenario
from experiments.shapes import Mistakes, fields_with_types, kinds, shape, spans
from protocol.world import World

LONG = dataclasses.replace(WEAK, duration=900.0)
NO_SPANS = {
    "max_age",
    "expiry",
    "begins",
    "opening",
    "closing",
    "due",
    "grace",
    "since",
    "until",
}  # ages that are allowed, times on a clock


def rules() -> list[type]:
    """Every kind of rule that a world can be made of."""

    def within(annotation: Any) -> Iterator[type]:
        yield from kinds(annotation).values()
        for one in shape(annotation).items or ():
            yield from within(one)

    waiting, found = [World], set[type]()
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            waiting += [one for field in fields_with_types(kind).values() for one in within(field.annotation)]
    return sorted(found, key=lambda kind: kind.__qualname__)


def refused(kind: type, name: str) -> str:
    """What a rule says of a field that is nonsense; '' where it says nothing."""
    try:
        kind(**{name: type(fields_with_types(kind)[name].default)(-1e9)})
    except (ValueError, Mistakes) as error:
        return " ".join(line for line in str(error).splitlines() if line.startswith(f"{name} ="))
    return ""


def test_whatever_a_rule_wants_in_seconds_is_declared_as_what_it_takes() -> None:
    """So that an audit knows of any rule, also of one that is not written yet, how long it takes."""
    seen = 0
    for kind in rules():
        for name, field in fields_with_types(kind).items():
            if type(field.default) not in (int, float):
                continue
            in_seconds = re.search(r"\bseconds\b", refused(kind, name)) is not None
            seen += in_seconds
            assert not in_seconds or name in NO_SPANS or name in spans(kind), f"{kind.__name__}.{name}"
    assert seen > 25


def test_a_span_is_of_what_is_new_wherever_it_is_wrapped() -> None:
    assert lasting.span(LONG.world, LONG.world) == 0.0
    assert lasting.span(LONG.world, turned(LONG, WINDOW, 960.0).world) == 960.0
    delayed = ExitDelay().applied(LONG.world)
    assert delayed is not None and lasting.span(LONG.world, delayed) == 86_400.0
    slow = turned(LONG, WINDOW, 800.0).world
    guarded = LargestMove(patience=100.0).applied(slow)
    assert guarded is not None and lasting.span(slow, guarded) == 100.0  # the window within is not new
    free = ExitFee().applied(LONG.world)
    assert free is not None and lasting.span(LONG.world, free) == 0.0


def test_runs_are_long_enough_for_three_spans_up_to_eight_times_as_long() -> None:
    for window, times in ((90.0, 1), (299.0, 1), (301.0, 2), (960.0, 4), (2_400.0, 8), (2_401.0, 0)):
        assert lasting.times(LONG.world, turned(LONG, WINDOW, window).world, LONG.duration) == times
    assert lasting.unseen(turned(LONG, WINDOW, 400.0))[-1] == "ArithmeticTwap.window = 400 s"


def audited(
    home: Path, monkeypatch: pytest.MonkeyPatch, earned: Any, defences: tuple[str, ...], budget: int
) -> tuple[Any, str]:
    pretend(monkeypatch, earned)
    (home / "weak.toml").write_text(dumps(LONG))
    words = ["audit", str(home / "weak.toml"), "--attack", "OraclePush", "--workers", "1", "--budget", str(budget)]
    words += [word for name in defences for word in ("--defence", name)]
    assert cli.main([*words, "--out", str(home / "out")]) == 1
    return json.loads((home / "out" / "report.json").read_text()), (home / "out" / "report.md").read_text()


def test_a_change_that_only_puts_an_attack_off_is_played_for_longer_and_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Under a window of 20 minutes the push earns nothing for half an hour, and then as much as ever. A run lasts 15 minutes."""

    def earned(trial: Trial) -> float:
        window, duration = value_of(trial.scenario, WINDOW), trial.scenario.duration
        late = window >= 1_000.0 and duration < 1_800.0
        return (0.0 if late else 30_000.0) + 100.0 * noise(trial) if trial.attack else 0.0

    found, page = audited(tmp_path, monkeypatch, earned, ("LongerWindow",), 1_500)
    (row,) = found["attacks"]
    (change,) = row["changes"]
    assert change["seconds"] == 3_600.0 and not change["holds"] and row["stopped_by"] == ""
    assert found["changes"] == [] and not (tmp_path / "out" / "changed.toml").exists()
    assert "| leaves too much, in runs of 3,600 s |" in page


def test_one_that_lasts_holds_on_longer_runs_beside_the_rules_as_they_were_on_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: dict[tuple[float, float, bool], set[int]] = {}

    def earned(trial: Trial) -> float:
        window, duration = value_of(trial.scenario, WINDOW), trial.scenario.duration
        seen.setdefault((window, duration, bool(trial.attack)), set()).add(trial.scenario.seed)
        return (0.0 if window >= 1_000.0 else 30_000.0) + noise(trial) if trial.attack else 0.0

    found, page = audited(tmp_path, monkeypatch, earned, ("LongerWindow",), 1_500)
    (row,) = found["attacks"]
    assert row["stopped_by"].startswith("LongerWindow") and found["changes"] == [row["stopped_by"]]
    for window in (60.0, 1_200.0):
        for attacked in (True, False):
            assert set(SEEDS) <= seen[window, 3_600.0, attacked]
    assert "holds: the cheapest, in runs of 3,600 s" in page and "(in runs of 3,600 s)" in page
    assert sum(found["spent"].values()) <= 1_500
    assert found["spent"]["verification"] >= 4 * (5 * len(SEEDS))  # a run four times as long counts as four
    assert load(Scenario, tmp_path / "out" / "changed.toml").duration == LONG.duration


def test_what_takes_longer_than_is_played_is_told_and_never_recommended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A day of notice is given, and the push earns nothing more: the cheapest there is, had it been asked for."""

    def earned(trial: Trial) -> float:
        vault = trial.scenario.world.exchanges[0].vault
        noticed = vault is not None and vault.delay > 0
        return (0.0 if noticed else 30_000.0) + noise(trial) if trial.attack else 0.0

    found, page = audited(tmp_path, monkeypatch, earned, ("ExitDelay", "VestedProfit"), 600)
    (row,) = found["attacks"]
    assert not row["stopped_by"] and found["changes"] == []
    assert [change["takes_too_long"] for change in row["changes"]] == [86_400.0, 86_400.0]
    assert page.count("not verified: takes 86,400 s, a run lasts 900") == 2
    assert "No change that was tried holds" in page
