"""A claim: a published value, ours beside it, and how far apart they may lie.

A subject is a module of this package with `SUBJECT` (one line) and `claims()`: claims, each with a function that measures it in
the game, with its agents, chain and venues, or on a recorded row with the product's own rules. `undertow validate` runs them and
writes the table of `docs/credibility.md`. The quick form of a claim is the same measurement with less effort and a tolerance that
says so; the tests play it. What is recorded lies outside the repository: a claim whose record is not here is skipped, and says so.
"""

from __future__ import annotations

import math
import zlib
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


def own_seeds(name: str, count: int) -> range:
    """Seeds that a claim shares with no other, from its id: what is drawn for one cell of a table says nothing of the next."""
    first = 1 + 1_000 * (zlib.crc32(name.encode()) % 1_000_000)
    return range(first, first + count)


class Range(NamedTuple):
    """What is published is no single number: anything from `low` to `high`, either of which may be infinite."""

    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        if math.isinf(self.low):
            return f"at most {self.high:.6g}"
        return f"at least {self.low:.6g}" if math.isinf(self.high) else f"{self.low:.6g} to {self.high:.6g}"


def in_words(published: float | Range) -> str:
    """A published value in words."""
    return str(published) if isinstance(published, Range) else f"{published:.6g}"


def plainly(published: float | Range) -> dict[str, float | None]:
    """A published value as plain data: the number, or where there is none from where to where it may lie; None: no end."""
    if not isinstance(published, Range):
        return {"published": published, "published_low": published, "published_high": published}
    low, high = (end if math.isfinite(end) else None for end in published)
    return {"published": None, "published_low": low, "published_high": high}


class Miss(NamedTuple):
    """A miss that is known: why, and from where to where ours then lies. Elsewhere it is missed like any other.

    With quick effort it may lie from `quick[0]` to `quick[1]`; None: as with full.
    """

    why: str
    low: float
    high: float
    quick: tuple[float, float] | None = None

    def holds(self, value: float, effort: Effort) -> bool:
        """Whether ours lies where this explains it. A number that is none never does."""
        low, high = self.quick if self.quick is not None and effort is Effort.QUICK else (self.low, self.high)
        return low <= value <= high


@dataclass(frozen=True)
class Claim:
    """One line of the table. `published` in the unit that `what` names; `tolerance` in the same, as published or tighter."""

    id: str  # such as "A1.2-30bp-12s": the reference's own number first
    what: str
    source: str
    published: float | Range
    tolerance: float
    measure: Callable[[Effort], Measured]
    quick_tolerance: float = math.nan  # with quick effort; nan: the same
    miss: Miss | None = None  # where it is known to be missed: such a line is shown, and does not fail
    calibrated: str = ""  # what was tuned while it was seen: that it is met is no finding; "": nothing
    runs: str = ""  # claims that name the same runs are read off them, so one process judges them all; "": its own

    def allowed(self, effort: Effort) -> float:
        """How far ours may lie from the published value."""
        quick = effort is Effort.QUICK and not math.isnan(self.quick_tolerance)
        return self.quick_tolerance if quick else self.tolerance

    def within(self, value: float, effort: Effort) -> bool:
        """Whether a number lies within the tolerance. One that is none never does."""
        low, high = self.published if isinstance(self.published, Range) else (self.published, self.published)
        return max(low - value, value - high) <= self.allowed(effort)

    def met(self, ours: Measured, effort: Effort) -> bool:
        """Whether ours, its mean where chance is in it, lies within the tolerance."""
        return self.within(ours.value, effort)

    def verdict(self, ours: Measured, effort: Effort) -> str:
        """What becomes of it: met, undecided, calibrated, explained or missed.

        Calibrated is what is met and was tuned to be. Undecided is what the mean meets and a full form's interval does not: more
        seeds could still miss it. The quick form is known to be coarse, and only its mean is asked.
        """
        if self.met(ours, effort):
            if self.calibrated:
                return "calibrated"
            sure = effort is Effort.QUICK or (self.within(ours.low, effort) and self.within(ours.high, effort))
            return "met" if sure else "undecided"
        return "explained" if self.miss is not None and self.miss.holds(ours.value, effort) else "missed"


def reason(claim: Claim, ours: Measured, verdict: str) -> str:
    """What a reader must know beside the verdict."""
    if verdict == "calibrated":
        return claim.calibrated
    if claim.miss is None or verdict in {"met", "undecided"}:
        return ours.remark
    if verdict == "explained":
        return claim.miss.why
    return f"a miss is known, and would lie from {claim.miss.low:.6g} to {claim.miss.high:.6g}"


def recorded(*parts: str) -> Path:
    """A file of what was recorded. Raises Missing where it is not here."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        raise Missing(f"{path.relative_to(ROOT.parent)} is not here")
    return path
