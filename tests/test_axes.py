"""Axes put their levels where they say: evenly, within bounds, jointly, and the same each time."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from experiments.axes.base import Axis, Bound
from experiments.axes.latin_hypercube import LatinHypercube
from experiments.axes.listed import Listed
from experiments.axes.morris import Morris
from experiments.axes.saltelli import Saltelli
from experiments.axes.sobol import Sobol
from experiments.axes.spaced import Spaced
from experiments.axes.without import Without
from experiments.scenario import find
from experiments.shapes import variants
from experiments.sweeps.spec import Sweep, design, load
from protocol.oracles.ema import Ema
from protocol.oracles.spot import Spot

BOUNDS = (Bound("duration", 60.0, 6_000.0, "log"), Bound("patience", 10.0, 20.0), Bound("seed", 1.0, 4.0, "whole"))
FAMILY = variants(Axis)


@pytest.mark.parametrize("name", FAMILY)
def test_an_axis_has_levels_of_the_same_columns_and_the_same_each_time(name: str) -> None:
    axis: Axis = FAMILY[name]()
    levels = axis.levels()
    assert len({tuple(level.labels) for level in levels}) == 1
    assert levels == axis.levels()


@pytest.mark.parametrize(
    "axis", [LatinHypercube(BOUNDS, 64), Sobol(BOUNDS, 64), Morris(BOUNDS, 20), Saltelli(BOUNDS, 16)]
)
def test_points_stay_within_bounds_and_whole_numbers_stay_whole(axis: Axis) -> None:
    for level in axis.levels():
        duration, patience, seed = level.changes.values()
        assert 60.0 <= duration <= 6_000.0
        assert 10.0 <= patience <= 20.0
        assert isinstance(seed, int) and 1 <= seed <= 4
        assert list(level.labels.values()) == [duration, patience, seed]


def test_a_latin_hypercube_has_one_point_in_every_row_of_every_parameter() -> None:
    levels = LatinHypercube(BOUNDS, 32, seed=5).levels()
    shares = np.array(
        [[np.log(x / 60.0) / np.log(100.0), (y - 10.0) / 10.0] for x, y, _ in (v.changes.values() for v in levels)]
    )
    for column in shares.T:
        assert sorted(np.floor(32 * column).astype(int)) == list(range(32))


def test_whole_numbers_are_hit_equally_often_and_both_ends_are_among_them() -> None:
    bound = Bound("seed", 1.0, 4.0, "whole")
    assert [bound.at(u) for u in (0.0, 0.24, 0.26, 0.49, 0.51, 0.74, 0.76, 1.0)] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [level.changes["seed"] for level in Spaced(bound, 4).levels()] == [1, 2, 3, 4]
    assert [level.changes["seed"] for level in Spaced(bound, 2).levels()] == [1, 4]


def test_a_range_has_both_ends_and_is_even_on_its_scale() -> None:
    found = [level.changes["duration"] for level in Spaced(BOUNDS[0], 3).levels()]
    assert found == pytest.approx([60.0, 600.0, 6_000.0])
    assert found[0] == 60.0 and found[-1] == 6_000.0


def test_mechanisms_are_levels_by_their_kinds_or_names_and_are_put_in_place() -> None:
    values = ({"kind": "Ema", "half_life": 30.0}, {"kind": "ArithmeticTwap", "window": 60.0})
    axis = Listed("exchange.market.oracle", values)
    base = find("leveraged-crash")
    found = design(Sweep(base=base, axes=(axis,)))
    assert [point.labels["exchange.market.oracle"] for point in found.points] == ["Ema", "ArithmeticTwap"]
    oracle = found.sweep.scenario(found.points[0]).world.exchanges[0].markets[0].oracle
    assert oracle == Ema(half_life=30.0)
    objects = Listed("exchange.market.oracle", (Ema(half_life=30.0), Ema(half_life=60.0)), names=("fast", "slow"))
    assert [level.labels["exchange.market.oracle"] for level in objects.levels()] == ["fast", "slow"]
    shown = [level.labels["x"] for level in Listed("x", (Spot(), Ema(half_life=60.0), Ema(half_life=61.0))).levels()]
    assert shown[0] == '{kind = "Spot"}' and len(set(shown)) == 3


def test_axes_are_crossed_and_every_point_is_played_on_the_same_seeds() -> None:
    axes = (Listed("duration", (60.0, 120.0)), Spaced(BOUNDS[1], 3), Without(("sniper",)))
    found = design(Sweep(base="stale-oracle", axes=axes, first_seed=7, replicates=2))
    assert len(found.points) == 12
    assert len({tuple(point.labels.values()) for point in found.points}) == 12
    scenarios = [found.sweep.scenario(point, r) for point in found.points for r in (0, 1)]
    assert {s.seed for s in scenarios} == {7, 8}
    assert sum("sniper" in {role.label for role in s.cast} for s in scenarios) == 12
    assert len({repr(s) for s in scenarios}) == 24


def test_a_level_that_needs_another_axis_is_no_mistake_and_one_that_never_fits_is() -> None:
    from experiments.codec import Mistakes

    kinds = Listed("exchange.market.oracle", ({"kind": "Spot"}, {"kind": "Ema"}), names=("spot", "ema"))
    lives = Listed("exchange.market.oracle.half_life", (30.0, 60.0))
    with pytest.raises(Mistakes, match="half_life"):
        design(Sweep(base="oracle-push", axes=(lives,)))
    found = design(Sweep(base="leveraged-crash", axes=(kinds, lives)))
    assert len(found.points) == 4


def test_another_value_order_or_base_is_another_sweep() -> None:
    one = Sweep(base="stale-oracle", axes=(Listed("duration", (60.0, 120.0)),))
    others = [
        Sweep(base="stale-oracle", axes=(Listed("duration", (120.0, 60.0)),)),
        Sweep(base="stale-oracle", axes=(Listed("duration", (60.0, 121.0)),)),
        Sweep(base="leveraged-crash", axes=one.axes),
        Sweep(base="stale-oracle", axes=one.axes, replicates=2),
    ]
    assert len({design(sweep).digest for sweep in (one, *others)}) == 5
    assert design(one).digest == design(one).digest


def test_the_specification_that_the_page_on_sweeps_shows_is_one(tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "sweeps.md").read_text(encoding="utf-8")
    block = re.search(r"A specification:\n\n((?:    .*\n|\n)+)", page).group(1)
    file = tmp_path / "spec.toml"
    file.write_text(textwrap.dedent(block), encoding="utf-8")
    assert len(load(file).points) == 2 * 64 * 2
