"""Changes: what would stop an attack, what that costs honest users, and whether it holds against an attacker who searches anew.

Candidates are every rule of the arsenal that has a place here, and the levers that the attack hangs on, each turned a little and
more. They are tried against the old attack, what honest trade they leave is measured, and then, the cheapest first, the attacker
searches again under the change. A change counts when that search, on held-out seeds, finds nothing that pays.
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
from experiments.audit.bench import Bench
from experiments.audit.hunting import GENERATION_COST, SEEDS, Hunt, honest, hunted, of, profit
from experiments.audit.levers import levers, turned, value_of
from experiments.axes.base import Bound
from experiments.defences.base import Defence
from experiments.optimising import within
from experiments.scenario import Scenario
from protocol.world import World

TURN = 4.0  # how far each lever is turned either way to see what hangs on it, a factor
STEPS = (2.0, 4.0, 16.0)  # how far those that matter are turned, factors
MOST_LEVERS = 2
QUICK = (1, 2, 3)  # seeds on which a change meets the old attack
COUNTING = (1, 2, 3)  # seeds on which its price is first looked at
VERIFICATION = 3 * len(SEEDS) + GENERATION_COST  # runs: nobody, the old attack, a search, what that found
LEFT = 0.25  # of the old attack's profit: what leaves more is not gone on with


class Turn(NamedTuple):
    """A lever, and the attacker's profit (cash coins) at a quarter and at four times its value, or as near as the rules allow."""

    bound: Bound
    value: float
    at_low: float
    at_high: float

    def at(self, factor: float) -> float:
        """So many times the value, as far as the rules allow."""
        return float(within(self.bound, self.value * factor))

    @property
    def least(self) -> float:
        """What the better of both leaves; nan where neither could be played."""
        return min((x for x in (self.at_low, self.at_high) if not math.isnan(x)), default=math.nan)

    @property
    def helps_up(self) -> bool:
        """Whether more of it is what leaves less."""
        return self.at_high == self.least


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


