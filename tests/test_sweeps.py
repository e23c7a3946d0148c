"""Sweeps keep what is finished: killed, interrupted, on a full disk, beside workers that die, over bounds, and over mistakes."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed.scheduler import KilledWorker

from experiments import cli, cluster, results
from experiments.sources import engine
from experiments.sweeps import arena, driver, folder
from experiments.sweeps.folder import Folder, Part
from experiments.sweeps.rows import Cell, Row, Took
from experiments.sweeps.spec import Sweep, load

ROOT = Path(__file__).resolve().parents[1]
Out = pytest.CaptureFixture[str]

SPEC = """
name = "fees"
base = "stale-oracle"
replicates = 40
part = 15
record = ["gain.*", "dex.ETH-PERP.volume", "events.*"]

[[axes]]
kind = "Table"
paths = ["duration"]
rows = [[240.0]]

[[axes]]
kind = "Spaced"
bound = { path = "exchange.market.fee", low = 0.0, high = 0.002, name = "fee" }
count = 3
"""


@contextlib.contextmanager
def serving(home: Path, *workers: str) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a real scheduler, and its process; then those of real workers, where there are arguments for them."""
    file = home / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1"]
    apart = ["--nthreads", "1", "--memory-limit", "0", "--local-directory", str(home)]
    commands = [["scheduler", *common, "--port", "0"]]
    commands += [["worker", *common, *apart, *workers]] if workers else []
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            cwd=home,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]
    try:
        with cluster.quiet():
            deadline = time.monotonic() + 180
            while not file.exists() or not file.read_text():
                assert time.monotonic() < deadline, "the scheduler does not come up"
                time.sleep(0.1)
            yield json.loads(file.read_text())["address"], running
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real scheduler with two real workers."""
    with serving(tmp_path_factory.mktemp("cluster"), "--nworkers", "2") as (address, _):
        yield address


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fees.toml").write_text(SPEC, encoding="utf-8")
    return Path("fees.toml")


@pytest.fixture(scope="module")
def whole(scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of an uninterrupted sweep on two workers."""
    home = tmp_path_factory.mktemp("whole")
    (home / "fees.toml").write_text(SPEC, encoding="utf-8")
    assert cli.main(["sweep", str(home / "fees.toml"), "--scheduler", scheduler, "--out", str(home / "out")]) == 0
    return home / "out"


def contents(home: Path) -> dict[str, bytes]:
    """Every file of a folder of results."""
    return {
        str(p.relative_to(home)): p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file() and p.name != ".lock"
    }


def refused(capsys: Out, *arguments: str) -> list[str]:
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert lines and all(line.startswith("undertow: ") for line in lines)
    return lines


