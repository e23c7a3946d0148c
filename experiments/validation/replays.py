"""Recorded contracts: each step predicted with this project's own rules, and how many rows agree.

A replay is a generator over recorded rows. For each it yields what the product's rules predict and what the contract left, under
the same names; the next prediction starts from what the contract left, so that no error hides behind another. A row agrees
exactly, within one part in 10^9, or not; what differs by design is named and counted apart, never dropped. Where the game plays a
rule compiled, on floats, the recorded trade is put to that, too: it must come within one part in 10^9.
"""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from experiments.validation.base import Claim, Effort, Measured, exactly, recorded
from protocol.venues.base import Venue

CLOSE = 1e-9  # relative
Numbers = Mapping[str, int | float | str | None]


class Step(NamedTuple):
    """One recorded row. `design`: why it differs, where it does so by design."""

    row: int
    action: str
    predicted: Numbers
    left: Numbers
    design: str = ""


def step(row: int, action: str, predicted: Numbers, left: Numbers, design: str = "") -> Step:
    """A Step of whatever either names: None where the other does not, as where one refuses and the other acts."""
    return Step(row, action, dict.fromkeys(left) | dict(predicted), dict.fromkeys(predicted) | dict(left), design)


@dataclass
class Tally:
    """How a replay went."""

    exact: int = 0
    close: int = 0
    off: list[Step] = field(default_factory=list)
    design: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)

    @property
    def graded(self) -> int:
        """Rows that had to agree."""
        return self.exact + self.close + len(self.off)

    def remark(self) -> str:
        """What a reader of the table must know."""
        text = f"{self.exact:,} of {self.graded:,} rows exact, {self.close:,} within 1e-9, {len(self.off):,} not"
        if self.design:
            text += "; by design otherwise: " + ", ".join(f"{why} ({count})" for why, count in self.design.items())
        if self.off:
            first = self.off[0]
            wrong = [k for k, v in first.predicted.items() if v != first.left[k]]
            text += f"; first at row {first.row}, {first.action}: {', '.join(wrong)}"
        return text


def tally(steps: Iterable[Step]) -> Tally:
    """Count them."""
    found = Tally()
    for step in steps:
        assert step.predicted.keys() == step.left.keys(), (step.row, step.predicted, step.left)
        found.actions[step.action] += 1
        gap = max((apart(mine, step.left[name]) for name, mine in step.predicted.items()), default=0.0)
        if gap == 0.0:
            found.exact += 1
        elif step.design:
            found.design[step.design] += 1
        elif gap <= CLOSE:
            found.close += 1
        else:
            found.off.append(step)
    return found


def apart(mine: Any, theirs: Any) -> float:
    """0 where equal; the relative distance of two numbers; infinite for whatever else differs, also of what is no number."""
    if mine == theirs:
        return 0.0
    if isinstance(mine, str) or isinstance(theirs, str) or mine is None or theirs is None:
        return float("inf")
    gap = float(abs(mine - theirs) / max(abs(mine), abs(theirs)))
    return float("inf") if math.isnan(gap) else gap


def within(mine: float, theirs: int, rounding: float = 0.0) -> float | int:
    """What a compiled rule says on floats, as recorded where it is within one part in 10^9 of that, or what was rounded there."""
    return theirs if apart(mine, theirs) <= CLOSE or abs(mine - theirs) <= rounding else mine


def in_the_game(venue: Venue, pool: Callable[[float, float], list[float]], size: int, owed: float) -> float:
    """What a venue's compiled rule asks for `size` units, in the units of `owed`, which says how large it is about.

    `pool` gives the venue's numbers for a size unit and a cash unit of so many recorded ones: the game counts up to 2**53.
    """
    units = abs(size) / 2.0**50, abs(owed) / 2.0**50
    found = np.empty(1)
    venue.price(np.array(pool(*units)), np.array([2**50 if size > 0 else -(2**50)]), found)
    return float(found[0]) * units[1]


def scenarios(name: str) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """(name, params, rows) of each recorded session in a JSON file. Raises Missing."""
    content = json.loads(recorded("reference", "traces", name).read_text(encoding="utf-8"))
    for one in content["scenarios"]:
        yield one["name"], one["params"], [dict(zip(one["columns"], row, strict=True)) for row in one["rows"]]


def rows_of(name: str) -> list[dict[str, Any]]:
    """Rows of a CSV file, whole numbers read as such. Raises Missing."""
    with recorded("reference", "traces", name).open(encoding="utf-8", newline="") as file:
        return [{k: int(v) if v.lstrip("-").isdecimal() else v for k, v in row.items()} for row in csv.DictReader(file)]


def agreement(id_: str, what: str, source: str, replay: Callable[[], Iterable[Step]], *, exact: bool) -> Claim:
    """The claim that all graded rows agree: exactly, or within 1e-9. Measured in per cent of rows."""

    def measure(_: Effort) -> Measured:
        found = tally(replay())
        good = found.exact + (0 if exact else found.close)
        return exactly(100.0 * good / max(found.graded, 1), found.remark())

    return Claim(
        id_,
        f"{what}: rows predicted {'exactly' if exact else 'within 1e-9'}, %",
        source,
        100.0,
        0.0,
        measure,
    )
