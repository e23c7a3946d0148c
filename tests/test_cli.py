"""The command line keeps its promises: what it prints, what it refuses, and what it leaves behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments import cli, folders, wishes
from experiments.parallel import Workers, processes

TINY = """
name = "tiny"
about = "A virtual AMM, a small crowd and a keeper."
duration = 600.0
seed = 3

[nature]
kind = "GeometricBrownian"
tick = 12.0
volatility = [3.0]

[[cast]]
kind = "LeveragedCrowd"
name = "leveraged"
count = 40
capital = 1000.0
activity = 400.0

[[cast]]
kind = "Keeper"
"""
HEADER = "open_time,open,high,low,close\n"
BARS = HEADER + "".join(
    f"{1_760_000_000_000 + 300_000 * i},{2000 + i},{2003 + i},{1998 + i},{2001 + i}\n" for i in range(4)
)

Out = pytest.CaptureFixture[str]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    (tmp_path / "bars.csv").write_text(BARS, encoding="utf-8")
    return path


def said(capsys: Out, *arguments: str) -> str:
    """What a command that succeeds prints, having nothing to complain of."""
    assert cli.main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(capsys: Out, *arguments: str, status: int = 2) -> list[str]:
    """The complaints about a command; nothing is printed or written."""
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*") if "__pycache__" not in path.parts}
    assert cli.main(arguments) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert {p: p.stat().st_mtime_ns for p in Path().rglob("*") if "__pycache__" not in p.parts} == before
    lines = err.splitlines()
    assert lines and all(line.startswith("undertow: ") for line in lines)
    return lines


def digest(capsys: Out, *arguments: str) -> str:
    return str(json.loads(said(capsys, "run", *arguments, "--json"))["digest"])


# What is printed


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        f"import sys; from experiments.cli import main; main({arguments!r});"
        "assert not {'mesa', 'numba', 'numpy', 'pandas', 'pydantic', 'matplotlib'} & set(sys.modules), 'heavy'"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=cli.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: undertow" in done.stdout
    assert time.perf_counter() - start < 5.0  # half a second on an idle machine


def test_list_names_scenarios_studies_and_every_family(tiny: Path, capsys: Out) -> None:
    lines = said(capsys, "list").splitlines()
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert titles[:2] == ["scenarios", "studies"]
    assert {"oracles", "venues", "margins", "liquidations", "losses", "natures", "roles", "crowds"} <= set(titles)
    named = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if line.startswith(" ")}
    assert named["twap-window"] == "How long must a TWAP be before pushing it stops paying?"
    assert {"Keeper", "LeveragedCrowd", "Replay", "VirtualAmm"} <= named.keys()


def test_fields_lists_paths_by_prefix_or_kind(tiny: Path, capsys: Out) -> None:
    lines = said(capsys, "fields", "exchange.margin").splitlines()
    assert lines and all(line.startswith("world.exchange.margin") for line in lines)
    assert len(said(capsys, "fields").splitlines()) > len(lines)
    assert any(line.startswith("latency ") for line in said(capsys, "fields", "Keeper").splitlines())


def test_run_reports_what_became_of_it(tiny: Path, capsys: Out) -> None:
    out = said(capsys, "run", "tiny.toml")
    for words in ("seed 3", "liquidations", "bad debt", "who paid", "gain of wealth", "mid off fair", "index off fair"):
        assert words in out
    assert out.splitlines()[-1] == f"digest {digest(capsys, 'tiny.toml')}"


def test_a_run_seats_its_game_once_and_its_twins_once(tiny: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments import run as runs

    seats: list[str] = []
    build = runs.build
    monkeypatch.setattr(runs, "build", lambda scenario, **how: seats.append(scenario.name) or build(scenario, **how))
    said(capsys, "run", "tiny.toml", "--duration", "60", "--twin", "leveraged", "--json")
    assert seats == ["tiny", "tiny"]


def test_json_is_one_object_with_metrics_and_digest(tiny: Path, capsys: Out) -> None:
    row = json.loads(said(capsys, "run", "tiny.toml", "--json", "--seed", "9", "--duration", "120"))
    assert (row["scenario"], row["seed"], row["metrics"]["time"]) == ("tiny", 9, 120.0)
    assert len(row["digest"]) == 64


def test_twin_is_compared(tiny: Path, capsys: Out) -> None:
    out = said(capsys, "run", "tiny.toml", "--twin", "leveraged")
    assert "without leveraged" in out and "difference" in out
    row = json.loads(said(capsys, "run", "tiny.toml", "--twin", "leveraged", "--json"))
    assert row["twin"]["without"] == "leveraged"
    assert row["twin"]["digest"] != row["digest"]
    assert "gain.leveraged" not in row["twin"]["metrics"]


def test_what_show_prints_runs_alike(tiny: Path, capsys: Out) -> None:
    Path("whole.toml").write_text(said(capsys, "show", "tiny.toml"), encoding="utf-8")
    assert digest(capsys, "whole.toml") == digest(capsys, "tiny.toml")


def test_digest_is_the_same_in_another_process_and_checking_does_not_change_it(tiny: Path, capsys: Out) -> None:
    code = "import sys; from experiments.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "run", str(tiny), "--json", "--check"]
    done = subprocess.run(command, cwd=cli.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["digest"] == digest(capsys, "tiny.toml")


def test_set_changes_what_is_run(tiny: Path, capsys: Out) -> None:
    same = digest(capsys, "tiny.toml", "--set", "seed=3")
    assert same == digest(capsys, "tiny.toml")
    assert same != digest(capsys, "tiny.toml", "--set", "exchange.market.fee=0.002", "--set", "cast.leveraged.count=20")


def test_klines_become_fair(tiny: Path, capsys: Out) -> None:
    said(capsys, "run", "tiny.toml", "--klines", "bars.csv", "--out", "run")
    import pandas as pd

    fair = pd.read_parquet("run/blocks.parquet")["dex.ETH-PERP.fair"]
    assert fair.min() >= 1998 and fair.max() <= 2005
    assert 'kind = "Replay"' in Path("run/scenario.toml").read_text(encoding="utf-8")


def test_klines_that_the_tick_does_not_divide_take_the_nearest_that_does(tiny: Path) -> None:
    from experiments.scenario import find

    chosen = wishes.chosen("tiny.toml", [Path("bars.csv")], {}, ())
    assert chosen.nature.tick == 12.0
    odd = wishes.chosen("tiny.toml", [Path("bars.csv")], {"nature.tick": "7.5"}, ())
    assert odd.nature.tick == 7.5
    Path("odd.toml").write_text(TINY.replace("tick = 12.0", "tick = 13.0"), encoding="utf-8")
    assert find("odd.toml").nature.tick == 13.0
    assert wishes.chosen("odd.toml", [Path("bars.csv")], {}, ()).nature.tick == pytest.approx(300 / 23)


def test_plugin_brings_a_class_of_ones_own(tiny: Path, capsys: Out) -> None:
    Path("mine.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom agents.player import Role\n\n"
        "@dataclass(frozen=True)\nclass Idler(Role):\n    patience: float = 1.0\n\n"
        "    def act(self, me, view):\n        return ()\n",
        encoding="utf-8",
    )
    Path("with.toml").write_text(TINY + '\n[[cast]]\nkind = "Idler"\n', encoding="utf-8")
    assert "Idler" in " ".join(refused(capsys, "run", "with.toml"))
    row = json.loads(said(capsys, "run", "with.toml", "--json", "--plugin", "mine.py"))
    assert row["metrics"]["gain.idler"] == 0.0


# What is written


def test_out_holds_the_record_and_nothing_is_left_beside_it(tiny: Path, capsys: Out) -> None:
    said(capsys, "run", "tiny.toml", "--out", "a/run")
    assert {path.name for path in Path("a/run").iterdir()} == folders.RECORD
    assert [path.name for path in Path("a").iterdir()] == ["run"]
    said(capsys, "run", "tiny.toml", "--seed", "4", "--out", "a/run", "--twin", "keeper")  # a record gives way
    assert json.loads(Path("a/run/record.json").read_text(encoding="utf-8"))["seed"] == 4
    assert {path.name for path in Path("a/run/twin").iterdir()} == folders.RECORD
    said(capsys, "run", "a/run/scenario.toml", "--out", "a/run")
    assert [path.name for path in Path("a").iterdir()] == ["run"]


def test_out_refuses_a_folder_with_anything_else(tiny: Path, capsys: Out) -> None:
    said(capsys, "run", "tiny.toml", "--out", "run")
    Path("run/thesis.txt").write_text("years of work", encoding="utf-8")
    (line,) = refused(capsys, "run", "tiny.toml", "--out", "run")
    assert "--out run" in line
    (line,) = refused(capsys, "run", "tiny.toml", "--out", "tiny.toml")
    assert "not a folder" in line


def test_a_failure_to_write_leaves_the_former_record(tiny: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    said(capsys, "run", "tiny.toml", "--out", "run")
    from experiments.record import Record

    def half(self: Record, folder: Path) -> None:
        folder.mkdir()
        raise OSError("disk full")

    monkeypatch.setattr(Record, "write", half)
    with pytest.raises(OSError, match="disk full"):
        cli.main(["run", "tiny.toml", "--seed", "4", "--out", "run"])
    assert json.loads(Path("run/record.json").read_text(encoding="utf-8"))["seed"] == 3
    assert not [path for path in Path().iterdir() if path.name.startswith(".run")]


# What is refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rum"], "Unknown command"),
        (["run"], "SCENARIO"),
        (["run", "tiny.toml", "--sede", "1"], "--sede"),
        (["run", "tiny.toml", "--seed", "one"], "--seed"),
        (["run", "tiny.toml", "--seed", "-1"], "seed = -1"),
        (["run", "tiny.toml", "--duration", "nan"], "duration"),
        (["run", "tiny.toml", "--duration", "0"], "duration"),
        (["run", "tiny.toml", "--duration", "1e300"], "duration"),
        (["run", "oracle-pus"], "oracle-pus"),
        (["run", "missing.toml"], "missing.toml: no such file"),
        (["run", "bars.csv"], "not TOML"),
        (["run", "tiny.toml", "--set", "seed"], "PATH=VALUE"),
        (["run", "tiny.toml", "--set", "seed=1", "--seed", "2"], "set twice"),
        (["run", "tiny.toml", "--set", "exchange.market.fea=1"], "did you mean fee?"),
        (["run", "tiny.toml", "--set", "exchange.market.fee=much"], "must be a finite number"),
        (["run", "tiny.toml", "--set", "exchange.market.oracle=Twapp"], "no such kind"),
        (["run", "tiny.toml", "--set", "cast.keeper.count=-1"], "count"),
        (["run", "tiny.toml", "--set", "cast.keeper.capital=1e300"], "tiny"),
        (["run", "tiny.toml", "--twin", "nobody"], "nobody"),
        (["run", "tiny.toml", "--klines", "gone.csv"], "gone.csv: no such file"),
        (["run", "tiny.toml", "--klines", "tiny.toml"], "column 'open_time' is missing"),
        (["run", "tiny.toml", "--klines", "bars.csv", "--klines", "bars.csv"], "one file an asset"),
        (["run", "tiny.toml", "--klines", "bars.csv", "--duration", "86400"], "ticks"),
        (["run", "tiny.toml", "--set", 'nature={kind = "Replay"}'], "--klines FILE"),
        (["run", "tiny.toml", "--plugin", "gone.py"], "gone.py: no such file"),
        (["show", "oracle-pus"], "oracle-pus"),
        (["fields", "exchnge"], "exchange"),
        (["study", "twap-windw"], "did you mean twap-window?"),
        (["study", "twap-window", "--workers", "0"], "--workers 0"),
        (["study", "twap-window", "--out", "tiny.toml"], "not a folder"),
        (["demo", "--fast"], "--fast"),
    ],
)
def test_a_mistake_is_one_line(tiny: Path, capsys: Out, arguments: list[str], words: str) -> None:
    (line,) = refused(capsys, *arguments)
    assert words in line


def test_every_mistake_gets_its_line(tiny: Path, capsys: Out) -> None:
    Path("full").mkdir()
    Path("full/file").touch()
    lines = refused(
        capsys,
        "run",
        "tiny.toml",
        "--out",
        "full",
        "--set",
        "seed=x",
        "--set",
        "exchange.market.fee=true",
        "--set",
        "patience",
    )
    assert len(lines) == 2  # the folder, and the pair that is none; values are read once there is a whole list of them
    lines = refused(capsys, "run", "tiny.toml", "--out", "full", "--set", "seed=x", "--set", "exchange.market.fee=true")
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BARS.replace("high", "hgih"), "column 'high' is missing"),
        (BARS.replace(",2003,", ",-3,", 1), "line 2, column 'high'"),
        (HEADER, "at least 2"),
        ("", "column 'open_time'"),
    ],
)
def test_wrong_klines_are_refused(tiny: Path, capsys: Out, text: str, words: str) -> None:
    Path("wrong.csv").write_text(text, encoding="utf-8")
    (line,) = refused(capsys, "run", "tiny.toml", "--klines", "wrong.csv", "--out", "run")
    assert "wrong.csv" in line and words in line


def test_a_file_that_is_no_text_is_refused(tiny: Path, capsys: Out) -> None:
    for name in ("noise.csv", "noise.parquet", "noise.toml"):
        Path(name).write_bytes(bytes(range(128, 256)) * 8)
    refused(capsys, "run", "noise.toml")
    assert len(refused(capsys, "run", "tiny.toml", "--klines", "noise.csv")) == 1
    assert len(refused(capsys, "run", "tiny.toml", "--klines", "noise.parquet")) == 1


def test_a_wrong_plugin_is_refused(tiny: Path, capsys: Out) -> None:
    Path("bad.py").write_text("1 / 0\n", encoding="utf-8")
    Path("empty.py").write_text("x = 1\n", encoding="utf-8")
    assert "ZeroDivisionError" in refused(capsys, "run", "tiny.toml", "--plugin", "bad.py")[0]
    assert "no dataclass" in refused(capsys, "run", "tiny.toml", "--plugin", "empty.py")[0]


def test_a_broken_law_is_status_one_and_a_bug_traces(tiny: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    from protocol import laws

    def broken(*_: object) -> None:
        raise laws.LawBroken(["cash sums to 1", "ETH sums to 2"])

    monkeypatch.setattr(laws, "check", broken)
    lines = refused(capsys, "run", "tiny.toml", "--check", "--out", "run", status=1)
    assert lines == ["undertow: cash sums to 1", "undertow: ETH sums to 2"]

    def bug(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(laws, "check", bug)
    with pytest.raises(ZeroDivisionError):
        cli.main(["run", "tiny.toml", "--check"])


def test_an_interrupt_is_one_line(tiny: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_play", interrupted)
    assert refused(capsys, "run", "tiny.toml", "--out", "run", status=130) == ["undertow: interrupted"]


# Studies


def test_demo_study_and_figures_run_studies(tiny: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Path, int | None, bool]] = []

    def played(name: str) -> object:
        def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
            calls.append((name, out, processes(workers), quick))
            return f"{name} done"

        return main

    names = list(cli.studies())
    assert names[0] == cli.DEMO
    for name, module in cli.studies().items():
        monkeypatch.setattr(module, "main", played(name))
    assert said(capsys, "demo", "--quick").strip() == "twap-window done"
    said(capsys, "study", "twap-window", "--workers", "2", "--out", "there")
    assert calls == [("twap-window", Path("results"), None, True), ("twap-window", Path("there"), 2, False)]
    calls.clear()
    said(capsys, "figures")
    assert [name for name, *_ in calls] == names


def test_a_reader_who_leaves_early_is_no_error() -> None:
    code = "import sys; from experiments.cli import main; sys.exit(main(['fields']))"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=cli.ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)
    assert done.stderr == ""


def test_a_run_too_short_for_a_block_is_refused(tiny: Path, capsys: Out) -> None:
    assert refused(capsys, "run", str(tiny), "--duration", "1e-3") == [
        "undertow: duration = 0.001: no block was sealed in so many seconds"
    ]


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        ("contagion", "--seeds", "1.6"),
        ("contagion", "--deletions", "1.5"),
        ("run", "--seed", "2.5"),
        ("probe", "--budget", "inf"),
    ],
)
def test_a_fraction_is_no_whole_number_and_is_not_rounded(
    tiny: Path, capsys: Out, command: str, option: str, value: str
) -> None:
    (line,) = refused(capsys, command, str(tiny), option, value)
    assert option in line
    assert f"{value} is not a whole number" in line


def test_a_whole_number_may_be_written_with_a_point(tiny: Path, capsys: Out) -> None:
    assert digest(capsys, str(tiny), "--seed", "2.0") == digest(capsys, str(tiny), "--seed", "2")


def test_help_has_a_line_for_every_command(capsys: Out) -> None:
    assert cli.main(["--help"]) == 0
    lines = [line.strip("│ ").split(None, 1) for line in capsys.readouterr().out.splitlines() if line.startswith("│ ")]
    told = {words[0]: words[1:] for words in lines if words}
    assert "probe" in told
    assert [name for name, words in told.items() if name in cli.app and not words] == []