@contextlib.contextmanager
def begun(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command, begun in a process of its own."""
    command = [sys.executable, "-m", "experiments.cli", "sweep", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until_kept(home: Path, runs: int) -> int:
    """Wait until a sweep has kept some runs; how many."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if (home / "manifest.json").exists() and len(results.load(home)) >= runs:
            return len(results.load(home))
        time.sleep(0.02)
    raise AssertionError("nothing was kept")


# Stopped in all ways


def test_one_process_of_its_own_and_two_workers_elsewhere_write_the_same_bytes(
    spec: Path, whole: Path, capsys: Out
) -> None:
    assert cli.main(["sweep", str(spec), "--workers", "1"]) == 0
    assert contents(Path("results/fees")) == contents(whole)
    assert "120 runs; table" in capsys.readouterr().out


def test_interrupted_killed_and_with_a_worker_killed_it_still_comes_to_the_same_bytes(
    scheduler: str, spec: Path, whole: Path, capsys: Out
) -> None:
    from distributed import Client

    out = Path("out")
    arguments = (str(spec), "--out", str(out), "--scheduler", scheduler)

    with begun(str(spec), "--out", str(out), "--workers", "1") as first:
        kept = until_kept(out, 1)
        os.killpg(first.pid, signal.SIGINT)  # as a terminal does: workers get it too
        assert first.wait(180) == 130
        assert first.stderr is not None
        assert "finished runs are kept in out" in first.stderr.read()
    frame = results.load(out)
    assert kept <= len(frame) < 120

    with begun(str(spec), "--out", str(out), "--workers", "1") as alone:
        until_kept(out, len(frame) + 1)
        others = psutil.Process(alone.pid).children(recursive=True)
        assert len(others) >= 2  # the worker, and the process that plays for it
        alone.kill()  # nobody tells those whom it started
        alone.wait(180)
    assert psutil.wait_procs(others, timeout=30)[1] == []
    frame = results.load(out)
    assert len(frame) < 120

    with begun(*arguments) as second:
        until_kept(out, len(frame) + 1)
        second.kill()
        second.wait(180)
    frame, before = results.load(out), results.load(whole)
    assert len(frame) < 120
    capsys.readouterr()
    assert cli.main(["results", str(out), "--of", "gain.sniper"]) == 0  # an early look
    assert f"{len(frame)} of 120 runs so far" in capsys.readouterr().out
    assert frame["digest"].isin(before["digest"]).all()
    assert not results.standing(out).complete

    with begun(*arguments) as third:
        until_kept(out, len(frame) + 1)
        with Client(scheduler) as client:
            victim = next(iter(client.run(os.getpid).values()))
            os.kill(victim, signal.SIGKILL)
        assert third.wait(300) == 0
    assert contents(out) == contents(whole)
    assert results.standing(out).complete


def test_a_scheduler_that_is_killed_is_one_line_and_another_finishes_to_the_same_bytes(
    scheduler: str, spec: Path, whole: Path, tmp_path: Path
) -> None:
    arguments = (str(spec), "--out", "out", "--scheduler")
    with serving(tmp_path, "--no-nanny") as (address, [head, _]), begun(*arguments, address) as sweep:
        until_kept(Path("out"), 1)
        head.kill()
        assert sweep.wait(90) == 2
        assert sweep.stderr is not None
        [line] = sweep.stderr.read().splitlines()
    kept = results.load("out")
    assert line == f"undertow: the scheduler is gone; {len(kept)} finished runs are kept, run it again to go on"
    assert 0 < len(kept) < 120
    assert cli.main(["sweep", *arguments, scheduler]) == 0
    assert contents(Path("out")) == contents(whole)


def test_a_scheduler_without_workers_is_one_line_after_a_bounded_wait_first_and_in_mid_sweep(
    scheduler: str, spec: Path, whole: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cluster, "JOINING", 1.0)
    monkeypatch.setattr(cluster, "DESERTED", 2.0)
    monkeypatch.setattr(cluster, "FRESH", 0.5)
    arguments = ("sweep", str(spec), "--out", "out", "--scheduler")
    with serving(tmp_path) as (address, _):
        [line] = refused(capsys, *arguments, address)
        assert line == f"undertow: --scheduler {address}: no worker has joined it within 1 seconds"
    monkeypatch.setattr(cluster, "JOINING", 60.0)
    (tmp_path / "scheduler.json").unlink(missing_ok=True)
    with serving(tmp_path, "--no-nanny") as (address, [_, worker]):
        killer = threading.Thread(target=lambda: until_kept(Path("out"), 1) and worker.kill())
        killer.start()
        [line] = refused(capsys, *arguments, address)
        killer.join()
    kept = results.load("out")
    assert line == (
        f"undertow: no worker has been there for 2 seconds; {len(kept)} finished runs are kept, run it again to go on"
    )
    assert cli.main([*arguments, scheduler]) == 0
    assert contents(Path("out")) == contents(whole)


def test_a_scheduler_that_comes_back_in_time_is_gone_on_with() -> None:
    class Client:
        """One that has lost its scheduler, for a while or for good."""

        def __init__(self, *then: str) -> None:
            self.then = list(then)

        @property
        def status(self) -> str:
            return self.then.pop(0) if len(self.then) > 1 else self.then[0]

        def get_executor(self, **_: Any) -> None:
            return None

        def nthreads(self) -> dict[str, int]:
            raise OSError("timed out")

    cluster.Crew(Client("connecting", "connecting", "running")).find_again()  # type: ignore[arg-type]
    for asked in ("find_again", "slots"):
        with pytest.raises(cluster.Gone, match="the scheduler is gone"):
            getattr(cluster.Crew(Client("connecting", "closed")), asked)()  # type: ignore[arg-type]


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
from experiments import cli
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("where", "size"), [("journal", 5_000), ("parts", 9_000)])
def test_a_disk_that_takes_no_more_is_one_line_and_loses_nothing(
    scheduler: str, spec: Path, whole: Path, where: str, size: int
) -> None:
    """The kernel itself refuses: no file of the process that writes may be larger, and a write that would be is cut short."""
    others = [path.stat().st_size for path in whole.iterdir() if path.is_file()]
    assert max(others) < size < min(path.stat().st_size for path in (whole / "parts").iterdir())
    arguments = ["sweep", str(spec), "--out", "out", "--scheduler", scheduler]
    command = [sys.executable, "-c", LIMITED.format(size=size), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "undertow: --out out: file too large; finished runs are kept, make room and run it again to go on"
    ]
    kept, before = results.load("out"), results.load(whole)
    assert 0 < len(kept) < 120
    assert kept["digest"].isin(before["digest"]).all()
    assert list(Path("out").rglob("*.partial")) == []
    assert results.standing(Path("out")).wrong == []
    full = [len(path.read_bytes().splitlines()) == 15 for path in Path("out/journal").iterdir()]
    assert any(full) == (where == "parts")
    assert cli.main(arguments) == 0
    assert contents(Path("out")) == contents(whole)


