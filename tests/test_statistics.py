"""Estimates carry their interval and their seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.statistics import (
    difference,
    estimate,
    flip_interval,
    holm,
    ratio,
    replicated,
    seeds_for_none,
    share,
    sign_flip,
)


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


def test_a_paired_difference_is_sharper_than_its_arms_are() -> None:
    rng = np.random.default_rng(2)
    common = rng.normal(0.0, 10.0, 30)
    mine, theirs = (common + 1.0 + rng.normal(0.0, 0.5, 30)).tolist(), (common + rng.normal(0.0, 0.5, 30)).tolist()
    found = difference(mine, theirs)
    assert 0.5 < found.estimate.low < 1.0 < found.estimate.high < 1.5
    assert found.p < 1e-3
    assert estimate(mine).low < 0.0
    with pytest.raises(ValueError, match="pairs are needed"):
        difference([1.0], [1.0, 2.0])


def test_a_ratio_of_means_covers_the_truth_and_is_sharp_where_seeds_go_together() -> None:
    rng, covered = np.random.default_rng(5), 0
    for _ in range(400):
        base = rng.lognormal(0.0, 0.5, size=12)
        found = ratio((0.9 * base + rng.normal(0.0, 0.05, size=12)).tolist(), base.tolist())
        covered += found.low <= 0.9 <= found.high
        assert found.high - found.low < 0.2 < estimate(base.tolist()).high - estimate(base.tolist()).low
    assert 0.92 <= covered / 400 <= 0.98
    assert ratio([2.0, 4.0], [1.0, 2.0]) == (2.0, 2.0, 2.0, 2)
    assert ratio([0.0], [0.0])[:3] == (1.0, 1.0, 1.0) and ratio([1.0], [0.0]).mean == math.inf
    assert math.isnan(ratio([1.0, math.nan], [1.0, 1.0]).mean)
    with pytest.raises(ValueError, match="pairs are needed"):
        ratio([1.0], [1.0, 2.0])


def test_signs_are_tossed_exactly_where_that_can_be_done() -> None:
    assert sign_flip([1.0, 2.0, 3.0]) == 2 / 8  # all plus, or all minus
    assert sign_flip([1.0, -1.0]) == 1.0
    assert sign_flip([1.0] * 14) == 2 / 2**14
    assert sign_flip([1.0] * 40) == pytest.approx(1 / 20_001)
    with pytest.raises(ValueError, match="at least one pair"):
        sign_flip([])


def test_p_of_nothing_is_spread_evenly() -> None:
    rng = np.random.default_rng(3)
    found = np.array([sign_flip(rng.normal(size=12).tolist()) for _ in range(400)])
    assert 0.02 <= np.mean(found <= 0.05) <= 0.085
    assert 0.4 <= found.mean() <= 0.6


def test_holm_steps_down_as_published() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # Holm 1979, step by step
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_keeps_false_findings_rare_where_the_bare_p_does_not() -> None:
    rng = np.random.default_rng(5)
    tables = [[sign_flip(rng.normal(size=11).tolist()) for _ in range(10)] for _ in range(200)]
    bare = np.mean([min(table) <= 0.05 for table in tables])
    careful = np.mean([min(holm(table)) <= 0.05 for table in tables])
    assert bare > 0.25
    assert careful <= 0.1


def test_replication_stops_once_the_interval_is_narrow_and_not_before() -> None:
    rng = np.random.default_rng(6)
    drawn: list[int] = []

    def measure(seed: int) -> float:
        drawn.append(seed)
        return float(rng.normal(10.0, 5.0))

    found = replicated(measure, half_width=1.0, least=10, most=640, first_seed=3)
    assert drawn == list(range(3, 3 + found.seeds))
    assert found.seeds in (80, 160)  # 5 * 1.96 / sqrt(n) is 1 at n = 96
    assert found.high - found.low < 2.0
    assert replicated(lambda _: 7.0, relative=0.1, least=4).seeds == 4
    assert replicated(measure, half_width=1e-9, least=4, most=20).seeds == 20
    for wrong in ({}, {"relative": 0.1, "least": 1}, {"relative": 0.1, "least": 9, "most": 8}):
        with pytest.raises(ValueError, match="must be"):
            replicated(measure, **wrong)  # type: ignore[arg-type]


def test_intervals_that_one_stops_at_still_cover_nearly_as_often_as_they_say() -> None:
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(150):
        found = replicated(lambda _: float(rng.normal(1.0, 2.0)), half_width=0.6, least=16, most=256)
        hits += found.low <= 1.0 <= found.high
    assert 0.87 <= hits / 150 <= 1.0


def test_seeds_without_an_event_bound_its_rate_as_the_exact_interval_does() -> None:
    for largest in (0.3, 0.05, 0.01):
        n = seeds_for_none(largest)
        assert share(0, n).high <= largest < share(0, n - 1).high
    with pytest.raises(ValueError, match="between 0 and 1"):
        seeds_for_none(0.0)


@pytest.mark.parametrize("pairs", [3, 5, 6, 9, 14, 30])
def test_the_interval_of_flipped_signs_has_zero_outside_exactly_where_p_is_small(pairs: int) -> None:
    rng = np.random.default_rng(pairs)
    small = 0
    for shift in np.linspace(-2.0, 2.0, 21):
        gaps = rng.standard_t(3, size=pairs) + shift
        low, high = flip_interval(gaps.tolist())
        found = sign_flip(gaps.tolist())
        assert (found <= 0.05) == (not low <= 0.0 <= high) and low <= gaps.mean() <= high
        for end, inward in ((low, 1e-9), (high, -1e-9)):
            if np.isfinite(end):
                assert sign_flip((gaps - end - inward).tolist()) > 0.05 >= sign_flip((gaps - end + inward).tolist())
        small += found <= 0.05
    assert small > 2 if pairs >= 6 else np.isinf([low, high]).all()


def test_the_interval_of_flipped_signs_covers_the_truth_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(7), 0
    for _ in range(600):
        low, high = flip_interval(rng.normal(1.0, 2.0, size=9).tolist())
        inside += low <= 1.0 <= high
    assert 0.93 <= inside / 600 <= 0.975
    with pytest.raises(ValueError, match="at least one"):
        flip_interval([])
