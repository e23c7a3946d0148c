"""Answering what pays: one change after another, each the cheapest that holds, until the arsenal finds nothing more to earn."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from agents.attacks.base import Attack
from experiments.arsenal.seating import seat
from experiments.arsenal.trials import Result
from experiments.arsenal.verdict import HARMLESS
from experiments.audit.bench import Bench
from experiments.audit.changes import VERIFICATION, Tried, candidates, cheapest_change, verified
from experiments.audit.findings import Audit, Line
from experiments.audit.hunting import GENERATION_COST, SEEDS, Hunt, hunted, of, profit
from experiments.audit.screening import screened
from experiments.defences.base import Defence
from experiments.scenario import Scenario
from experiments.statistics import Estimate, estimate

OWN = 0.9  # of what is left goes to answers, the rest to the arsenal against all of them


def answer(
    bench: Bench,
    found: Audit,
    rules: Mapping[str, Defence],
    twins: Mapping[str, list[Result]],
    roles: Mapping[str, Attack],
) -> None:
    """Change the rules until nothing pays, or nothing more is known or afforded."""
    now, waiting, left = found.scenario, [line.attack for line in found.paying], -1
    while waiting and bench.left != left and bench.left >= VERIFICATION:
        left = bench.left
        for n, name in enumerate(waiting):
            with bench.at_most(int(OWN * bench.left) // (len(waiting) - n)):
                now = _answered(bench, found, name, now, rules, twins)
        if found.changes:
            _again(bench, found, now, roles)
        waiting = [line.attack for line in found.unstopped]
    untried = [line.attack for line in found.unstopped if not line.tried]
    if untried:
        found.short.append(f"no change was tried against {', '.join(untried)}")
    found.changed = now if found.changes else None
    found.short = list(dict.fromkeys(found.short))


def _answered(
    bench: Bench,
    found: Audit,
    name: str,
    now: Scenario,
    rules: Mapping[str, Defence],
    twins: Mapping[str, list[Result]],
) -> Scenario:
    """The rules with the cheapest change that stops this attack as well; as they are where they stop it, or none is found."""
    place = next(n for n, line in enumerate(found.lines) if line.attack == name)
    line = found.lines[place]
    assert line.hunt is not None and line.bare is not None, "pays"
    hunt, before = line.hunt._replace(scenario=line.hunt.scenario_with(now.world)), twins[line.path]
    if found.changes and bench.left >= VERIFICATION:
        judged = verified(bench, hunt, hunt.scenario, line.bare, before, found.bound)
        if judged is not None and judged.holds:
            found.lines[place] = line._replace(stopped_by=" and ".join(found.changes), after=judged.cell.profit)
            return now
    changes, misfits = candidates(hunt.scenario, rules, found.turns.get(name, ()), line.bare.profit.mean)
    found.misfits |= misfits
    tried, short = cheapest_change(bench, hunt, line.bare, changes, before, found.bound)
    if len(tried) >= len(line.tried):  # not where a second attempt had fewer runs than the first
        line = line._replace(tried=tuple(tried))
        found.short = [one for one in found.short if not one.startswith(f"{name}: ")] + [
            f"{name}: {one}" for one in short
        ]
    holding: Tried | None = next((one for one in tried if one.holds), None)
    found.lines[place] = line
    if holding is None or holding.after is None:
        return now
    found.lines[place] = found.lines[place]._replace(stopped_by=holding.change.name, after=holding.after.profit)
    found.changes.append(holding.change.name)
    return dataclasses.replace(now, world=holding.change.world)


def _again(bench: Bench, found: Audit, now: Scenario, roles: Mapping[str, Attack]) -> None:
    """The whole arsenal against the changed rules, each attack searching once more."""
    together = " and ".join(found.changes)
    for n, line in enumerate(found.lines):
        attack = roles[line.attack]
        if line.stopped_by.endswith(found.changes[-1]):
            continue  # it has searched anew under exactly these
        if _lacks(now, attack):
            found.lines[n] = line._replace(stopped_by=together if line.pays else "")
            continue
        after = _after(bench, found, line, now, attack)
        if after is None:
            continue
        harmless = line.pays and after.high <= max(HARMLESS * line.worst, found.bound)
        found.lines[n] = line._replace(after=after, stopped_by=together if harmless else "")


def _after(bench: Bench, found: Audit, line: Line, now: Scenario, attack: Attack) -> Estimate | None:
    """What an attack is worth under all changes, having searched once more.

    None where it stays at home, or where that is not known: not afforded, or gone wrong, and `short` says which.
    """
    paths = [path for path in found.paths if path.name == line.path] if line.pays else list(found.paths)
    again = screened(bench, now, attack, paths)
    if again.state == "stays home" and not line.pays:
        return None
    if again.hunt is None or bench.left < GENERATION_COST + len(SEEDS):
        found.short.append(f"{line.attack}: not searched anew under all changes{again.why and f': {again.why}'}")
        return None
    starts = (line.hunt.best,) if line.hunt is not None and line.hunt.best is not None else ()
    hunt = hunted(bench, "all changes", Hunt(again.hunt.scenario, attack, starts), 1)
    if hunt.wrong:
        found.short.append(f"{line.attack}: {hunt.wrong} runs of its new search under all changes went wrong")
    if hunt.best is None:
        return None
    values = [profit(one) for one in bench.play("all changes", [of(hunt.best, hunt.scenario, seed) for seed in SEEDS])]
    lost = sum(map(math.isnan, values))
    if lost:
        found.short.append(f"{line.attack}: under all changes {lost} of its runs on held-out seeds went wrong")
        return None
    return estimate(values)


def _lacks(scenario: Scenario, attack: Attack) -> str:
    return seat(type(attack), dataclasses.replace(scenario, cast=(*scenario.cast, attack)), {}).lacks
