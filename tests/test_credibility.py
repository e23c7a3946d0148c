"""The page of claims says what the claims say: no line without a claim, no claim without a line, the same numbers in both."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import pytest

from experiments.incidents.base import incidents
from experiments.validation import table
from experiments.validation.base import ROOT, Claim, Effort, Measured, in_words

PAGE = (ROOT / "docs" / "credibility.md").read_text(encoding="utf-8")
TABLES = PAGE[PAGE.index("\n## The tables\n") : PAGE.index("\n## Errors that were planted\n")]
PLANTED = PAGE[PAGE.index("\n## Errors that were planted\n") : PAGE.index("\n## Incidents\n")]
KNOWN = table.all_claims()
SECTIONS = {module.SUBJECT: name for name, module in table.subjects().items()}
OURS = re.compile(r"(?P<value>\S+)(?: \[(?P<low>\S+), (?P<high>\S+)\] \(n=(?P<seeds>\d+)\))?")


class Told(NamedTuple):
    """A line of the page."""

    subject: str
    id: str
    what: str
    published: str
    ours: str
    tolerance: str
    verdict: str


def lines(text: str) -> list[Told]:
    """Every line of its tables, as they stand."""
    found, subject = [], ""
    for line in text.splitlines():
        if line.startswith("### "):
            subject = SECTIONS.get(line.removeprefix("### "), "")
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if len(cells) == 6 and cells[0] != "id":
            found.append(Told(subject, *cells))
    return found


LINES = lines(TABLES)


def strays(told: list[Told], known: dict[str, tuple[str, Claim]]) -> set[str]:
    """What differs between the page and the claims."""
    found = {line.id for line in told} ^ set(known)
    found |= {one for one in known if sum(line.id == one for line in told) > 1}
    for line in told:
        if line.id not in known:
            continue
        subject, claim = known[line.id]
        said = (line.subject, line.what, line.published, line.tolerance)
        tolerance = f"{claim.allowed(Effort.FULL):.3g}"
        if said != (subject, f"{claim.what} ({claim.source})", in_words(claim.published), tolerance):
            found.add(line.id)
    return found


def test_every_claim_has_its_line_and_every_line_its_claim_with_the_same_numbers() -> None:
    assert strays(LINES, KNOWN) == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda told, known: (told[1:], known),
        lambda told, known: ([*told, told[0]._replace(id="A99-new")], known),
        lambda told, known: ([*told, told[0]], known),
        lambda told, known: ([told[0]._replace(tolerance="0.5"), *told[1:]], known),
        lambda told, known: ([told[0]._replace(published="12"), *told[1:]], known),
        lambda told, known: ([told[0]._replace(subject="pools"), *told[1:]], known),
        lambda told, known: (told, {one: it for one, it in known.items() if one != told[0].id}),
    ],
    ids=(
        "a line short",
        "a line too many",
        "twice",
        "another tolerance",
        "another value",
        "elsewhere",
        "a claim short",
    ),
)
def test_a_page_that_says_otherwise_is_seen(change) -> None:
    told, known = change(LINES, KNOWN)
    assert strays(told, known) - strays(LINES, KNOWN)


def test_every_line_has_a_number_and_a_verdict_and_none_is_missed() -> None:
    for line in LINES:
        found = OURS.fullmatch(line.ours)
        assert found and math.isfinite(float(found["value"])), line
        assert line.verdict.partition(":")[0] in {"met", "undecided", "explained", "calibrated"}, line


@pytest.mark.parametrize("line", [pytest.param(line, id=line.id) for line in LINES if "(n=" in line.ours])
def test_a_verdict_on_the_page_follows_from_the_numbers_beside_it(line: Told) -> None:
    assert line.id in KNOWN
    found = OURS.fullmatch(line.ours)
    assert found, line
    value, low, high = (float(found[name]) for name in ("value", "low", "high"))
    _, claim = KNOWN[line.id]
    verdict = line.verdict.partition(":")[0]
    assert verdict == claim.verdict(Measured(value, low, high, int(found["seeds"])), Effort.FULL)
    assert verdict != "missed"


def test_an_error_that_was_planted_names_claims_that_there_are() -> None:
    """By whole ids, and by the ends of one that stands before."""
    names = re.findall(r"\b[AB]\d+[a-z]?(?:\.\d+)?-[\w.-]*\w", PLANTED)
    assert len(names) > 20
    assert {name for name in names if name not in KNOWN} == set()


def test_every_incident_has_a_row() -> None:
    rows = set(re.findall(r"^\| `([\w-]+)` \(B", PAGE, re.MULTILINE))
    assert rows == set(incidents())
