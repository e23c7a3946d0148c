"""Families of liquidations: what measures a run is right where the truth is known, and adds up where it is not."""

import math

import numpy as np
import pytest

from experiments.cascades.causes import Forced, Why
from experiments.cascades.marks import NATURE
from experiments.cascades.tails import Continuous, Whole, tail
from experiments.cascades.trees import (
    PHASES,
    branching,
    branching_by_phase,
    clusters,
    generations,
    phases,
    roots,
    shared,
    thrown,
)
from experiments.figures.cascade_tree import rows
from experiments.validation.controlled import borel, cascade


def told(*parents, times=None):
    """Liquidations with one parent each, by number; -1: none."""
    rows = []
    for number, parent in enumerate(parents):
        cause = {NATURE: -1.0} if parent < 0 else {Forced(parent): -1.0}
        time = float(number if times is None else times[number])
        rows.append(Why(number, time, number, "a", "dex.X", 1.0, 10.0, 0.0, 0.0, 0.0, -1.0, cause, cause))
    return rows


@pytest.fixture(scope="module")
def known():
    return cascade(0.6, 800, 3)


def test_the_branching_ratio_is_recovered_within_its_error(known):
    found = branching([known])
    assert found.error == pytest.approx(math.sqrt(0.6 / len(known)), rel=0.3)
    assert abs(found.ratio - 0.6) < 3 * found.error
    runs = [cascade(0.6, 100, seed) for seed in range(8)]
    over_runs = branching(runs)
    assert abs(over_runs.ratio - 0.6) < 3 * over_runs.error
    assert over_runs.liquidations == sum(map(len, runs))


def test_families_have_borels_sizes_and_mean(known):
    sizes = np.array([one.size for one in clusters(known)])
    assert sizes.sum() == len(known)
    assert sizes.mean() == pytest.approx(2.5, rel=0.12)
    assert [(sizes == k).mean() for k in (1, 2, 3)] == pytest.approx([borel(k, 0.6) for k in (1, 2, 3)], abs=0.04)
    assert sum(borel(k, 0.6) * k for k in range(1, 400)) == pytest.approx(2.5)


def test_a_throw_is_the_same_again_and_another_throw_is_not(known):
    assert np.array_equal(thrown(known, 1), thrown(known, 1))
    assert not np.array_equal(thrown(known, 1), thrown(known, 2))


def test_throws_agree_with_shares_on_average(known):
    part = known[:300]
    parents = [thrown(part, throw) for throw in range(40)]
    children = np.mean([np.bincount(one[one >= 0], minlength=300) for one in parents], axis=0)
    assert children.sum() == pytest.approx(shared(part).sum(), rel=0.03)


def test_depth_and_duration_of_a_line_and_a_star():
    line, star = clusters(told(-1, 0, 1, 2)), clusters(told(-1, 0, 0, 0))
    assert line[0] == (0, 4, 40.0, 3, 3.0)
    assert star[0] == (0, 4, 40.0, 1, 3.0)
    assert generations(np.array([-1, 0, -1, 1])).tolist() == [0, 1, 0, 2]
    assert roots(np.array([-1, 0, -1, 1])).tolist() == [0, 0, 2, 0]


def test_phases_are_those_of_the_rate():
    times = [0, 100, 200, 201, 202, 203, 204, 205, 300, 400]
    run = told(*[-1] * 10, times=times)
    found = phases(run, window=60.0)
    assert found[:4] == ["onset"] * 4
    assert found[4:8] == ["peak"] * 4
    assert found[8:] == ["aftermath"] * 2
    by = branching_by_phase([told(*[-1, -1, -1, 2, 3, 4, 4, 4, 4, -1], times=times)])
    assert by["aftermath"].ratio == 0.0
    assert by["peak"].ratio == pytest.approx(4 / 4)
    assert sum(one.liquidations for one in by.values()) == 10
    assert set(by) == set(PHASES)


def test_lines_of_descent_are_drawn_at_heights_of_their_own():
    rng = np.random.default_rng(5)
    parents = np.array([-1, *(int(rng.integers(0, child)) for child in range(1, 60))])
    height = rows(parents, list(range(60)))
    below = {one: {one} for one in range(60)}
    for child in range(59, 0, -1):
        below[int(parents[child])] |= below[child]
    for one in range(60):
        for other in range(one + 1, 60):
            if other not in below[one]:
                mine, theirs = ([height[member] for member in below[k]] for k in (one, other))
                assert max(mine) < min(theirs) or max(theirs) < min(mine)


def test_of_no_liquidation_nothing_is_said():
    assert branching([]).liquidations == 0
    assert math.isnan(branching([[]]).ratio)
    assert clusters([]) == []
    assert phases([]) == []
    assert math.isnan(branching([told(-1)]).error)


@pytest.mark.parametrize("kind", [Whole(), Continuous()])
def test_a_power_law_is_found_and_not_refused(kind):
    rng = np.random.default_rng(1)
    found = tail(kind.draw(rng, 1_000, 2.5, 1.0), kind, resamples=40)
    assert found.exponent == pytest.approx(2.5, abs=4 * found.error)
    assert found.p >= 0.1
    assert found.verdict == "a power law is not refused"


@pytest.mark.parametrize("seed", range(5))
def test_an_exponential_is_never_found_a_power_law_alone(seed):
    rng = np.random.default_rng(seed)
    assert tail(rng.exponential(1.0, 600), Continuous(), resamples=20).verdict != "a power law is not refused"
    assert tail(1.0 + rng.geometric(0.1, 600), Whole(), resamples=20).verdict != "a power law is not refused"


def test_what_has_no_tail_at_all_is_refused():
    values = np.random.default_rng(1).uniform(1.0, 3.0, 1_000)
    assert tail(values, Continuous(), resamples=20).verdict == "not a power law"


def test_of_few_there_is_no_saying():
    assert tail(np.arange(1.0, 40.0), Continuous()).verdict.startswith("too few")
    assert tail(np.full(100, 2.0), Whole()).within == 0


def test_a_ratio_that_never_dies_out_is_refused():
    with pytest.raises(ValueError, match="ratio = 1.0"):
        cascade(1.0, 10, 1)
