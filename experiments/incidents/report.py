"""An incident graded: what was put in, what came out beside what is published, and what each cure leaves."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from rich.console import Group
from rich.text import Text

from experiments.incidents.base import ADVERSARY, HISTORY, Course, Grade, Incident, find, played
from experiments.parallel import spread
from experiments.statistics import estimate
from experiments.summary import console, sheet
from experiments.validation.base import Claim, Effort, Measured, Miss, Range, exactly, in_words, plainly, reason

GOOD = {"met", "undecided", "explained", "calibrated"}


class Line(NamedTuple):
    """A graded number."""

    id: str
    what: str
    published: float | Range
    ours: Measured
    tolerance: float
    verdict: (
        str  # met, undecided, missed, explained (missed, and known why), calibrated (an unrecorded input decides it)
    )
    why: str


class Graded(NamedTuple):
    """An incident with its courses, by seed, and its grades."""

    name: str
    incident: Incident
    seeds: Sequence[int]
    courses: list[dict[str, Course]]  # by seed
    lines: list[Line]

    @property
    def digests(self) -> list[str]:
        """Of every run."""
        return [course.record.digest for courses in self.courses for course in courses.values()]


def measured(name: str, grade: str, seeds: Sequence[int]) -> Measured:
    """One graded number over seeds; exact where there is one seed alone."""
    one = next(one for one in find(name).grades if one.id == grade)
    return over([one.read(played(name, seed)) for seed in seeds])


def over(values: Sequence[float]) -> Measured:
    """The mean of what each seed gave, with its interval."""
    if len(values) == 1 or math.isnan(values[0]):
        return exactly(values[0])
    found = estimate(list(values))
    return Measured(found.mean, found.low, found.high, len(values))


def seeds_of(incident: Incident, effort: Effort) -> range:
    """Those it is played with: all of its own, or two where chance is in it."""
    return range(1, 1 + (incident.seeds if effort is Effort.FULL else min(2, incident.seeds)))


def told_as(grade: Grade) -> str:
    """What a grade measures, and whether inputs alone decide it."""
    return grade.what + (f" (follows from the inputs: {grade.follows})" if grade.follows else "")


def claims_of(name: str) -> list[Claim]:
    """Its grades as claims of the table of validation, all read off the same runs. What is calibrated is none."""
    return [claim_of(name, grade) for grade in find(name).grades if not grade.calibrated]


def claim_of(name: str, grade: Grade) -> Claim:
    """A grade of an incident as a claim."""
    incident = find(name)
    return Claim(
        grade.id,
        told_as(grade),
        f"{incident.source}; `undertow incident {name}`",
        grade.published,
        grade.tolerance,
        lambda effort: measured(name, grade.id, seeds_of(incident, effort)),
        quick_tolerance=grade.quick,
        miss=Miss(grade.miss, *grade.expected) if grade.miss else None,
        runs=f"incident {name}",
    )


def _played(task: tuple[str, int]) -> dict[str, Course]:
    return played(*task)


def graded(name: str, seeds: Sequence[int], *, workers: int | None = None) -> Graded:
    """Play every course with every seed, and grade."""
    incident = find(name)
    courses = spread(_played, [(name, seed) for seed in seeds], workers=workers, title=name)
    lines = []
    for grade in incident.grades:
        ours, claim = over([grade.read(all_) for all_ in courses]), claim_of(name, grade)
        verdict = claim.verdict(ours, Effort.FULL)
        why = reason(claim, ours, verdict)
        if grade.calibrated:
            verdict, why = "calibrated", grade.calibrated
        lines.append(Line(grade.id, told_as(grade), grade.published, ours, grade.tolerance, verdict, why))
    return Graded(name, incident, seeds, courses, lines)


def _told(course: str, found: Graded) -> str:
    if course == HISTORY:
        return "what happened, by a script"
    if course == ADVERSARY and found.incident.adversary is not None:
        return found.incident.adversary.what
    return f"cure: {found.incident.cures[course].what}"


def outcomes(found: Graded) -> pd.DataFrame:
    """A row a course: the attacker's gain, cash coins, with its interval over seeds, and what was refused."""
    rows = []
    for course in found.courses[0]:
        gain = over([all_[course].gain() for all_ in found.courses])
        refused = next((all_[course].refused for all_ in found.courses if all_[course].refused), "")
        rows.append(
            {
                "course": course,
                "what": _told(course, found),
                "gain": gain.value,
                "gain_low": gain.low,
                "gain_high": gain.high,
                "refused": refused,
            }
        )
    return pd.DataFrame(rows)


