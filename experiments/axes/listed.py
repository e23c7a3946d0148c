"""A list of values for one path: numbers, words, or whole mechanisms.

A mechanism is a table with its kind, as in a scenario file: `values = [{kind = "Spot"}, {kind = "ArithmeticTwap", window =
600.0}]`; `names` give the levels shorter labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.axes.base import Axis, Label, Level, label_of


@dataclass(frozen=True)
class Listed(Axis):
    """`values` of `path`, one after the other. The column is called `name`, or as the path."""

    path: str = "duration"
    values: tuple[Any, ...] = (3_600.0,)
    names: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse an empty list, and labels that do not tell levels apart."""
        wrong = []
        if not self.path:
            wrong.append("path = '': must name a field; `undertow fields` lists them")
        if not self.values:
            wrong.append("values = []: must have at least one value")
        if self.names and len(self.names) != len(self.values):
            wrong.append(f"names: {len(self.names)} for {len(self.values)} values; must be one each, or none")
        labels = self.labels()
        wrong += [f"values: {x!r} stands twice" for x in sorted({str(x) for x in labels if labels.count(x) > 1})]
        if wrong:
            raise ValueError("\n".join(wrong))

    def levels(self) -> tuple[Level, ...]:
        """A level a value."""
        column = self.name or self.path
        return tuple(Level({column: x}, {self.path: v}) for x, v in zip(self.labels(), self.values, strict=True))

    def labels(self) -> list[Label]:
        """What the column says: mechanisms by their kinds alone, where these tell them apart."""
        kinds = [v["kind"] if isinstance(v, Mapping) and "kind" in v else type(v).__name__ for v in self.values]
        things = all(isinstance(v, Mapping) or dataclasses.is_dataclass(v) for v in self.values)
        if things and len(set(kinds)) == len(kinds):
            return list(self.names or kinds)
        return list(self.names or map(label_of, self.values))
