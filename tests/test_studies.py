"""Studies keep what is finished: killed, interrupted, beside workers that die, with runs that raise, and on a full disk."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import functools
import io
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import psutil
import pytest

from experiments import cli, shelf
from experiments.codec import Mistakes
from experiments.parallel import spread
from experiments.run import run
from experiments.scenario import find
from experiments.shelf import Shelf, canonical

ROOT = Path(__file__).resolve().parents[1]
RUNS = 24

STUDY = '''
"""A study of a few short runs, some of which meet with trouble where a file asks for it."""

import dataclasses, os, pathlib, signal, sys, time
from typing import NamedTuple

import pandas as pd

from experiments.parallel import spread
from experiments.run import run
from experiments.scenario import find

NAME, QUESTION = "tiny", "Does it go on?"
HERE = pathlib.Path(__file__).parent

class Point(NamedTuple):
    seed: int

def measure(point):
    trouble = HERE / "trouble"
    with (HERE / "played").open("a") as played:
        played.write(f"{point.seed}\\n")
    scenario = dataclasses.replace(find("stale-oracle"), seed=point.seed, duration=120.0)
    if point.seed == 3 and trouble.exists():
        if trouble.read_text() == "raise":
            return fail(scenario)
        if trouble.read_text() == "once":
            trouble.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    record = run(scenario)
    return {"seed": point.seed, "gain": record.metrics["gain.sniper"], "digest": record.digest}

def fail(scenario):
    raise ZeroDivisionError("nothing to divide by")

def main(out, *, workers=None, quick=False):
    frame = pd.DataFrame(spread(measure, [Point(seed) for seed in range(1, RUNS + 1)], workers=workers, title=NAME))
    out.mkdir(parents=True, exist_ok=True)
    frame.to_csv(out / "tiny.csv", index=False)
    return "played"
'''.replace("RUNS +", f"{RUNS} +")

DRIVER = """
import sys
import tiny_study
from experiments import cli

if __name__ == "__main__":
    cli.studies = lambda: {"tiny": tiny_study}
    sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny_study.py").write_text(STUDY, encoding="utf-8")
    (tmp_path / "driver.py").write_text(DRIVER, encoding="utf-8")
    return tmp_path


@contextlib.contextmanager
def begun(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command, begun in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "driver.py", "study", "tiny", *arguments],
        cwd=home,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{home}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(home: Path, *arguments: str) -> tuple[int, list[str]]:
    """Exit status of the command, and what it says on stderr."""
    with begun(home, *arguments) as process:
        _, said = process.communicate(timeout=180)
        return process.returncode, said.splitlines()


def kept(home: Path, out: str = "out") -> int:
    path = home / out / "kept" / "tiny" / "runs.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def until_kept(home: Path, runs: int) -> None:
    deadline = time.monotonic() + 180
    while kept(home) < runs:
        assert time.monotonic() < deadline, "nothing was kept"
        time.sleep(0.01)