def figured(ours: Measured) -> str:
    """A number, with its interval where it has one."""
    return f"{ours.value:,.6g}" + (f" [{ours.low:,.6g}, {ours.high:,.6g}]" if ours.seeds else "")


def show(found: Graded) -> None:
    """Print it for people."""
    one = found.incident
    inputs = [(x.name, x.value, f"TUNED: {x.tuned}" if x.tuned else x.source) for x in one.inputs]
    grades = [
        (
            x.id,
            x.what,
            in_words(x.published),
            figured(x.ours),
            f"{x.tolerance:g}",
            ": ".join(filter(None, (x.verdict, x.why))),
        )
        for x in found.lines
    ]
    ends = []
    for row in outcomes(found).to_dict("records"):
        gain = Measured(row["gain"], row["gain_low"], row["gain_high"], len(found.seeds) if len(found.seeds) > 1 else 0)
        told = "-" if math.isnan(gain.value) else figured(gain)
        ends.append((row["course"], row["what"], told, row["refused"] or "-"))
    parts = (
        sheet("Inputs", ("input", "value", "source"), inputs, ()),
        sheet(
            "Graded (what follows from the inputs alone, or was calibrated, says so)",
            ("id", "what", "published", "ours", "tolerance", ""),
            grades,
            (2, 3, 4),
        ),
        sheet("Courses", ("course", "what", "attacker's gain, cash coins", "refused"), ends, (2,)),
    )
    seeds = (
        f"seeds {found.seeds[0]} to {found.seeds[-1]}"
        if len(found.seeds) > 1
        else "one seed, for there is no chance in it"
    )
    head = Text(
        f"{one.title} ({one.date})\n{one.about}\nSource: {one.source}. {seeds.capitalize()}; laws verified every block."
    )
    console().print(Group(head, Text(), *parts))


def plain(found: Graded) -> dict[str, Any]:
    """As plain data; numbers that are none become None."""

    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    one = found.incident
    return {
        "incident": found.name,
        "title": one.title,
        "date": one.date,
        "source": one.source,
        "seeds": list(found.seeds),
        "digests": found.digests,
        "inputs": [given._asdict() for given in one.inputs],
        "grades": [
            {
                "id": line.id,
                "what": line.what,
                **plainly(line.published),
                "ours": finite(line.ours.value),
                "low": finite(line.ours.low),
                "high": finite(line.ours.high),
                "tolerance": line.tolerance,
                "verdict": line.verdict,
                "why": line.why,
            }
            for line in found.lines
        ],
        "courses": [
            {key: finite(value) if isinstance(value, float) else value for key, value in row.items()}
            for row in outcomes(found).to_dict("records")
        ],
    }


def write(found: Graded, out: Path) -> list[Path]:
    """Tables of blocks by course and seed, the grades, and the figure."""
    from experiments.figures import incident as figure

    out.mkdir(parents=True, exist_ok=True)
    tracks = pd.concat(
        {
            (course, seed): all_[course].track
            for seed, all_ in zip(found.seeds, found.courses, strict=True)
            for course in all_
        },
        names=["course", "seed"],
    )
    tracks.to_csv(out / f"{found.name}.csv")
    (out / f"{found.name}.json").write_text(json.dumps(plain(found), indent=2, default=float), encoding="utf-8")
    return [out / f"{found.name}.csv", out / f"{found.name}.json", *figure.draw(found, out, f"incident-{found.name}")]
