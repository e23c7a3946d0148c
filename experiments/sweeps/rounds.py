"""Which runs a sweep is made of, in which order, and in which part each is kept: whatever the workers are.

A sweep has one round: every point on every seed. One that replicates until an interval is narrow has more: after each, the
points whose interval is still too wide get as many seeds again. That depends on finished rounds alone, so it comes out the
same however often the sweep was interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.statistics import narrow
from experiments.sweeps.folder import Part
from experiments.sweeps.rows import Cell
from experiments.sweeps.spec import Sweep


def first(sweep: Sweep, points: int) -> list[Cell]:
    """The runs of the first round."""
    return [Cell(point, r) for point in range(points) for r in range(sweep.replicates)]


def following(sweep: Sweep, number: int, values: Mapping[int, Sequence[float]]) -> list[Cell]:
    """The runs of round `number` (1: the second); `values` are what finished runs gave, by point. Empty: that was all."""
    if sweep.until is None:
        return []
    begin = sweep.replicates << (number - 1)
    end = min(begin << 1, sweep.until.most)
    wide = [
        point for point in sorted(values) if not narrow(values[point], sweep.until.half_width, sweep.until.relative)
    ]
    return [Cell(point, r) for point in wide for r in range(begin, end)]


def parts(sweep: Sweep, number: int, cells: Sequence[Cell]) -> list[Part]:
    """The files that a round's runs are kept in."""
    size = sweep.part
    starts = range(0, len(cells), size)
    return [
        Part(f"round-{number:02d}-part-{k:06d}.parquet", tuple(cells[at : at + size])) for k, at in enumerate(starts)
    ]