def binding(bench: Bench, hunt: Hunt) -> tuple[list[Turn], int]:
    """Each lever turned both ways, the attacker deciding anew: what it hangs on first. And how many levers were left out."""
    assert hunt.best is not None, "found"
    every = sorted(levers(hunt.scenario), key=lambda bound: _remote(bound.path, hunt))
    seeds = QUICK if 2 * len(QUICK) * len(every) <= bench.left else QUICK[:1]
    turns = []
    for bound in every[: bench.left // (2 * len(seeds))]:
        value = value_of(hunt.scenario, bound.path)
        turn = Turn(bound, value, math.nan, math.nan)
        scenarios = [turned(hunt.scenario, bound.path, turn.at(factor)) for factor in (1.0 / TURN, TURN)]
        found = bench.play("binding parameter", [of(hunt.best, one, seed) for one in scenarios for seed in seeds])
        at_low, at_high = np.reshape([profit(one) for one in found], (2, len(seeds))).mean(axis=1).tolist()
        turns.append(Turn(bound, value, at_low, at_high))
    turns.sort(key=lambda turn: (math.isnan(turn.least), turn.least))
    return turns, len(every) - len(turns)


def _remote(path: str, hunt: Hunt) -> int:
    """Levers of the market attacked first, then those of its whole exchange, then all others."""
    exchanges, role = hunt.scenario.world.exchanges, hunt.attack
    exchange = next(one for one in exchanges if one.name == (role.exchange or exchanges[0].name))
    home = f"exchanges.{exchange.name}."
    if path.startswith(f"{home}markets.{role.market or exchange.markets[0].name}."):
        return 0
    return 1 if path.startswith(home) and not path.startswith(f"{home}markets.") else 2


def candidates(
    scenario: Scenario, rules: Mapping[str, Defence], turns: Sequence[Turn], earned: float
) -> tuple[list[Change], dict[str, str]]:
    """What may be tried here, and why some rules may not."""
    worlds, misfits = defended(scenario, rules)
    found = [Change(_said(rules[name]), one.world) for name, one in worlds.items()]
    for turn in [turn for turn in turns if turn.least <= LEFT * earned][:MOST_LEVERS]:
        values = dict.fromkeys(turn.at(step if turn.helps_up else 1.0 / step) for step in STEPS)
        for value in values:
            found.append(Change(f"{turn.bound.path} = {value:.4g}", turned(scenario, turn.bound.path, value).world))
    return found, misfits


def _said(rule: Defence) -> str:
    values = [(name, type(v).__name__ if dataclasses.is_dataclass(v) else v) for name, v in vars(rule).items()]
    settings = ", ".join(f"{name} {v:,g}" if isinstance(v, int | float) else f"{name} {v}" for name, v in values)
    return f"{type(rule).__name__}({settings})" if settings else type(rule).__name__


def cheapest_change(
    bench: Bench, hunt: Hunt, bare: Cell, changes: Sequence[Change], before: Sequence[Result], bound: float
) -> tuple[list[Tried], list[str]]:
    """Every change that was come to, the one that holds last; and what was not afforded.

    `before`: honest runs under the rules as they were, on held-out seeds.
    """
    met, short = _met(bench, hunt, changes)
    priced, more = _priced(bench, hunt, [one for one in met if one.fit])
    short += more
    known = {one.change.name for one in priced}
    tried = [one for one in met if one.change.name not in known]
    for n, one in enumerate(priced):
        if not _cost(one).counts:
            tried.append(one)
            continue
        if bench.left < VERIFICATION:
            short.append(f"{len(priced) - n} changes were not verified against a new search")
            tried += priced[n:]
            break
        judged = verified(bench, hunt, hunt.scenario_with(one.change.world), bare, before, bound)
        if judged is not None:
            one = one._replace(cost=judged.cost, after=judged.cell, holds=judged.holds and judged.cost.counts)
        if one.holds:
            return [*tried, *priced[n + 1 :], one], short
        tried.append(one)
    return tried, short


def _met(bench: Bench, hunt: Hunt, changes: Sequence[Change]) -> tuple[list[Tried], list[str]]:
    """Each change against the old attack; on one seed only, where that already leaves too much."""
    assert hunt.best is not None, "found"
    if bench.left < len(QUICK):
        return [], [f"{len(changes)} changes were not tried"]
    old = [profit(one) for one in bench.play("changes", [of(hunt.best, hunt.scenario, seed) for seed in QUICK])]
    met: list[Tried] = []
    for n, change in enumerate(changes):
        scenario, left = hunt.scenario_with(change.world), 0.0
        if not seat(type(hunt.attack), attacked(scenario, hunt.best), {}).lacks:
            for seeds in (QUICK[:1], QUICK):
                if bench.left < len(seeds):
                    return met, [f"{len(changes) - n} changes were not tried"]
                left = _mean(bench.play("changes", [of(hunt.best, scenario, seed) for seed in seeds]))
                if left > _little(old[: len(seeds)]):
                    break
        met.append(Tried(change, left, None, None, False, left <= _little(old)))
    return met, []


def _little(old: Sequence[float]) -> float:
    """What a change may leave of what an attack earned on the same seeds, to be gone on with."""
    return LEFT * max(0.0, float(np.mean(old)))


def _priced(bench: Bench, hunt: Hunt, fit: Sequence[Tried]) -> tuple[list[Tried], list[str]]:
    """The same with what they cost honest users, the cheapest first."""
    if bench.left < len(COUNTING):
        return [], ["the price of no change was measured"] if fit else []
    base = _whole(bench.play("changes", [honest(hunt.scenario, seed) for seed in COUNTING]))
    priced: list[Tried] = []
    for n, one in enumerate(fit):
        if bench.left < len(COUNTING):
            return _by_burden(priced), [f"the price of {len(fit) - n} changes was not measured"]
        scenario = hunt.scenario_with(one.change.world)
        after = _whole(bench.play("changes", [honest(scenario, seed) for seed in COUNTING]))
        if len(after) == len(base):
            priced.append(one._replace(cost=cost_of(base, after)))
    return _by_burden(priced), []


def _by_burden(priced: list[Tried]) -> list[Tried]:
    return sorted(priced, key=lambda one: burden(_cost(one)))


class Judged(NamedTuple):
    """An attack under other rules, on held-out seeds, what those cost honest users, and whether they hold."""

    cell: Cell
    cost: Cost
    holds: bool
    searched: bool  # whether the attacker had searched anew; not where even the old attack pays


def verified(
    bench: Bench, hunt: Hunt, scenario: Scenario, bare: Cell, before: Sequence[Result], bound: float
) -> Judged | None:
    """The old attack under other rules; where that does not pay, the attacker's best response to them. None: runs went wrong.

    Takes `VERIFICATION` runs at least.
    """
    assert hunt.best is not None, "found"
    twins = bench.play("verification", [honest(scenario, seed) for seed in SEEDS])
    if None in twins:
        return None
    after, kinds = _whole(twins), classes(scenario)

    def judged(attack: Attack, searched: bool) -> Judged | None:
        mine = bench.play("verification", [of(attack, scenario, seed) for seed in SEEDS])
        if None in mine:
            return None
        one = cell(attack, "changed", _whole(mine), after, kinds, bare)
        return Judged(one, cost_of(before, after), one.within(bound), searched)

    first = judged(hunt.best, False)
    if first is None or not first.holds:
        return first
    again = hunted(bench, "verification", Hunt(scenario, hunt.attack, (hunt.best, *hunt.starts)), effort(bench, hunt))
    best = again.best or hunt.best
    return judged(best, True)


def effort(bench: Bench, hunt: Hunt) -> int:
    """Generations that a new search can be given: as many as the old one had, as far as the budget goes."""
    return min(max(1, hunt.generations), (bench.left - len(SEEDS)) // GENERATION_COST)


def _cost(one: Tried) -> Cost:
    assert one.cost is not None, "priced"
    return one.cost


def _whole(found: Sequence[Result | None]) -> list[Result]:
    return [one for one in found if one is not None]


def _mean(found: Sequence[Result | None]) -> float:
    values = [profit(one) for one in found]
    return math.inf if any(map(math.isnan, values)) else float(np.mean(values))
