"""A kept run holds only while the sources it came from say the same: the engine's, a plugin's, and what a plugin imports."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments import sources
from experiments.sources import brought, engine
from experiments.sweeps.arena import Arena
from experiments.sweeps.rows import Cell, Job
from experiments.sweeps.spec import Sweep, design

PLUGIN = """
import dataclasses
import mine.rules as rules
from agents.player import Role

@dataclasses.dataclass(frozen=True)
class Own(Role):
    def act(self, me, view):
        from mine.late import nothing
        return nothing()
"""
FILES = {
    "plug.py": PLUGIN,
    "mine/__init__.py": "",
    "mine/rules.py": "from . import deep\nfrom .deep import WORD\n",
    "mine/deep.py": "import numpy\nWORD = 'one'\n",
    "mine/late.py": "def nothing():\n    return ()\n",
    "mine/other.py": "",
    "unrelated.py": "",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        del sys.modules[name]


@pytest.mark.parametrize("name", FILES)
def test_a_plugin_is_what_it_and_all_that_it_imports_say_and_nothing_else(home: Path, name: str) -> None:
    before = brought([str(home / "plug.py")])
    (home / name).write_text(FILES[name] + "# changed\n")
    seen = name not in ("mine/other.py", "unrelated.py")
    assert (brought([str(home / "plug.py")]) != before) == seen
    assert brought([]) == ""


def test_a_plugin_is_the_same_wherever_it_lies(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    moved = tmp_path_factory.mktemp("elsewhere") / "plug.py"
    moved.write_text(PLUGIN)
    assert brought([str(moved)]) == brought([str(home / "plug.py")])


def test_a_worker_with_another_version_of_a_plugin_or_of_the_engine_does_not_play(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(home), prepend=os.pathsep)
    plan = design(Sweep(base="stale-oracle"))
    plugin = str(home / "plug.py")
    points = pickle.dumps({point.number: point for point in plan.points})
    for held in (("0" * 64, brought([plugin])), (engine(), "0" * 64)):
        job = Job("key", (plugin,), pickle.dumps(plan.sweep), None, None, held)
        stage = Arena()
        try:
            with pytest.raises(RuntimeError, match="another version of the engine, or of a plugin"):
                list(stage.play(job, points, [Cell(0, 0)]))
        finally:
            stage.close()


def test_whatever_playing_loads_of_experiments_counts_as_the_engine() -> None:
    names = [f"experiments.{name}" for name in sources.PLAYING]
    files = "[sys.modules[name].__file__ for name in sys.modules if name.partition('.')[0] == 'experiments']"
    ask = f"import sys, importlib; [importlib.import_module(name) for name in {names}]; print(*{files})"
    done = subprocess.run([sys.executable, "-c", ask], cwd=sources.ROOT, capture_output=True, text=True, check=True)
    loaded = {Path(name).resolve() for name in done.stdout.split()}
    assert {path.stem for path in loaded} >= {"wealth", "discovery", "codec", "shapes"}
    assert loaded <= sources.playing()
