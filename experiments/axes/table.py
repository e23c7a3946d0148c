"""An explicit table of points: the paths once, and a row of values a point. One row alone sets what all points share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.axes.base import Axis, Level, label_of


@dataclass(frozen=True)
class Table(Axis):
    """`rows` of values for `paths`, in their order; the columns are called `names`, or as the paths."""

    paths: tuple[str, ...] = ("duration",)
    rows: tuple[tuple[Any, ...], ...] = ((3_600.0,),)
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty table, and rows of another length than there are paths."""
        wrong = []
        if not self.paths or not all(self.paths):
            wrong.append("paths: each must name a field; `undertow fields` lists them")
        if not self.rows:
            wrong.append("rows = []: must have at least one row")
        wrong += [
            f"rows.{n}: {len(row)} values for {len(self.paths)} paths"
            for n, row in enumerate(self.rows)
            if len(row) != len(self.paths)
        ]
        if self.names and len(self.names) != len(self.paths):
            wrong.append(f"names: {len(self.names)} for {len(self.paths)} paths; must be one each, or none")
        columns = self.names or self.paths
        wrong += [f"paths: {x!r} stands twice" for x in sorted({x for x in columns if columns.count(x) > 1})]
        if wrong:
            raise ValueError("\n".join(wrong))

    def levels(self) -> tuple[Level, ...]:
        """One level a row."""
        columns = self.names or self.paths
        return tuple(
            Level(
                dict(zip(columns, map(label_of, row), strict=True)),
                dict(zip(self.paths, row, strict=True)),
            )
            for row in self.rows
        )
