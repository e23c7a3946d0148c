"""What an axis is: a row of levels, each a few changes to a scenario and the columns that say which level it is.

Several axes are crossed: every level of one with every level of the others. Axes that draw points jointly (`LatinHypercube`,
`Sobol`, `Table`) are one axis of many columns. A level says where (dotted paths, as `undertow fields` lists them) and what;
whether the path leads anywhere is found out on the scenario.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from experiments.shapes import show

Label = float | str


class Level(NamedTuple):
    """One level of an axis: what its columns say, what is put where, and who is taken out of the cast."""

    labels: Mapping[str, Label]
    changes: Mapping[str, Any]
    absent: tuple[str, ...] = ()


class Axis(ABC):
    """One thing that a sweep varies, or several at once."""

    @abstractmethod
    def levels(self) -> tuple[Level, ...]:
        """All levels, in order, at least one; every one with the same columns."""


@dataclass(frozen=True)
class Bound:
    """A parameter between two values: `path` from `low` to `high`, evenly on a `scale`.

    "log": evenly in the logarithm. "whole": whole numbers, both ends among them. "choice": the same, but they stand for things
    without an order, as for orders of moves, and whoever searches learns nothing about one from its neighbour. The column is
    called `name`, or as the path.
    """

    path: str = "duration"
    low: float = 600.0
    high: float = 7_200.0
    scale: Literal["linear", "log", "whole", "choice"] = "linear"
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse an empty range, and a logarithm of nothing."""
        wrong = []
        if not self.path:
            wrong.append("path = '': must name a field; `undertow fields` lists them")
        if not self.low < self.high:
            wrong.append(f"low = {self.low:g}, high = {self.high:g}: an empty range; low must be below high")
        if self.scale == "log" and not self.low > 0:
            wrong.append(f"low = {self.low:g}: must be above 0 on a log scale")
        if self.counted and (self.low % 1 or self.high % 1):
            wrong.append(f"low = {self.low:g}, high = {self.high:g}: must be whole numbers on a {self.scale} scale")
        if wrong:
            raise ValueError("\n".join(wrong))

    @property
    def counted(self) -> bool:
        """Whether it takes whole numbers only."""
        return self.scale in ("whole", "choice")

    @property
    def column(self) -> str:
        """What its column is called."""
        return self.name or self.path

    def at(self, share: float) -> float | int:
        """The value at a share of the way from low to high, `share` from 0 to 1."""
        if share in (0.0, 1.0) and not self.counted:
            return self.high if share else self.low  # the ends exactly
        if self.scale == "log":
            return min(
                self.high, max(self.low, math.exp((1.0 - share) * math.log(self.low) + share * math.log(self.high)))
            )
        if self.counted:
            return int(min(self.high, math.floor(self.low + share * (self.high - self.low + 1))))
        return min(self.high, max(self.low, (1.0 - share) * self.low + share * self.high))


def placed(bounds: Sequence[Bound], shares: Iterable[Iterable[float]]) -> tuple[Level, ...]:
    """One level a row of shares (from 0 to 1), one of them for each bound."""
    rows = [[bound.at(float(u)) for bound, u in zip(bounds, row, strict=True)] for row in shares]
    return tuple(
        Level(
            {bound.column: float(x) for bound, x in zip(bounds, row, strict=True)},
            {bound.path: x for bound, x in zip(bounds, row, strict=True)},
        )
        for row in rows
    )


def unit_problem(bounds: Sequence[Bound]) -> dict[str, object]:
    """What SALib calls the problem: the parameters, each from 0 to 1 on its own scale."""
    return {"num_vars": len(bounds), "names": [b.column for b in bounds], "bounds": [[0.0, 1.0]] * len(bounds)}


def bounds_mistakes(bounds: Sequence[Bound]) -> list[str]:
    """What is wrong with a list of bounds."""
    if not bounds:
        return ["bounds = []: must have at least one"]
    return [
        f"bounds: the {what} {word!r} stands twice"
        for what, words in (("path", [b.path for b in bounds]), ("column", [b.column for b in bounds]))
        for word in sorted({w for w in words if words.count(w) > 1})
    ]


def count_mistakes(name: str, count: int, least: int = 1) -> list[str]:
    """What is wrong with a number of points."""
    return [] if count >= least else [f"{name} = {count}: must be {least} or more"]


def label_of(value: Any) -> Label:
    """How a value is shown in a column: a number as it is, a mechanism by its kind, anything else as in a file."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, Mapping):
        return str(value["kind"]) if set(value) == {"kind"} else show(value)
    if isinstance(value, str):
        return value
    return show(value) if isinstance(value, bool | tuple | list | type(None)) else _shown(value)


def _shown(value: Any) -> str:
    from experiments.codec import encode

    return show({"kind": type(value).__name__, **encode(value, keep="changed")})