def test_a_run_that_raises_is_recorded_with_its_scenario_and_stops_nobody(
    scheduler: str, spec: Path, capsys: Out
) -> None:
    Path("plug.py").write_text(PLUGIN, encoding="utf-8")
    text = SPEC.replace("replicates = 40", "replicates = 2") + TROUBLE.format(what='["none", "raise"]')
    spec.write_text(text, encoding="utf-8")
    assert cli.main(["sweep", str(spec), "--plugin", "plug.py", "--scheduler", scheduler, "--out", "out"]) == 0
    frame = results.load("out")
    assert frame.groupby("what")["status"].unique().map(list).to_dict() == {"none": ["ok"], "raise": ["raised"]}
    assert frame["error"].unique().tolist() == ["", "ZeroDivisionError: float division by zero"]
    assert frame[frame["what"] == "raise"]["gain.keeper"].isna().all()
    scenario = next(Path("out/failures").glob("*.toml"))
    assert 'what = "raise"' in scenario.read_text()
    assert "1.0 / 0.0" in scenario.with_suffix(".txt").read_text()
    assert results.standing(Path("out")).failures == {"raised": 6}
    Path("plug.py").write_text(PLUGIN + "# changed", encoding="utf-8")
    [line] = refused(capsys, "sweep", str(spec), "--plugin", "plug.py", "--scheduler", scheduler, "--out", "out")
    assert "with other plugins, or another version of one" in line


PLUGIN = """
import dataclasses, os, time
import numpy as np
from agents.player import Role

@dataclasses.dataclass(frozen=True)
class Trouble(Role):
    what: str = "none"

    def act(self, me, view):
        if self.what == "raise":
            1.0 / 0.0
        elif self.what == "wait":
            time.sleep(60)
        elif self.what == "hoard":
            self.__dict__["hoard"] = np.ones(100_000_000)
            time.sleep(1)
        elif self.what == "die":
            os._exit(9)
        return ()
"""
TROUBLE = """
[[axes]]
kind = "Table"
paths = ["cast.0"]
names = ["trouble"]
rows = [[{{ kind = "Trouble", name = "trouble" }}]]

[[axes]]
kind = "Listed"
path = "cast.trouble.what"
name = "what"
values = {what}
"""


def test_a_sweep_tells_of_runs_over_their_bounds_or_dead_and_plays_the_others(scheduler: str, spec: Path) -> None:
    Path("plug.py").write_text(PLUGIN, encoding="utf-8")
    head = SPEC.partition("[[axes]]")[0]
    cases = {
        "memory = 700.0": {"none": "ok", "hoard": "memory", "die": "died", "last": "ok"},
        "seconds = 0.5": {"wait": "late"},  # apart, as on a busy machine others might be late as well
    }
    errors = {
        "ok": "",
        "memory": "took more than 700 MiB",
        "died": "its process died while it was played",
        "late": "took more than 0.5 seconds",
    }
    for n, (bound, statuses) in enumerate(cases.items()):
        text = head.replace("replicates = 40", f"replicates = 1\n{bound}")
        spec.write_text(text + TROUBLE.format(what=json.dumps(list(statuses))), encoding="utf-8")
        out = Path(f"out{n}")
        arguments = ["sweep", str(spec), "--plugin", "plug.py", "--scheduler", scheduler, "--out", str(out)]
        assert cli.main(arguments) == 0
        found = results.load(out).set_index("what")
        assert found["status"].to_dict() == statuses
        assert found["error"].to_dict() == {what: errors[status] for what, status in statuses.items()}
        wrong = [what for what, status in statuses.items() if status != "ok"]
        told = [path.read_text() for path in sorted((out / "failures").glob("*.toml"))]
        assert len(told) == len(wrong)
        assert all(f'what = "{what}"' in text for what, text in zip(wrong, told, strict=True))
        standing = results.standing(out)
        assert standing.complete and standing.failures == {statuses[what]: 1 for what in wrong}


class Killing:
    """A crew whose workers die of one run, and of another only as long as it has company: it is blamed, and innocent."""

    def __init__(self, culprit: Cell, beside: Cell) -> None:
        self.culprit, self.beside = culprit, beside
        self.given: list[tuple[Cell, ...]] = []
        self.playing: dict[Future[arena.Slice], tuple[Cell, ...]] = {}

    def slots(self) -> int:
        return 2

    def submit(self, _work: Any, _job: Any, _points: bytes, cells: tuple[Cell, ...], _enough: float) -> Any:
        self.given.append(cells)
        future: Future[arena.Slice] = Future()
        self.playing[future] = cells
        return future

    def done(self, running: Any) -> set[Future[arena.Slice]]:
        assert set(running) == set(self.playing)
        for future, cells in self.playing.items():
            if self.culprit in cells or (self.beside in cells and len(running) > 1):
                future.set_exception(KilledWorker("play_some", None, 3))  # type: ignore[arg-type]
            else:
                rows = [Row(*cell, "ok", "", "d" * 64, {"gain.a": 1.0}) for cell in cells]
                future.set_result(arena.Slice(rows, {}, Took(0.01 * len(rows), 0.0)))
        self.playing = {}
        return set(running)


