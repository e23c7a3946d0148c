"""Tables of studies: one form for a number with its interval."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from experiments.statistics import estimate
from experiments.tables import cell, columns, means, write

RUNS = pd.DataFrame(
    {
        "rule": ["b", "b", "b", "a", "a"],
        "seed": [1, 2, 3, 1, 2],
        "debt": [1.0, 2.0, 6.0, 4.0, 4.0],
        "right": [math.nan, 0.5, 0.7, math.nan, math.nan],
    }
)


def test_a_point_has_its_seeds_and_each_number_its_interval_in_the_order_of_the_runs():
    table = means(RUNS, ("rule",), ("debt", "right"))
    assert table["rule"].tolist() == ["b", "a"]
    assert table["seeds"].tolist() == [3, 2]
    found = estimate([1.0, 2.0, 6.0])
    assert table.loc[0, ["debt", "debt_low", "debt_high"]].tolist() == [found.mean, found.low, found.high]
    assert table.loc[1, ["debt", "debt_low", "debt_high"]].tolist() == [4.0, 4.0, 4.0]


def test_what_is_missing_does_not_count_and_nothing_at_all_is_none():
    table = means(RUNS, ("rule",), ("right",))
    assert table.loc[0, "right"] == pytest.approx(0.6)
    assert table.loc[1, ["right", "right_low", "right_high"]].isna().all()
    assert list(columns("x", RUNS["debt"])) == ["x", "x_low", "x_high"]


def test_a_number_is_told_with_its_interval():
    row = {"x": 1_234.5, "x_low": -1.0, "x_high": 20_000.0}
    assert cell(row, "x") == "1,234 [-1, 20,000]"
    assert cell(row, "x", 1e-3, 1, width=6) == "   1.2 [  -0.0,   20.0]"


def test_tables_are_written_by_name(tmp_path):
    write(tmp_path / "new", {"runs": RUNS})
    assert pd.read_csv(tmp_path / "new" / "runs.csv").equals(RUNS)
