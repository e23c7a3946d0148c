"""A claim: a published value, ours beside it, and how far apart they may lie.

A subject is a module of this package with `SUBJECT` (one line) and `claims()`: claims, each with a function that measures it in
the game, with its agents, chain and venues, or on a recorded row with the product's own rules. `undertow validate` runs them and
writes the table of `docs/credibility.md`. The quick form of a claim is the same measurement with less effort and a tolerance that
says so; the tests play it. What is recorded lies outside the repository: a claim whose record is not here is skipped, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"  # recorded traces and prices, where they stand beside the checkout


class Effort(Enum):
    """How much is spent on a claim: seconds in the tests, minutes on the command line."""

    QUICK = "quick"
    FULL = "full"


class Missing(Exception):
    """What a claim needs is not on this machine."""


class Measured(NamedTuple):
    """Ours: a number with its 95 % interval over `seeds` seeds. What is exact has no width and no seeds."""

    value: float
    low: float
    high: float
    seeds: int = 0
    remark: str = ""  # what explains a miss, or what was counted


def exactly(value: float, remark: str = "") -> Measured:
    """A number without chance in it."""
    return Measured(value, value, value, 0, remark)


@dataclass(frozen=True)
class Claim:
    """One line of the table. `published` in the unit that `what` names; `tolerance` in the same, as published or tighter."""

    id: str  # such as "A1.2-30bp-12s": the reference's own number first
    what: str
    source: str
    published: float
    tolerance: float
    measure: Callable[[Effort], Measured]
    quick_tolerance: float = math.nan  # with quick effort; nan: the same
    miss: str = ""  # why it is missed, where it is known to be: such a line is shown, and does not fail
    runs: str = ""  # claims that name the same runs are read off them, so one process judges them all; "": its own

    def allowed(self, effort: Effort) -> float:
        """How far ours may lie from the published value."""
        quick = effort is Effort.QUICK and not math.isnan(self.quick_tolerance)
        return self.quick_tolerance if quick else self.tolerance

    def met(self, ours: Measured, effort: Effort) -> bool:
        """Whether ours lies within the tolerance. A number that is none never does."""
        return abs(ours.value - self.published) <= self.allowed(effort)


def recorded(*parts: str) -> Path:
    """A file of what was recorded. Raises Missing where it is not here."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        raise Missing(f"{path.relative_to(ROOT.parent)} is not here")
    return path
