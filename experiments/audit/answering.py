"""Answering what pays: one change after another, each the cheapest that holds, until the arsenal finds nothing more to earn."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from agents.attacks.base import Attack
from experiments.arsenal.seating import seat
from experiments.arsenal.trials import Result, Trial
from experiments.arsenal.verdict import Cell, cell, classes
from experiments.audit import lasting
from experiments.audit.bench import Bench
from experiments.audit.changes import VERIFICATION, Tried, candidates, cheapest_change, verified
from experiments.audit.findings import Audit, Line
from experiments.audit.ground import Ground, Standing
from experiments.audit.hunting import GENERATION_COST, SEEDS, Hunt, honest, hunted, of, profit
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
    grounds = {line.attack: _ground(bench, line, twins) for line in found.paying}
    now, waiting, left = found.scenario, [line.attack for line in found.paying], -1
    while waiting and bench.left != left and bench.left >= VERIFICATION:
        left = bench.left
        for n, name in enumerate(waiting):
            with bench.at_most(int(OWN * bench.left) // (len(waiting) - n)):
                now = _answered(grounds[name], found, name, now, rules)
        if found.changes:
            _again(bench, found, now, roles, grounds)
        waiting = [line.attack for line in found.unstopped]
    untried = [line.attack for line in found.unstopped if not line.tried]
    if untried:
        found.short.append(f"no change was tried against {', '.join(untried)}")
    found.changed = now if found.changes else None
    found.short = list(dict.fromkeys(found.short))


def _ground(bench: Bench, line: Line, twins: Mapping[str, list[Result]]) -> Ground:
    assert line.hunt is not None and line.bare is not None, "pays"
    return Ground(bench, line.hunt, {1: Standing(line.bare, twins[line.path])})


def _answered(ground: Ground, found: Audit, name: str, now: Scenario, rules: Mapping[str, Defence]) -> Scenario:
    """The rules with the cheapest change that stops this attack as well; as they are where they stop it, or none is found."""
    bench, place = ground.bench, next(n for n, line in enumerate(found.lines) if line.attack == name)
    line = found.lines[place]
    hunt, count = ground.hunt._replace(scenario=ground.hunt.scenario_with(now.world)), ground.times(now.world)
    if found.changes and bench.left >= VERIFICATION * count + ground.owed(count):
        judged = verified(ground, hunt.scenario, found.bound)
        if judged is not None and judged.holds:
            found.lines[place] = line._replace(stopped_by=" and ".join(found.changes), after=judged.cell.profit)
            return now
    changes, misfits = candidates(hunt.scenario, rules, found.turns.get(name))
    found.misfits |= misfits
    tried, short = cheapest_change(ground, hunt, changes, found.bound)
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


def _again(
    bench: Bench, found: Audit, now: Scenario, roles: Mapping[str, Attack], grounds: Mapping[str, Ground]
) -> None:
    """The whole arsenal against the changed rules, each attack searching once more, judged as it was by every change alone."""
    together = " and ".join(found.changes)
    count = lasting.times(found.scenario.world, now.world, now.duration)
    there = lasting.longer(now, count)
    for n, line in enumerate(found.lines):
        attack = roles[line.attack]
        if line.stopped_by.endswith(found.changes[-1]):
            continue  # it has searched anew under exactly these
        if _lacks(there, attack):
            found.lines[n] = line._replace(stopped_by=together if line.pays else "")
            continue
        standing = (
            grounds[line.attack].at(count) if line.pays and _afforded(bench, grounds[line.attack], count) else None
        )
        if line.pays and standing is None:
            found.short.append(f"{line.attack}: not searched anew under all changes")
            continue
        after = _after(bench, found, line, there, attack, standing)
        if after is None:
            continue
        harmless = isinstance(after, Cell) and after.within(found.bound)
        profits = after.profit if isinstance(after, Cell) else after
        found.lines[n] = line._replace(after=profits, stopped_by=together if harmless else "")


def _afforded(bench: Bench, ground: Ground, count: int) -> bool:
    return bench.left >= ground.owed(count) + (1 + GENERATION_COST + 2 * len(SEEDS)) * count


def _after(
    bench: Bench, found: Audit, line: Line, now: Scenario, attack: Attack, standing: Standing | None = None
) -> Cell | Estimate | None:
    """What an attack is worth under all changes, having searched once more; of one that paid, beside what it was worth.

    None where it stays at home, or where that is not known: not afforded, or gone wrong, and `short` says which.
    """
    paths = [path for path in found.paths if path.name == line.path] if line.pays else list(found.paths)
    again = screened(bench, now, attack, paths)
    if again.state == "stays home" and not line.pays:
        return None
    if again.hunt is None or bench.left < (GENERATION_COST + (1 + line.pays) * len(SEEDS)) * bench.price(now):
        found.short.append(f"{line.attack}: not searched anew under all changes{again.why and f': {again.why}'}")
        return None
    starts = (line.hunt.best,) if line.hunt is not None and line.hunt.best is not None else ()
    hunt = hunted(bench, "all changes", Hunt(again.hunt.scenario, attack, starts), 1)
    if hunt.wrong:
        found.short.append(f"{line.attack}: {hunt.wrong} runs of its new search under all changes went wrong")
    if hunt.best is None:
        return None
    mine = _held_out(bench, [of(hunt.best, hunt.scenario, seed) for seed in SEEDS])
    twins = _held_out(bench, [honest(hunt.scenario, seed) for seed in SEEDS]) if standing is not None else []
    lost = 2 * len(SEEDS) - len(mine) - len(twins) if standing is not None else len(SEEDS) - len(mine)
    if lost:
        found.short.append(f"{line.attack}: under all changes {lost} of its runs on held-out seeds went wrong")
        return None
    if standing is None:
        return estimate([profit(one) for one in mine])
    return cell(hunt.best, "changed", mine, twins, classes(hunt.scenario), standing.bare)


def _held_out(bench: Bench, trials: list[Trial]) -> list[Result]:
    return [one for one in bench.play("all changes", trials) if one is not None]


def _lacks(scenario: Scenario, attack: Attack) -> str:
    return seat(type(attack), dataclasses.replace(scenario, cast=(*scenario.cast, attack)), {}).lacks