def test_the_run_that_kills_its_workers_is_found_and_those_beside_it_are_not_blamed(spec: Path) -> None:
    culprit, beside = Cell(1, 20), Cell(1, 21)
    hands = Killing(culprit, beside)
    outcome = driver.play(load(spec), Path("out"), hands=lambda: hands)  # type: ignore[arg-type, return-value]
    assert (outcome.runs, outcome.failed) == (120, 1)
    frame = results.load("out")
    [row] = frame[frame["status"] != "ok"].to_dict("records")
    assert (row["point"], row["replicate"]) == culprit
    assert (row["status"], row["error"]) == ("died", "every worker that played it died")
    with_it = [cells for cells in hands.given if culprit in cells]
    assert len(with_it[0]) > 1 and with_it[-1] == (culprit,)
    played = [cell for cells in hands.given for cell in cells]
    assert len(played) <= 120 + 3 * len(with_it[0])  # what was not beside it is played once


def test_runs_leave_nothing_behind_in_the_process_that_plays_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import gc

    from experiments import run
    from experiments.axes.table import Table
    from experiments.scenario import find
    from experiments.sweeps.spec import design
    from experiments.sweeps.stage import measured

    found = design(Sweep(base=find("stale-oracle"), axes=(Table(rows=((12.0,),)),), replicates=45))

    def left(seeds: range) -> int:
        before = len(gc.get_objects()) if gc.collect() >= 0 else 0
        for seed in seeds:
            measured(found.sweep.scenario(found.points[0], seed), ("*",))
        gc.collect()
        return len(gc.get_objects()) - before

    left(range(15))
    assert left(range(15, 30)) < 15 * 10
    monkeypatch.setattr(run, "release", lambda _: None)
    assert left(range(30, 45)) > 15 * 100  # which is what Mesa would keep


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ", 5 a second, 16 min left, 3 went wrong, 8 at work"),
        ({"failed": 0, "rate": 0.05, "left": 100_000.0}, ", 0.05 a second, 27.8 h left, 8 at work"),
        ({"rate": math.nan, "left": math.nan, "failed": 0, "slots": 0}, ", no worker is there: waiting for one"),
    ],
)
def test_progress_tells_rate_remaining_time_and_failures(change: dict[str, Any], said: str) -> None:
    from experiments.commands.sweep import words
    from experiments.sweeps.driver import Progress
    from experiments.sweeps.rows import Took

    values = {"done": 100, "total": 5_000, "failed": 3, "rate": 5.0, "left": 980.0, "slots": 8, "round": 0}
    assert words(Progress(**(values | change), took=Took(20.0, 20.0))) == said


def test_runs_that_are_handed_over_together_come_back_in_order_and_stop_when_time_is_up(tmp_path: Path) -> None:
    import pickle

    from experiments.sweeps.rows import Job

    (tmp_path / "s.toml").write_text(SPEC, encoding="utf-8")
    design = load(tmp_path / "s.toml")
    job = Job("key", (), pickle.dumps(design.sweep), None, None, (engine(), ""))
    points = pickle.dumps({point.number: point for point in design.points})
    cells = [Cell(n % 3, n) for n in range(9)]
    stage = arena.Arena()
    try:
        found = list(stage.play(job, points, cells))
        few = list(stage.play(job, points, cells, enough=0.0))
    finally:
        stage.close()
    assert [Cell(row.point, row.replicate) for row, _, _ in found] == cells
    assert [row for row, _, _ in few] == [found[0][0]]
    assert all(took.cpu > 0.0 and took.clock > 0.0 for _, _, took in found)


# What is on the disk


def part(*cells: int) -> Part:
    return Part("round-00-part-000000.parquet", tuple(Cell(0, n) for n in cells))


