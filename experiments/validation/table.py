"""The table of claims: run them, say which are met, and write the page that shows it."""

from __future__ import annotations

import importlib
import json
import math
import pkgutil
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

import experiments.validation as home
from experiments.codec import Mistakes, unknown
from experiments.parallel import spread
from experiments.validation.base import Claim, Effort, Measured, Missing, in_words, plainly, reason


class Line(NamedTuple):
    """A claim and what became of it.

    `verdict`: met, calibrated (met, and was tuned to be), undecided, missed, explained (missed, and known why), skipped.
    """

    subject: str
    claim: Claim
    ours: Measured | None
    verdict: str
    why: str


def subjects() -> dict[str, ModuleType]:
    """Modules of this package that hold claims, by name."""
    modules = [importlib.import_module(f"{home.__name__}.{info.name}") for info in pkgutil.iter_modules(home.__path__)]
    return {module.__name__.rpartition(".")[2]: module for module in modules if hasattr(module, "claims")}


def all_claims() -> dict[str, tuple[str, Claim]]:
    """Every claim by its id, with its subject."""
    found: dict[str, tuple[str, Claim]] = {}
    for name, module in subjects().items():
        for claim in module.claims():
            assert claim.id not in found, f"two claims are called {claim.id}"
            found[claim.id] = (name, claim)
    return found


def asked(only: Sequence[str]) -> list[str]:
    """Ids that are named, or begin with a name (A1: A1.2-..., not A10), or belong to a subject of it; all for none.

    Raises Mistakes.
    """
    known = all_claims()
    wrong, picked = [], []
    for name in only:
        hits = [i for i, (subject, _) in known.items() if subject == name or _begins(i, name)]
        if not hits:
            wrong.append(unknown(f"--only {name}: no claim and no subject is called so", name, sorted(subjects())))
        picked += [i for i in hits if i not in picked]
    if wrong:
        raise Mistakes(wrong)
    return picked or list(known)


def _begins(whole: str, name: str) -> bool:
    """Whether an id begins with a name, and not in the middle of a number."""
    return bool(name) and whole.startswith(name) and not whole[len(name) :][:1].isdigit()


def judge(task: tuple[str, Effort]) -> Line:
    """Measure one claim."""
    name, effort = task
    subject, claim = all_claims()[name]
    try:
        ours = claim.measure(effort)
    except Missing as missing:
        return Line(subject, claim, None, "skipped", str(missing))
    verdict = claim.verdict(ours, effort)
    return Line(subject, claim, ours, verdict, reason(claim, ours, verdict))


def together(names: Sequence[str]) -> list[list[str]]:
    """Ids by the runs that they are read off."""
    known, found = all_claims(), dict[str, list[str]]()
    for name in names:
        found.setdefault(known[name][1].runs or name, []).append(name)
    return list(found.values())


def judge_all(tasks: Sequence[tuple[str, Effort]]) -> list[Line]:
    """Measure claims of the same runs, which are played once."""
    return [judge(task) for task in tasks]


def run(names: Sequence[str], effort: Effort, *, workers: int | None = None) -> list[Line]:
    """Judge the claims of these ids, in that order."""
    tasks = [[(name, effort) for name in group] for group in together(names)]
    lines = [line for group in spread(judge_all, tasks, workers=workers, title="claims") for line in group]
    return sorted(lines, key=lambda line: names.index(line.claim.id))


def row(line: Line, effort: Effort) -> dict[str, Any]:
    """A line as plain data."""
    claim, ours = line.claim, line.ours
    return {
        "id": claim.id,
        "subject": line.subject,
        "claim": claim.what,
        "source": claim.source,
        **plainly(claim.published),
        "ours": math.nan if ours is None else ours.value,
        "low": math.nan if ours is None else ours.low,
        "high": math.nan if ours is None else ours.high,
        "seeds": 0 if ours is None else ours.seeds,
        "tolerance": claim.allowed(effort),
        "verdict": line.verdict,
        "why": line.why,
    }


def to_json(lines: Sequence[Line], effort: Effort) -> str:
    """The table as one JSON array; numbers that are none become null."""

    def plain(value: Any) -> Any:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps([{key: plain(value) for key, value in row(line, effort).items()} for line in lines], indent=2)


def markdown(lines: Sequence[Line], effort: Effort) -> str:
    """The table as a page shows it, a section a subject."""
    told: list[str] = []
    for subject, module in subjects().items():
        mine = [line for line in lines if line.subject == subject]
        if not mine:
            continue
        told += [
            f"### {module.SUBJECT}",
            "",
            "| id | claim | published | ours, 95 % | tolerance | |",
            "|---|---|---|---|---|---|",
        ]
        for line in mine:
            one, ours = line.claim, line.ours
            value = "" if ours is None else f"{ours.value:.6g}"
            if ours is not None and ours.seeds:
                value += f" [{ours.low:.6g}, {ours.high:.6g}] (n={ours.seeds})"
            verdict = line.verdict + (f": {line.why}" if line.why else "")
            given = in_words(one.published)
            told.append(
                f"| {one.id} | {one.what} ({one.source}) | {given} | {value} | {one.allowed(effort):.3g} | {verdict} |"
            )
        tests = "tests/test_incidents.py" if subject == "history" else f"tests/test_validation.py -k {subject}"
        told += ["", f"`undertow validate --only {subject}`; tests: `pytest {tests}`", ""]
    return "\n".join(told)
