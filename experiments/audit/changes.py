"""Changes: what would stop an attack, what that costs honest users, and whether it holds against an attacker who searches anew.

Candidates are every rule of the arsenal that has a place here, and the levers that the attack hangs on, each turned a little and
more. They are tried against the old attack, what honest trade they leave is measured, and then, the cheapest first, the attacker
searches again under the change. A change counts when that search, on held-out seeds, finds nothing that pays. One that takes
long is played for longer, the rules as they were alike; one that takes too long for that is told, and never recommended.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from agents.attacks.base import Attack
from experiments.arsenal.campaign import defended
from experiments.arsenal.seating import attacked, seat
from experiments.arsenal.trials import Result
from experiments.arsenal.verdict import Cell, Cost, burden, cell, classes, cost_of
from experiments.audit import lasting
from experiments.audit.bench import Bench
from experiments.audit.binding import Hanging
from experiments.audit.ground import Ground
from experiments.audit.hunting import GENERATION_COST, SEEDS, Hunt, honest, hunted, of, profit
from experiments.audit.levers import turned
from experiments.defences.base import Defence
from experiments.scenario import Scenario
from protocol.world import World

STEPS = (2.0, 4.0, 16.0)  # how far those that matter are turned, factors
MOST_LEVERS = 3
QUICK = (1, 2, 3)  # seeds on which a change meets the old attack
COUNTING = (1, 2, 3)  # seeds on which its price is first looked at
VERIFICATION = 3 * len(SEEDS) + GENERATION_COST  # runs: nobody, the old attack, a search, what that found
LEFT = 0.25  # of the old attack's profit: what leaves more is not gone on with


class Change(NamedTuple):
    """A change of rules that may be made, and the world it makes."""

    name: str
    world: World


class Tried(NamedTuple):
    """What became of a change against an attack. Cash coins. `after`: the attacker having searched anew; None: not come to."""

    change: Change
    old: float  # profit of the attack as it was
    cost: Cost | None
    after: Cell | None
    holds: bool
    fit: bool = False  # whether little of the old attack is left
    times: int = 1  # how many times as long as asked for the runs are, so that it has time to work in them
    slow: float = 0.0  # seconds that it takes, where that is too long to be played; then it was not


def candidates(
    scenario: Scenario, rules: Mapping[str, Defence], hanging: Hanging | None
) -> tuple[list[Change], dict[str, str]]:
    """What may be tried here, the levers that took most from the attack on fresh seeds among it, and why some rules may not."""
    worlds, misfits = defended(scenario, rules)
    found = [Change(_said(rules[name]), one.world) for name, one in worlds.items()]
    for turn in [one.turn for one in (hanging.effects if hanging else ()) if one.change.mean < 0.0][:MOST_LEVERS]:
        values = dict.fromkeys(turn.at(step if turn.helps_up else 1.0 / step) for step in STEPS)
        for value in values:
            found.append(Change(f"{turn.bound.path} = {value:.4g}", turned(scenario, turn.bound.path, value).world))
    return found, misfits


def _said(rule: Defence) -> str:
    values = [(name, type(v).__name__ if dataclasses.is_dataclass(v) else v) for name, v in vars(rule).items()]
    settings = ", ".join(f"{name} {v:,g}" if isinstance(v, int | float) else f"{name} {v}" for name, v in values)
    return f"{type(rule).__name__}({settings})" if settings else type(rule).__name__


def cheapest_change(
    ground: Ground, hunt: Hunt, changes: Sequence[Change], bound: float
) -> tuple[list[Tried], list[str]]:
    """Every change that was come to, the one that holds last; and what was not afforded.

    `hunt`: the attack under the rules as changed so far, `ground`: under the rules as they were.
    """
    bench = ground.bench
    met, short = _met(ground, hunt, changes)
    priced, more = _priced(bench, hunt, [one for one in met if one.fit])
    short += more
    known = {one.change.name for one in priced}
    tried = [one for one in met if one.change.name not in known]
    skipped = 0
    for n, one in enumerate(priced):
        if not _cost(one).bearable:
            tried.append(one)
            continue
        if bench.left < VERIFICATION * one.times + ground.owed(one.times):
            skipped += 1
            tried.append(one)
            continue
        judged = verified(ground, hunt.scenario_with(one.change.world), bound)
        if judged is not None:
            one = one._replace(cost=judged.cost, after=judged.cell, holds=judged.holds and judged.cost.bearable)
        if one.holds:
            tried += [*priced[n + 1 :], one]
            break
        tried.append(one)
    if skipped:
        short.append(f"{skipped} changes were not verified against a new search")
    return tried, short


def _met(ground: Ground, hunt: Hunt, changes: Sequence[Change]) -> tuple[list[Tried], list[str]]:
    """Each change against the old attack, on runs that it has time to work in; on one seed only, where that leaves too much."""
    met, missed = list[Tried](), 0
    for change in changes:
        count = ground.times(change.world)
        if not count:
            met.append(Tried(change, math.nan, None, None, False, slow=ground.span(change.world)))
            continue
        now, then = (lasting.longer(one, count) for one in (hunt.scenario, hunt.scenario_with(change.world)))
        faced = _faced(ground.bench, hunt, now, then)
        if faced is None:
            missed += 1
        else:
            met.append(Tried(change, faced[0], None, None, False, faced[1], count))
    return met, [f"{missed} changes were not tried"] if missed else []


def _faced(bench: Bench, hunt: Hunt, now: Scenario, then: Scenario) -> tuple[float, bool] | None:
    """What the old attack earns under a change, and whether that is little of what it earns without; None: not afforded."""
    best = hunt.best
    assert best is not None, "found"
    lacks, left, little = seat(type(best), attacked(then, best), {}).lacks, 0.0, False
    for seeds in (QUICK[:1], QUICK):
        if bench.left < 2 * len(seeds) * bench.price(then):
            return None
        old = [profit(one) for one in bench.play("changes", [of(best, now, seed) for seed in seeds])]
        left = 0.0 if lacks else _mean(bench.play("changes", [of(best, then, seed) for seed in seeds]))
        little = left <= _little(old)
        if not little:
            break
    return left, little


def _little(old: Sequence[float]) -> float:
    """What a change may leave of what an attack earned on the same seeds, to be gone on with."""
    return LEFT * max(0.0, float(np.mean(old)))


def _priced(bench: Bench, hunt: Hunt, fit: Sequence[Tried]) -> tuple[list[Tried], list[str]]:
    """The same with what they cost honest users, the cheapest first."""
    priced, missed = list[Tried](), 0
    for one in fit:
        if bench.left < 2 * len(COUNTING) * one.times:
            missed += 1
            continue
        base, after = (
            _whole(bench.play("changes", [honest(lasting.longer(there, one.times), seed) for seed in COUNTING]))
            for there in (hunt.scenario, hunt.scenario_with(one.change.world))
        )
        if len(after) == len(base) == len(COUNTING):
            priced.append(one._replace(cost=cost_of(base, after)))
    return _by_burden(priced), [f"the price of {missed} changes was not measured"] if missed else []


def _by_burden(priced: list[Tried]) -> list[Tried]:
    return sorted(priced, key=lambda one: burden(_cost(one)))


class Judged(NamedTuple):
    """An attack under other rules, on held-out seeds, what those cost honest users, and whether they hold."""

    cell: Cell
    cost: Cost
    holds: bool
    searched: bool  # whether the attacker had searched anew; not where even the old attack pays


def verified(ground: Ground, scenario: Scenario, bound: float) -> Judged | None:
    """The old attack under other rules; where that does not pay, the attacker's best response to them.

    On runs that the rules have time to work in, and so are the rules as they were. None: runs went wrong, or would be longer
    than is played. Takes `VERIFICATION` runs at least for each time that they are as long, and what the ground is owed.
    """
    bench, hunt, count = ground.bench, ground.hunt, ground.times(scenario.world)
    assert hunt.best is not None, "found"
    standing = ground.at(count) if count else None
    if standing is None:
        return None
    there = lasting.longer(scenario, count)
    twins = bench.play("verification", [honest(there, seed) for seed in SEEDS])
    if None in twins:
        return None
    after, kinds = _whole(twins), classes(there)

    def judged(attack: Attack, searched: bool) -> Judged | None:
        mine = bench.play("verification", [of(attack, there, seed) for seed in SEEDS])
        if None in mine:
            return None
        one = cell(attack, "changed", _whole(mine), after, kinds, standing.bare)
        return Judged(one, cost_of(standing.before, after), one.within(bound), searched)

    first = judged(hunt.best, False)
    if first is None or not first.holds:
        return first
    again = hunted(
        bench, "verification", Hunt(there, hunt.attack, (hunt.best, *hunt.starts)), effort(bench, hunt, count)
    )
    best = again.best or hunt.best
    return judged(best, True)


def effort(bench: Bench, hunt: Hunt, count: int) -> int:
    """Generations that a new search can be given: as many as the old one had, as far as the budget goes."""
    return min(max(1, hunt.generations), (bench.left // count - len(SEEDS)) // GENERATION_COST)


def _cost(one: Tried) -> Cost:
    assert one.cost is not None, "priced"
    return one.cost


def _whole(found: Sequence[Result | None]) -> list[Result]:
    return [one for one in found if one is not None]


def _mean(found: Sequence[Result | None]) -> float:
    values = [profit(one) for one in found]
    return math.inf if any(map(math.isnan, values)) else float(np.mean(values))