def row(replicate: int) -> Row:
    return Row(0, replicate, "ok", "", "d" * 64, {"gain.a": 0.1 * replicate, "x": float("nan"), "y": float("inf")})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("parts", "journal", "failures"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_a_journal_that_was_cut_short_anywhere_yields_its_whole_lines_and_takes_more(home: Path) -> None:
    kept, path = Folder(home), home / "journal" / f"{part().name}.jsonl"
    kept.keep(part(0, 1), [row(0), row(1)])
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    for cut in (first, first + 1, len(data) - 9, len(data) - 1):
        path.write_bytes(data[:cut])
        assert [c.replicate for c in Folder(home).journal(part(0, 1))] == [0]
        Folder(home).keep(part(0, 1), [row(1)])
        assert path.read_bytes() == data


def test_a_journal_with_a_flipped_bit_is_not_believed(home: Path) -> None:
    Folder(home).keep(part(0), [row(0)])
    path = home / "journal" / f"{part().name}.jsonl"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(bytes(data))
    assert Folder(home).journal(part(0)) == {}


def test_a_damaged_line_costs_no_other_and_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Folder(home).keep(part(0, 1, 2), [row(0), row(1), row(2)])
    path = home / "journal" / f"{part().name}.jsonl"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(bytes(data))
    assert [c.replicate for c in Folder(home).journal(part(0, 1, 2))] == [1, 2]
    told = capsys.readouterr().err
    assert told == f"undertow: {path}: damaged in 1 of 3 lines, whose runs are played again\n"
    Folder(home).keep(part(0, 1, 2), [row(0)])
    assert [c.replicate for c in Folder(home).journal(part(0, 1, 2))] == [1, 2, 0]


def test_a_part_counts_only_with_its_digest_and_a_digest_only_with_its_part(home: Path) -> None:
    kept = Folder(home)
    path = home / "parts" / part().name
    path.write_bytes(b"whole")
    assert not kept.finished(part(0))
    kept.seal(part(0), b"whole")
    assert Folder(home).finished(part(0))
    path.unlink()
    assert not Folder(home).finished(part(0))


def test_a_digest_that_was_cut_short_is_noted_anew(home: Path) -> None:
    Folder(home).seal(part(0), b"whole")
    line = (home / "digests.txt").read_bytes()
    (home / "digests.txt").write_bytes(line + line[:30])
    other = Part("round-00-part-000001.parquet", (Cell(0, 1),))
    Folder(home).seal(other, b"more")
    assert Folder(home).finished(part(0))
    assert Folder(home).finished(other)


def test_a_part_that_cannot_be_written_leaves_its_journal_and_nothing_else(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Folder(home)
    kept.keep(part(0), [row(0)])

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(folder.os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            kept.seal(part(0), b"whole")
        with pytest.raises(OSError, match="no space"):
            kept.keep(part(0), [row(0)])
    assert sorted(p.name for p in home.rglob("*") if p.is_file() and p.stat().st_size) == [f"{part().name}.jsonl"]
    assert Folder(home).journal(part(0))[Cell(0, 0)]._replace(numbers={}) == row(0)._replace(numbers={})


# What is refused


def test_a_corrupt_part_is_one_line_and_deleting_it_cures_it(
    scheduler: str, spec: Path, whole: Path, capsys: Out, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(whole, "out")
    victim = sorted(Path("out/parts").iterdir())[3]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(bytes(data))
    arguments = ("sweep", str(spec), "--out", "out", "--scheduler", scheduler)
    for command in (("results", "out"), ("results", "out", "--export", "a.csv"), arguments):
        [line] = refused(capsys, *command)
        assert victim.name in line and "does not match its digest; delete it" in line
    victim.unlink()
    assert "runs are missing" in refused(capsys, "results", "out")[0]
    assert cli.main(arguments) == 0
    assert contents(Path("out")) == contents(whole)


def test_the_folder_of_another_sweep_or_engine_or_of_anything_else_is_left_alone(
    spec: Path, whole: Path, capsys: Out, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(whole, "out")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "thesis.tex").write_text("do not lose me")
    (tmp_path / "file").write_text("")
    other = SPEC.replace("high = 0.002", "high = 0.003")
    Path("other.toml").write_text(other, encoding="utf-8")
    before = contents(tmp_path)
    assert "holds the results of another sweep, 'fees'" in refused(capsys, "sweep", "other.toml", "--out", "out")[0]
    assert "holds something else" in refused(capsys, "sweep", str(spec), "--out", "others")[0]
    assert "is a file" in refused(capsys, "sweep", str(spec), "--out", "file")[0]
    assert contents(tmp_path) == before
    Path("plug.py").write_text(PLUGIN, encoding="utf-8")
    assert "with other plugins" in refused(capsys, "sweep", str(spec), "--out", "out", "--plugin", "plug.py")[0]
    Path("plug.py").unlink()
    assert contents(tmp_path) == before
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest | {"engine": "0" * 64}))
    assert "another version of the engine" in refused(capsys, "sweep", str(spec), "--out", "out")[0]
    (tmp_path / "out" / "manifest.json").write_text("{")
    assert "is not what a sweep writes" in refused(capsys, "sweep", str(spec), "--out", "out")[0]


def test_two_at_once_on_one_folder_are_refused(spec: Path, capsys: Out) -> None:
    import fcntl

    Path("out").mkdir()
    with Path("out/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        [line] = refused(capsys, "sweep", str(spec), "--out", "out")
    assert "another process is at work on it" in line


def test_a_scheduler_that_is_not_there_is_one_line(spec: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        [line] = refused(capsys, "sweep", str(spec), "--scheduler", address)
        assert line.startswith(f"undertow: --scheduler {address}: cannot be reached")
    assert not Path("results").exists()


def test_every_mistake_of_a_file_is_told_at_once(spec: Path, capsys: Out) -> None:
    spec.write_text(
        """
name = "bad name"
base = "stale-oracle"
replicates = 0
colour = 3

[[axes]]
kind = "Listed"
path = "exchange.market.fea"
values = [0.1]

[[axes]]
kind = "Spaced"
bound = { path = "exchange.market.fee", low = 1.0, high = 1.0 }

[[axes]]
kind = "Sobol"
count = 12

[[axes]]
kind = "Without"
roles = ["snipper"]
""",
        encoding="utf-8",
    )
    lines = refused(capsys, "sweep", str(spec), "--workers", "0", "--scheduler", "x")
    for words in (
        "no such field of Sweep",
        "did you mean fee?",
        "an empty range",
        "count = 12: must be a power of two",
        "nobody of that name",
        "--workers 0",
    ):
        assert sum(words in line for line in lines) == 1, (words, lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("base = 'stale-orcale'", "did you mean stale-oracle?"),
        ("name = 'a/b'", "names a folder"),
        ("replicates = 0", "replicates = 0"),
        ("record = []", "record = []"),
        ("seconds = 0.0", "seconds = 0"),
        ("memory = 100.0", "memory = 100: must be 512"),
        ("first_seed = -1", "first_seed = -1"),
        ("[until]\nmost = 0", "until"),
        ("[[axes]]\nkind = 'Listed'\nvalues = []", "must have at least one value"),
        ("[[axes]]\nkind = 'Listed'\nvalues = [1.0, 1.0]", "stands twice"),
        ("[[axes]]\nkind = 'Listed'\nvalues = [-1.0]", "axes.0: Scenario: duration = -1.0: must be above 0 seconds"),
        ("[[axes]]\nkind = 'Listed'\n[[axes]]\nkind = 'Spaced'", "the path 'duration' stands twice"),
        ("[[axes]]\nkind = 'Listed'\nname = 'seed'", "a column cannot be called 'seed'"),
        ("[[axes]]\nkind = 'Table'\nrows = [[1.0, 2.0]]", "2 values for 1 paths"),
        ("[[axes]]\nkind = 'LatinHypercube'\nbounds = []", "must have at least one"),
        ("[[axes]]\nkind = 'LatinHypercube'\nbounds = [{low = 0.0, scale = 'log'}]", "above 0 on a log scale"),
        ("[[axes]]\nkind = 'Grid'", "no such kind"),
        ("axes = 3", "must be a list"),
        ("name =", "not TOML"),
        ("", "fees.toml: says neither base nor axes, so there is nothing to play"),
        ("about = 'nothing'\nreplicates = 3", "fees.toml: says neither base nor axes"),
    ],
)
def test_a_mistake_is_one_line(spec: Path, capsys: Out, text: str, words: str) -> None:
    spec.write_text(text, encoding="utf-8")
    lines = refused(capsys, "sweep", str(spec))
    assert any(words in line for line in lines), lines
    assert not Path("results").exists()


@pytest.mark.parametrize("path", ["exchange.market.fea", "cast.snipper.usage"])
def test_an_axis_that_names_no_field_is_one_line_however_many_levels_it_has(spec: Path, capsys: Out, path: str) -> None:
    spec.write_text(SPEC.replace("exchange.market.fee", path), encoding="utf-8")
    [line] = refused(capsys, "sweep", str(spec))
    assert path in line and "did you mean" in line


def test_twins_may_record_what_only_the_player_they_lack_has(spec: Path) -> None:
    spec.write_text(
        """
name = "twins"
base = "stale-oracle"
replicates = 1
record = ["gain.sniper"]

[[axes]]
kind = "Without"
roles = ["sniper"]

[[axes]]
kind = "Listed"
path = "duration"
values = [60.0]
""",
        encoding="utf-8",
    )
    assert cli.main(["sweep", str(spec), "--out", "twins", "--workers", "1"]) == 0
    gains = results.load("twins")["gain.sniper"]
    assert sorted(gains.isna()) == [False, True]


def test_more_runs_than_a_machine_could_list_are_one_line(spec: Path, capsys: Out) -> None:
    spec.write_text(SPEC.replace("replicates = 40", "replicates = 100000000"), encoding="utf-8")
    [line] = refused(capsys, "sweep", str(spec))
    assert "100,000,000 seeds are" in line and "10,000,000 are allowed" in line


def test_a_record_of_nothing_is_told_with_the_first_run(scheduler: str, spec: Path, capsys: Out) -> None:
    spec.write_text(SPEC.replace('"gain.*", "dex.ETH-PERP.volume", "events.*"', '"gian.*"'), encoding="utf-8")
    [line] = refused(capsys, "sweep", str(spec), "--out", "out", "--scheduler", scheduler)
    assert "record = ['gian.*']: a run measures nothing that is called so" in line
    spec.write_text(
        SPEC.replace("replicates = 40", "replicates = 1").replace('"gain.*", "dex.ETH-PERP.volume", ', ""),
        encoding="utf-8",
    )
    assert cli.main(["sweep", str(spec), "--out", "events", "--scheduler", scheduler]) == 0


def test_files_beside_the_parts_that_are_damaged_are_a_line_and_written_anew(
    scheduler: str, spec: Path, whole: Path, capsys: Out
) -> None:
    import shutil

    shutil.copytree(whole, "out")
    arguments = ("sweep", str(spec), "--out", "out", "--scheduler", scheduler)
    for name, damaged in (("complete.json", ("{", "[]", '{"runs": null}')), ("points.parquet", ("garbage", ""))):
        for text in damaged:
            (Path("out") / name).write_text(text)
            if name == "points.parquet":
                (Path("out") / "digests.txt").unlink(missing_ok=True)  # nothing is finished, so that it is asked for
                (Path("out") / "complete.json").unlink(missing_ok=True)
            command = ("results", "out", "--of", "gain.sniper") if name == "points.parquet" else ("results", "out")
            [line] = refused(capsys, *command)
            assert name in line and "is not what a sweep writes; delete it" in line
        (Path("out") / name).unlink()
        if name == "points.parquet":
            shutil.copy(whole / "digests.txt", "out")
        assert cli.main(arguments) == 0
        assert contents(Path("out")) == contents(whole)
        capsys.readouterr()


def test_until_replicates_only_where_the_interval_is_wide(scheduler: str, spec: Path) -> None:
    text = SPEC.replace("replicates = 40", "replicates = 4").replace(
        "[[axes]]", '[until]\ncolumn = "gain.sniper"\nhalf_width = 1500.0\nmost = 16\n\n[[axes]]', 1
    )
    spec.write_text(text, encoding="utf-8")
    assert cli.main(["sweep", str(spec), "--scheduler", scheduler, "--out", "out"]) == 0
    frame = results.load("out")
    table = results.summary(frame, ["fee"], "gain.sniper").set_index("fee")
    assert table["runs"].to_dict() == {0.0: 16, 0.001: 4, 0.002: 4}
    assert cli.main(["sweep", str(spec), "--scheduler", scheduler, "--out", "out"]) == 0
    assert sorted(frame[frame["fee"] == 0.0]["seed"]) == list(range(1, 17))


# Reading them


def test_results_are_listed_tabulated_and_exported(whole: Path, capsys: Out, tmp_path: Path) -> None:
    assert cli.main(["results", str(whole), "--of", "gain.sniper", "--against", "fee=0.001"]) == 0
    out = capsys.readouterr().out
    assert "complete" in out and "120 runs of 3 points" in out and "p_holm" in out
    assert results.CONTRASTS in out
    for name in ("a.csv", "a.parquet", "a.jsonl"):
        assert cli.main(["results", str(whole), "--export", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 1_000
    capsys.readouterr()
    assert "must end in" in refused(capsys, "results", str(whole), "--export", "a.xls")[0]
    capsys.readouterr()
    assert "did you mean gain.sniper?" in refused(capsys, "results", str(whole), "--of", "gain.snipper")[0]
    capsys.readouterr()
    assert "no such level" in refused(capsys, "results", str(whole), "--of", "gain.sniper", "--against", "fee=7")[0]
    capsys.readouterr()
    assert "holds no results" in refused(capsys, "results", str(tmp_path))[0]


def test_tables_of_results_are_exact_for_rare_events_and_careful_with_many_comparisons(
    whole: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments.statistics import difference, holm

    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["results", str(whole), "--of", "gain.sniper", "--above", "1e9"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    rows = [line.split() for line in told[-3:]]
    bound = 1.0 - 0.025 ** (1 / 40)  # what 40 runs without an event leave possible (Clopper and Pearson 1934)
    assert [float(row[-4]) for row in rows] == [0.0] * 3
    assert [float(row[-2]) for row in rows] == pytest.approx([bound] * 3, rel=1e-2)
    frame = results.load(whole)
    assert results.rates(frame, ["fee"], "gain.sniper", 1e9)["high"].tolist() == pytest.approx([bound] * 3)

    table = results.contrasts(frame, ["fee"], "gain.sniper", "fee", 0.001)
    by_fee = {fee: group.sort_values("seed")["gain.sniper"].tolist() for fee, group in frame.groupby("fee")}
    alone = [difference(by_fee[fee], by_fee[0.001]) for fee in (0.0, 0.002)]
    assert table["p"].tolist() == [one.p for one in alone]
    assert table["p_holm"].tolist() == holm([one.p for one in alone])
    assert table["difference"].tolist() == pytest.approx([one.estimate.mean for one in alone])
    assert ((table["low"] > 0) | (table["high"] < 0)).tolist() == (table["p"] <= 0.05).tolist()


def test_a_frame_is_tidy_and_its_units_are_known(whole: Path) -> None:
    frame = results.load(whole)
    assert frame[["point", "replicate"]].drop_duplicates().shape[0] == len(frame) == 120
    assert frame.groupby("point")["fee"].unique().map(list).tolist() == [[0.0], [0.001], [0.002]]
    assert frame.groupby("seed")["point"].count().unique().tolist() == [3]
    assert frame["events.attack"].notna().all()
    assert results.units(frame)["gain.sniper"] == "cash coins"
    assert set(frame.columns) - set(results.units(frame)) == {"duration", "fee"}


def test_a_sweep_is_a_value_as_well_and_its_file_reads_back(whole: Path) -> None:
    from experiments.axes.base import Bound
    from experiments.axes.spaced import Spaced
    from experiments.axes.table import Table
    from experiments.sweeps.spec import design

    fee = Spaced(Bound("exchange.market.fee", 0.0, 0.002, name="fee"), 3)
    record = ("gain.*", "dex.ETH-PERP.volume", "events.*")
    value = Sweep(
        "fees", base="stale-oracle", axes=(Table(rows=((240.0,),)), fee), replicates=40, record=record, part=15
    )
    kept = json.loads((whole / "manifest.json").read_text())["sweep"]
    assert design(value).digest == load(whole / "sweep.toml").digest == kept


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--of", ""], ": no such number was recorded (there is: "),
        (
            ["--of", "gain.snipr"],
            "gain.snipr: no such number was recorded; did you mean gain.sniper? (there is: gain.sniper, ",
        ),
        (["--of", "gain.sniper", "--above", "nan"], "--above nan: must be a finite number"),
        (["--of", "gain.sniper", "--above", "0", "--against", "fee=0"], "one table at a time"),
        (["--above", "0"], "say of which column"),
        (["--export", "{home}/parts/x.csv"], "which is for what the sweep itself writes"),
        (["--export", "{home}/points.parquet"], "which is for what the sweep itself writes"),
        (["--export", "fees.toml/x.csv"], "--export fees.toml/x.csv: "),
        (["--export", "nodir/x.csv"], "--export nodir/x.csv: no such folder as nodir"),
        (["--of", "gain.sniper", "--against", "fie=0"], "no such axis; did you mean fee? (there is: duration, fee)"),
        (["--export", "x.xlsx"], "must end in .csv, .parquet, .jsonl"),
    ],
)
def test_what_results_cannot_be_asked_for_is_one_line_and_changes_nothing(
    spec: Path, whole: Path, capsys: Out, arguments: list[str], said: str
) -> None:
    before = contents(whole)
    [line] = refused(capsys, "results", str(whole), *(word.format(home=whole) for word in arguments))
    assert said in line and len(line) < 300
    assert contents(whole) == before
    assert [path.name for path in Path().iterdir()] == ["fees.toml"]


def test_an_axis_without_a_name_is_found_by_the_end_of_its_path_where_only_one_ends_so() -> None:
    import pandas as pd

    from experiments.codec import Mistakes
    from experiments.commands.sweep import _level

    fee, gas, other = "exchange.market.fee", "chain.base_fee", "exchanges.b.market.fee"
    frame = pd.DataFrame({fee: [0.0, 0.001], gas: [1.0, 2.0], other: [0.0, 0.5], "fee": [3.0, 4.0]})
    assert _level(frame, [fee, gas], "fee=0") == (fee, 0.0) == _level(frame, [fee, gas], f"{fee}=0")
    assert _level(frame, [fee, other], "b.market.fee=0.5") == (other, 0.5)
    assert _level(frame, [fee, "fee"], "fee=3") == ("fee", 3.0)  # whose name it is goes first
    for axes, said in (([fee, other], "fee=0"), ([fee, gas], "ee=0"), ([], "fee=0")):
        with pytest.raises(Mistakes, match="no such axis.*there is: "):
            _level(frame, axes, said)


def test_a_command_of_several_sweeps_refuses_the_folder_of_one(spec: Path, whole: Path, capsys: Out) -> None:
    before = contents(whole)
    for command in (["search", "stale-oracle", "--attack", "StaleSniper"], ["study", "twap-window"], ["figures"]):
        [line] = refused(capsys, *command, "--out", str(whole))
        assert line == f"undertow: --out {whole}: holds the results of a sweep; take another folder"
    assert contents(whole) == before


def test_a_point_at_which_nobody_recorded_a_column_has_no_row_and_that_is_said(spec: Path, capsys: Out) -> None:
    text = SPEC.replace("replicates = 40", "replicates = 2").replace("count = 3", "count = 2")
    spec.write_text(text + '\n[[axes]]\nkind = "Without"\nroles = ["sniper"]\n', encoding="utf-8")
    assert cli.main(["sweep", str(spec), "--workers", "1", "--out", "out"]) == 0
    capsys.readouterr()
    assert cli.main(["results", "out", "--of", "gain.sniper"]) == 0
    told = capsys.readouterr().out
    assert "nan" not in told
    assert told.splitlines()[-1] == "gain.sniper: no run has recorded it at 2 of 4 points, which have no row"
    found = results.summary(results.load("out"), results.axes_of(Path("out")), "gain.sniper")
    assert len(found) == 2 and found["mean"].notna().all()
