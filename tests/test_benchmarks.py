"""The baseline plays the same game, and the benchmark runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.order_book import MIXES, Mix, installed, same_fills
from benchmarks.speed import compare

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


@pytest.mark.slow
def test_the_benchmark_runs() -> None:
    command = [sys.executable, "-m", "benchmarks.speed", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert "ratio" in done.stdout
    assert "bytes a trader" in done.stdout
    assert "DIFFERS" not in done.stdout
