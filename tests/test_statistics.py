"""Estimates carry their interval and their seeds."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.statistics import estimate, share


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        found = estimate(rng.normal(1.0, 2.0, 25).tolist())
        hits += found.low <= 1.0 <= found.high
    assert 0.87 <= hits / 200 <= 0.99


def test_equal_values_have_no_width_and_none_is_refused() -> None:
    assert estimate([2.0, 2.0])[:3] == (2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="at least one seed"):
        estimate([])


def test_a_rate_of_nothing_still_has_an_upper_end() -> None:
    found = share(0, 10)
    assert found.low == 0.0
    assert found.high == pytest.approx(0.3085, abs=1e-4)  # Clopper and Pearson 1934


def test_the_same_values_give_the_same_interval() -> None:
    values = np.random.default_rng(1).normal(size=30).tolist()
    assert estimate(values) == estimate(values)
