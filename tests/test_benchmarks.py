"""The baseline plays the same game, and the benchmark runs."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import margin, sweeps
from benchmarks.order_book import MIXES, Mix, installed, same_fills
from benchmarks.speed import compare
from protocol.instruments.base import Threshold
from protocol.solvency import examine, examine_one

ROOT = Path(__file__).resolve().parent.parent


def test_the_plain_mesa_baseline_plays_the_same_game() -> None:
    found = compare(traders=60, blocks=120, seeds=10)
    assert [f"{row.name}: {row.game} against {row.plain} +- {row.half_width}" for row in found if not row.agrees] == []


@pytest.mark.parametrize("name", ["open interest per trader", "volume per trader and block"])
def test_the_comparison_is_sharp_enough_to_mean_something(name: str) -> None:
    found = next(row for row in compare(traders=100, blocks=120, seeds=10) if row.name == name)
    assert found.half_width < 0.35 * found.game


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: mix.name)
def test_other_peoples_order_books_fill_the_same_orders_alike(mix: Mix) -> None:
    assert "lightmatchingengine" in installed()
    assert same_fills(mix, blocks=20) > 100


@pytest.mark.slow
def test_the_order_book_benchmark_runs() -> None:
    command = [sys.executable, "-m", "benchmarks.order_book", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert "ratio to ours" in done.stdout


def test_everybody_is_margined_in_tiles_as_each_is_alone() -> None:
    state = margin.opened(1_100)  # one tile and a bit
    house, rule = state.houses[0], state.exchange(state.houses[0]).margin
    for moves in ((), (-0.1,), (-0.1, 0.0, 0.2, 0.3)):  # none, and some that are no multiple of what is done at once
        terms = rule.terms(state, house, Threshold.INITIAL)
        terms = terms._replace(grid=terms.grid[: 3 * len(moves) - (len(moves) > 1)].copy())
        worth, needs = np.empty(state.ledger.accounts), np.empty(state.ledger.accounts)
        examine(state.ledger.bare, tuple(terms), worth, needs)
        alone = [examine_one(state.ledger.bare, tuple(terms), account) for account in range(state.ledger.accounts)]
        assert [tuple(pair) for pair in zip(worth.tolist(), needs.tolist(), strict=True)] == alone


def test_the_margin_benchmark_measures_what_it_says() -> None:
    found = margin.measure(accounts=500, rounds=3)
    assert (found.instruments, found.scenarios) == (40, 21)
    assert divmod(found.bytes, 121 * 8) == (found.accounts + 48, 0)  # 120 rows and cash; and the protocol's accounts
    assert 0.0 < found.rate < math.inf
    assert found.copy_rate > 0.0


def test_a_sweep_costs_little_beyond_its_runs_and_holds_no_more_the_longer_it_goes_on() -> None:
    with sweeps.warm(600.0) as (crew, home):
        cost = sweeps.cost(crew, home, runs=60, duration=600.0)
        long, short = (sweeps.lasting(crew, home, goal, runs=10) for goal in (60.0, 15.0))
        held = sweeps.memory(crew, home, runs=240, duration=60.0, spacing=0.0)
    assert long > 2.0 * short
    assert (
        1.0 < cost.clock < 1.2
    )  # far from the 3 % of a long sweep on a quiet machine, and from a hand-out for each run
    more = sweeps.growth(held)
    assert more.runs == 240
    assert (
        max(more.stage, more.worker, more.driver) < 8.0
    )  # over 120 runs; a model that is kept alive weighs several 100 KiB


@pytest.mark.slow
def test_the_benchmark_runs() -> None:
    command = [sys.executable, "-m", "benchmarks.speed", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert "ratio" in done.stdout
    assert "bytes a trader" in done.stdout
    assert "DIFFERS" not in done.stdout