def played(home: Path) -> list[int]:
    return [int(line) for line in (home / "played").read_text().split()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The table of an uninterrupted study."""
    home = tmp_path_factory.mktemp("whole")
    (home / "tiny_study.py").write_text(STUDY, encoding="utf-8")
    (home / "driver.py").write_text(DRIVER, encoding="utf-8")
    assert ended(home, "--out", "out", "--workers", "1") == (0, [])
    return (home / "out" / "tiny.csv").read_bytes()


@pytest.mark.slow
def test_interrupted_killed_and_with_a_worker_killed_a_study_comes_to_the_same_bytes(home: Path, whole: bytes) -> None:
    arguments = ("--out", "out", "--workers", "2")
    table = home / "out" / "tiny.csv"
    with begun(home, *arguments) as first:
        until_kept(home, 2)
        os.killpg(first.pid, signal.SIGINT)  # as a terminal does: workers get it too
        assert first.wait(60) == 130
        assert first.stderr is not None
        assert "finished runs are kept in out/kept/tiny; the same command goes on" in first.stderr.read()
    before = kept(home)
    assert 2 <= before < RUNS and not table.exists()

    with begun(home, *arguments) as second:
        until_kept(home, before + 2)
        others = psutil.Process(second.pid).children(recursive=True)
        assert len(others) >= 2
        second.kill()  # nobody tells those whom it started
        second.wait(60)
    assert psutil.wait_procs(others, timeout=30)[1] == []
    before = kept(home)
    assert before < RUNS and not table.exists()
    with (home / "out" / "kept" / "tiny" / "runs.jsonl").open("ab") as file:
        file.write(b'["0123", "half a li')  # as a kill in the middle of writing leaves it

    with begun(home, *arguments) as third:
        until_kept(home, before + 2)
        victim = next(
            one for one in psutil.Process(third.pid).children(recursive=True) if "spawn_main" in " ".join(one.cmdline())
        )
        victim.send_signal(signal.SIGKILL)
        assert third.wait(120) == 0
    assert table.read_bytes() == whole
    finished = len(played(home))
    assert finished < 2 * RUNS  # what was kept was not played again: a few at work were lost each time
    assert ended(home, *arguments) == (0, [])
    assert len(played(home)) == finished
    assert table.read_bytes() == whole


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_raises_costs_the_others_nothing_and_is_played_alone_the_next_time(
    home: Path, whole: bytes, workers: str
) -> None:
    (home / "trouble").write_text("raise", encoding="utf-8")
    arguments = ("--out", "out", "--workers", workers)
    status, said = ended(home, *arguments)
    failures = home / "out" / "kept" / "tiny" / "failures"
    assert status == 1
    assert said == [
        f"undertow: tiny: 1 of {RUNS} runs went wrong, the first Point(seed=3) in stale-oracle, seed 3: ZeroDivisionError: "
        "nothing to divide by; scenarios and errors are in out/kept/tiny/failures; all others are kept, and the same "
        "command plays only what is missing"
    ]
    assert kept(home) == RUNS - 1 and not (home / "out" / "tiny.csv").exists()
    [scenario] = failures.glob("*.toml")
    assert "seed = 3" in scenario.read_text() and "duration = 120.0" in scenario.read_text()
    assert "in fail" in scenario.with_suffix(".txt").read_text()

    (home / "trouble").unlink()
    (home / "played").unlink()
    assert ended(home, *arguments) == (0, [])
    assert played(home) == [3]
    assert (home / "out" / "tiny.csv").read_bytes() == whole
    assert not failures.exists()


@pytest.mark.slow
def test_a_run_that_kills_its_worker_once_is_played_again_and_one_that_always_does_is_told(
    home: Path, whole: bytes
) -> None:
    (home / "trouble").write_text("once", encoding="utf-8")
    assert ended(home, "--out", "once", "--workers", "2") == (0, [])
    assert (home / "once" / "tiny.csv").read_bytes() == whole

    (home / "trouble").write_text("always", encoding="utf-8")
    status, [line] = ended(home, "--out", "out", "--workers", "2")
    assert status == 1
    assert f"tiny: 1 of {RUNS} runs went wrong, the first Point(seed=3): every worker that played it died" in line
    assert kept(home) == RUNS - 1
    (home / "trouble").unlink()
    assert ended(home, "--out", "out", "--workers", "2") == (0, [])
    assert (home / "out" / "tiny.csv").read_bytes() == whole


def test_two_at_work_on_one_study_are_one_line(home: Path) -> None:
    with begun(home, "--out", "out", "--workers", "1"):
        until_kept(home, 1)
        with pytest.raises(Mistakes, match="another process is at work on it"):
            assert "x" in Shelf(home / "out" / "kept" / "tiny")


def test_a_disk_that_takes_no_more_is_one_line_and_loses_nothing(home: Path, whole: bytes) -> None:
    limit = "    import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "    resource.setrlimit(resource.RLIMIT_FSIZE, (2_500, 2_500))\n"
    (home / "driver.py").write_text(DRIVER.replace("    cli.studies", f"{limit}    cli.studies"), encoding="utf-8")
    assert ended(home, "--out", "out", "--workers", "1") == (
        2,
        ["undertow: out/kept/tiny: file too large; finished runs are kept, run it again to go on"],
    )
    assert 0 < kept(home) < RUNS
    (home / "driver.py").write_text(DRIVER, encoding="utf-8")
    (home / "played").unlink()
    before = kept(home)
    assert ended(home, "--out", "out", "--workers", "1") == (0, [])
    assert (home / "out" / "tiny.csv").read_bytes() == whole
    assert len(played(home)) == RUNS - before


def doubled(number: float) -> float:
    return 2.0 * number


def halved(number: float) -> float:
    return 0.5 * number


def test_what_is_kept_is_known_by_work_task_sources_and_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Shelf(tmp_path / "a", 1)
    assert spread(doubled, [1.0, 2.0, 1.0], workers=one) == [2.0, 4.0, 2.0]
    assert len(one) == 2
    keys = [one.key(doubled, 1.0), one.key(halved, 1.0), one.key(doubled, 1), one.key(doubled, 1.0 + 1e-16)]
    assert len(set(keys)) == 3 and keys[0] == keys[3]
    with monkeypatch.context() as patch:
        patch.setattr(shelf, "versions", lambda: {"numpy": "0"})
        assert one.key(doubled, 1.0) not in one
    with monkeypatch.context() as patch:
        patch.setattr(shelf, "measuring", lambda file: "other sources")
        assert one.key(doubled, 1.0) not in one
    one.close()
    again = Shelf(tmp_path / "a", 1)
    assert again.key(doubled, 2.0) in again
    with pytest.raises(Mistakes, match="another process is at work on it"):
        assert "x" in Shelf(tmp_path / "a", 1)
    again.close()


def test_sources_that_measure_are_seen_and_those_that_draw_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments import sources

    for name in (
        "experiments/statistics.py",
        "experiments/scenarios/one.toml",
        "experiments/figures/a.py",
        "protocol/b.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    monkeypatch.setattr(sources, "ROOT", tmp_path)

    def digest() -> str:
        sources.engine.cache_clear()
        sources.measuring.cache_clear()
        return sources.measuring(Path(__file__))

    try:
        first = digest()
        (tmp_path / "experiments/figures/a.py").write_text("1", encoding="utf-8")
        assert digest() == first
        found = {first}
        for name in ("experiments/statistics.py", "experiments/scenarios/one.toml", "protocol/b.py"):
            (tmp_path / name).write_text("1", encoding="utf-8")
            found.add(digest())
        assert len(found) == 4
    finally:
        monkeypatch.undo()
        sources.engine.cache_clear()
        sources.measuring.cache_clear()


class Shade(enum.Enum):
    DARK = 1


class Pair(NamedTuple):
    one: Any
    other: Any


def test_equal_values_have_one_text_and_different_ones_another() -> None:
    scenario = find("oracle-push")
    values = [
        *(
            None,
            True,
            1,
            1.0,
            "1",
            b"1",
            (1,),
            [1],
            {"a": 1},
            frozenset({"x", "y"}),
            range(3),
            Shade.DARK,
            int,
            doubled,
        ),
        *(np.arange(3.0), np.arange(3), np.float64(1.0), Pair(1, 2), scenario, dataclasses.replace(scenario, seed=9)),
    ]
    texts = [canonical(value) for value in values]
    assert len(set(texts)) == len(texts)
    assert texts == [canonical(pickle.loads(pickle.dumps(value))) for value in values]
    with pytest.raises(TypeError, match="cannot be told from another of its kind"):
        canonical(object())


class Evil:
    """What a file from somebody else might hold."""

    def __init__(self, what: Any, *arguments: Any) -> None:
        self.what, self.arguments = what, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.what, self.arguments


def test_data_of_every_kind_comes_back_from_the_shelf_and_nothing_that_runs_does(tmp_path: Path) -> None:
    one = Shelf(tmp_path, 1)
    record = run(dataclasses.replace(find("stale-oracle"), duration=60.0))
    frame = pd.DataFrame(
        {"a": [1.0, np.nan], "b": ["x", None], "c": pd.to_datetime(["2020", "2021"])}, index=["p", "q"]
    )
    for value in (
        record,
        frame,
        {"x": np.float64(0.1), "y": (1, None)},
        np.arange(4),
        float("nan"),
    ):
        one.keep("k", value)
        assert pickle.dumps(one.read("k")) == pickle.dumps(pickle.loads(pickle.dumps(value)))
    assert one.read("k") != one.read("k")  # nan
    from experiments.folders import free_for_study

    for evil in (
        Evil(os.system, "true"),
        Evil(eval, "1"),
        Evil(getattr, 1, "real"),
        Evil(free_for_study, tmp_path),
        Evil(Shelf, tmp_path),
        Evil(pd.read_pickle, "x"),
        Evil(np.memmap, str(tmp_path / "x"), "u1", "w+", 0, (1,)),
    ):
        one.keep("k", evil)
        with pytest.raises(pickle.UnpicklingError, match="no plain data"):
            one.read("k")
    one.close()


@pytest.mark.parametrize(
    ("module", "name"),
    [("pandas.io.clipboard", "subprocess.Popen"), ("experiments.shelf", "os.system"), ("experiments.shelf", "Path")],
)
def test_no_name_leads_from_data_to_what_a_module_has_imported(module: str, name: str) -> None:
    text = f"\x80\x04\x8c{chr(len(module))}{module}\x8c{chr(len(name))}{name}\x93.".encode("latin-1")
    with pytest.raises(pickle.UnpicklingError, match="no plain data"):
        shelf._Plain(io.BytesIO(text)).load()


def test_work_that_its_name_does_not_tell_is_not_kept(tmp_path: Path) -> None:
    def times(factor: int) -> Any:
        return lambda x: factor * x

    one = Shelf(tmp_path, 1)
    for work in (times(2), times, np.arange(3).sum):
        with pytest.raises(TypeError, match="cannot be told"):
            one.key(work, 1)
    assert len({one.key(functools.partial(doubled, x), 1) for x in (1, 2)}) == 2
    one.close()


class Handed(Exception):
    """Raised in place of the first run."""


@pytest.mark.parametrize("name", cli.studies())
def test_every_study_plays_through_its_shelf(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import experiments.cascades.report  # noqa: F401 (commands import it late)

    module = cli.studies()[name]
    seen: list[Any] = []

    def handed(work: Any, tasks: Any, *, workers: Any = None, title: str = "") -> Any:
        assert isinstance(workers, Shelf)
        seen.extend(workers.key(work, task) for task in tasks)
        raise Handed

    for loaded in [one for key, one in sys.modules.items() if key.startswith("experiments.")]:
        if isinstance(loaded, ModuleType) and getattr(loaded, "spread", None) is spread:
            monkeypatch.setattr(loaded, "spread", handed)
    by_itself = {"hardening": "harden", "sniper-search": "search", "push-sensitivity": "sensitivity"}
    if name in by_itself:  # these commands keep what they have played, in a folder of their own
        monkeypatch.setattr(module, by_itself[name], lambda *_, workers, **__: seen.append(workers))
        with contextlib.redirect_stdout(io.StringIO()):
            cli.study(name, out=tmp_path, quick=True, workers=2)
        assert seen == [2]
        return
    with pytest.raises(Handed):
        cli.study(name, out=tmp_path, quick=True)
    assert seen and len(set(seen)) > 1


@pytest.mark.slow
def test_a_bundled_study_killed_and_gone_on_with_draws_and_writes_the_same_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "experiments.cli", "study", "sniping-rent", "--quick", "--workers", "1", "--out"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    subprocess.run([*command, str(whole)], env=environment, check=True, stdout=subprocess.DEVNULL)
    journal = stopped / "kept" / "sniping-rent" / "runs.jsonl"
    with subprocess.Popen([*command, str(stopped)], env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 180
        while not (journal.exists() and journal.read_bytes().count(b"\n") >= 2):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    before = journal.read_bytes()
    assert not list(stopped.glob("*.csv"))
    subprocess.run([*command, str(stopped)], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert journal.read_bytes().startswith(before)
    files = {path.name: path.read_bytes() for path in whole.iterdir() if path.is_file()}
    assert {path.name: path.read_bytes() for path in stopped.iterdir() if path.is_file()} == files
    assert len(files) == 4
