"""A folder that holds one kind of results takes no other: neither could go on there afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from audits import WEAK, pretend

from experiments import cli
from experiments.audit.bench import bench
from experiments.codec import dumps
from experiments.folders import HARDENING, MARKS
from experiments.overrides import vary
from experiments.scenario import find

Out = pytest.CaptureFixture[str]

SPEC = """
name = "fees"
base = "short.toml"

[[axes]]
kind = "Listed"
path = "exchange.market.fee"
values = [0.0, 0.001]
"""
SEARCH = ["--attack", "sniper", "--budget", "8", "--seeds", "1", "--held-out", "2", "--over", "usage=0.05:1"]
AUDIT = ["--attack", "OraclePush", "--defence", "ExitFee", "--budget", "70"]
COMMANDS = {
    "a sweep": ["sweep", "fees.toml"],
    "an audit": ["audit", "weak.toml", *AUDIT],
    "a hardening": ["harden", "weak.toml", "--attack", "OraclePush"],
    "a search": ["search", "short.toml", *SEARCH],
}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command that makes results of a kind, into a folder."""
    monkeypatch.chdir(tmp_path)
    pretend(monkeypatch, lambda _: 0.0)
    Path("weak.toml").write_text(dumps(WEAK), encoding="utf-8")
    Path("short.toml").write_text(dumps(vary(find("stale-oracle"), "duration", 120.0)), encoding="utf-8")
    Path("fees.toml").write_text(SPEC, encoding="utf-8")
    return lambda kind, out: cli.main([*COMMANDS[kind], "--workers", "1", "--out", str(out)])


def contents(home: Path) -> dict[str, bytes]:
    return {str(p.relative_to(home)): p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file()}


def test_no_command_takes_the_folder_of_another_and_each_goes_on_in_its_own(
    asked: Callable[..., int], capsys: Out
) -> None:
    for kind in COMMANDS:
        assert asked(kind, kind) in (0, 3)
    capsys.readouterr()
    before = {kind: contents(Path(kind)) for kind in COMMANDS}
    for kind in COMMANDS:
        for other in set(COMMANDS) - {kind}:
            assert asked(kind, other) == 2, (kind, other)
            (line,) = capsys.readouterr().err.splitlines()
            words = "holds something else than the results of a sweep" if kind == "a sweep" else f"results of {other};"
            assert line.startswith(f"undertow: --out {other}: ") and words in line
    assert {kind: contents(Path(kind)) for kind in COMMANDS} == before
    for kind in COMMANDS:
        (Path(kind) / ".lock").write_text("")  # as it was before it said so
        assert asked(kind, kind) in (0, 3), kind


def test_a_hardening_that_has_only_begun_is_not_gone_on_with_by_an_audit(
    asked: Callable[..., int], capsys: Out
) -> None:
    with bench(Path("begun"), 5, kind=HARDENING):
        pass
    assert asked("an audit", "begun") == 2 and "holds the results of a hardening" in capsys.readouterr().err
    assert [path.name for path in Path("begun").iterdir()] == [".lock"]
    assert asked("a hardening", "begun") == 0


@pytest.mark.parametrize("kind", sorted(MARKS))
def test_results_of_every_kind_keep_audits_out_and_only_those_that_share_let_studies_in(
    asked: Callable[..., int], capsys: Out, kind: str
) -> None:
    for mark in MARKS[kind]:
        Path(kind, mark).mkdir(parents=True)
    if kind != "an audit":
        assert asked("an audit", kind) == 2
        assert f"--out {kind}: holds the results of {kind}; take another folder" in capsys.readouterr().err
    shares = kind in ("a sensitivity", "studies")
    for command in (["validate", "--only", "nothing"], ["study", "no-such"]):
        assert cli.main([*command, "--out", kind]) == 2
        assert ("take another folder" in capsys.readouterr().err) != shares
