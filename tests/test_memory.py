"""Memory stays flat: no game outlives its run, however many are played in one process, and however they end."""

from __future__ import annotations

import dataclasses
import gc
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import mesa
import psutil
import pytest

from agents.game import Game
from agents.player import Player, Role
from agents.view import View
from experiments.scenario import Scenario, find
from experiments.sweeps.rows import Cell
from experiments.sweeps.spec import Sweep, design
from experiments.sweeps.stage import attempt
from protocol.ledger import Ledger
from protocol.state import State

ROOT = Path(__file__).resolve().parents[1]
RUNS = 240
LIVING = (mesa.Model, mesa.Agent, State, Ledger)
KINDS = ("stale-oracle", "maker-book", "owned-blocks")
MEGABYTE = 2.0**20
LEAK = 4.0  # MiB by which a process may grow over half of the runs; a game that is kept alive weighs 0.1 MiB or more


@dataclasses.dataclass(frozen=True)
class Clumsy(Role):
    """Whoever it is, it raises in the middle of a run."""

    def act(self, me: Player, view: View) -> tuple[()]:
        """Stumble."""
        if view.time > 20.0:
            raise ZeroDivisionError("stumbled")
        return ()


@dataclasses.dataclass(frozen=True)
class Barred(Clumsy):
    """Whoever it is, it cannot be seated, when others are already."""

    def enter(self, game: Game) -> None:
        """Raise."""
        raise ValueError("barred")


class Left(NamedTuple):
    """What a process holds after so many runs."""

    living: int  # games, players, states, ledgers
    held: float  # MiB


def scenarios() -> list[Scenario]:
    """Short runs of several kinds, one that raises, and one that cannot be seated."""
    short = [dataclasses.replace(find(name), duration=30.0) for name in KINDS]
    clumsy = dataclasses.replace(short[0], cast=(*short[0].cast, Clumsy()))
    barred = dataclasses.replace(short[0], cast=(*short[0].cast, Barred()))
    builders = tuple(dataclasses.replace(r, share=0.9) for r in short[2].cast if hasattr(r, "share"))
    twice = dataclasses.replace(short[2], cast=(*short[2].cast, *(dataclasses.replace(r, name="b") for r in builders)))
    return [*short, clumsy, barred, twice]


def look() -> Left:
    gc.collect()
    living = sum(isinstance(one, LIVING) for one in gc.get_objects())
    return Left(living, psutil.Process().memory_info().rss / MEGABYTE)


def played(runs: int) -> tuple[Counter[str], list[Left]]:
    """Play as a sweep does; what became of the runs, and what was left after a quarter, a half, and all of them."""
    sweeps = [design(Sweep(base=one, replicates=runs, record=("gain.*",))) for one in scenarios()]
    status: Counter[str] = Counter()
    left = []
    for number in range(runs):
        found = sweeps[number % len(sweeps)]
        row, _ = attempt(found.sweep, found.points[0], Cell(0, number))
        status[row.status] += 1
        if number + 1 in (runs // 4, runs // 2, runs):
            left.append(look())
    return status, left


def in_a_process(runs: int, planted: str = "") -> tuple[dict[str, int], list[Left]]:
    """The same in a process of its own, with something planted in it."""
    code = f"import json\nfrom tests import test_memory as ours\n{planted}\nprint(json.dumps(ours.played({runs})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    status, left = json.loads(done.stdout)
    return status, [Left(*one) for one in left]


def test_no_game_outlives_its_run_and_the_process_does_not_grow() -> None:
    status, left = in_a_process(RUNS)
    assert status == {"ok": RUNS * 3 // 6, "raised": RUNS * 3 // 6}
    assert [one.living for one in left] == [0, 0, 0]
    assert left[-1].held - left[1].held < LEAK


@pytest.mark.parametrize(
    "planted",
    [
        "import experiments.run\nexperiments.run.let_go = lambda model: None",  # what Mesa keeps by itself
        "kept, save = [], ours.State.save\nours.State.save = lambda state: kept.append(state) or save(state)",
    ],
    ids=["Mesa", "a reference"],
)
def test_a_reference_that_keeps_games_alive_is_seen(planted: str) -> None:
    _, left = in_a_process(12, planted)
    assert 0 < left[0].living < left[1].living < left[2].living
