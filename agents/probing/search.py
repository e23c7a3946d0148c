"""The search: mutate what was new, keep what is new again, until something pays; then the shortest program that still does.

The corpus holds, for every set of verbs that ever went through, the program that lost least, and whatever showed a feature of
behaviour not seen before. What it earns beyond `least`, and beyond what waiting may earn, is a find. Nothing here knows what
a flaw looks like.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from agents.probing.dice import Dice
from agents.probing.programs import SCALES, Arms, Outcome, Program, canonical, fresh, mutated, run
from agents.probing.stage import YEAR, Deed, Seal, Stage
from agents.probing.verbs import verbs

NEWEST = 40  # programs of the corpus that half of all parents are drawn from


@dataclass(frozen=True)
class Search:
    """`budget` probes, from `seed`. What counts as a find earns more than `least` cash coins.

    `carry` is what a year of waiting may earn in funding or interest, per cash coin of capital, and be no flaw. A find is made
    larger over `polish` probes.
    """

    budget: int = 3_000
    seed: int = 1
    least: float = 0.001
    carry: float = 10.0
    polish: int = 150

    def __post_init__(self) -> None:
        """Refuse searches that are none."""
        wrong = [
            f"{name} = {value}: must be {allowed}"
            for name, value, good, allowed in (
                ("budget", self.budget, self.budget >= 1, "1 probe or more"),
                ("seed", self.seed, self.seed >= 0, "0 or more"),
                ("least", self.least, self.least > 0 and math.isfinite(self.least), "above 0 cash coins"),
                ("carry", self.carry, self.carry >= 0 and math.isfinite(self.carry), "0 or more per year"),
                ("polish", self.polish, self.polish >= 0, "0 probes or more"),
            )
            if not good
        ]
        if wrong:
            raise ValueError("\n".join(wrong))

    def floor(self, stage: Stage, seconds: float) -> float:
        """What a program that took so long may earn without being a find, cash coins."""
        return self.least + self.carry * stage.capital * seconds / YEAR


@dataclass
class Entry:
    """The best program of those that did the same things, and how often it has been built upon."""

    profit: float
    program: Program
    chosen: int = 0


class Find(NamedTuple):
    """A sequence that leaves its sender richer."""

    profit: float  # cash coins of the shortest program
    largest: float  # the most that any scaling of it was seen to earn
    probes: int  # until it was found
    seconds: float  # that it takes
    program: Program
    deeds: tuple[Deed, ...]  # the shortest sequence, as frozen transactions
    most: tuple[Deed, ...]  # the one that earned most


class Report(NamedTuple):
    """What a search came to."""

    find: Find | None
    probes: int
    features: int  # of behaviour that were seen
    corpus: int
    best: float  # the most that anything earned, cash coins: what does nothing earns 0
    reached: tuple[str, ...]  # verbs that went through at least once
    untouched: tuple[str, ...]  # verbs that never did


def search(stage: Stage, how: Search) -> Report:
    """Look for a sequence that pays on a stage."""
    known = {verb.name: verb for verb in verbs(stage.state)}
    dice, arms, accounts = Dice(how.seed), Arms(known), len(stage.own)
    elite: dict[frozenset[tuple[str, int, int]], Entry] = {}  # by (verb, place, who) that went through
    newest: list[Program] = []
    seen: set[tuple[object, ...]] = set()
    best, find, probe = 0.0, None, 0
    for probe in range(1, how.budget + 1):
        dice.begin(probe)
        program = canonical(_next(dice, arms, newest, list(elite.values()), accounts), accounts)
        outcome = run(stage, known, program)
        arms.learn(program, outcome)
        best = max(best, outcome.profit)
        if outcome.profit > how.floor(stage, outcome.seconds):
            find = _refined(stage, known, how, dice, program, probe)
            break
        fresh_ones = not outcome.features <= seen
        seen |= outcome.features
        if not outcome.done:
            continue
        if fresh_ones:
            newest.append(outcome.done)
        cell = frozenset((step.verb, step.place, step.who) for step in outcome.done)
        if cell not in elite:
            elite[cell] = Entry(outcome.profit, outcome.done)
        elif elite[cell].profit < outcome.profit:
            elite[cell].profit, elite[cell].program = outcome.profit, outcome.done
    went = {name for (name, _), count in arms.went.items() if count}
    names = sorted({name for name, _ in arms.arms})
    return Report(
        find,
        probe,
        len(seen),
        len(elite),
        best,
        tuple(name for name in names if name in went),
        tuple(name for name in names if name not in went),
    )


def _next(
    dice: Dice, arms: Arms, newest: list[Program], elite: list[Entry], accounts: int
) -> Program:
    if not newest or dice.uniform() < 0.1:
        return tuple(fresh(dice, arms, accounts) for _ in range(1 + dice.below(4)))
    parents = []
    for _ in range(2):
        if elite and dice.uniform() < 0.5:
            chosen = min((dice.among(elite), dice.among(elite)), key=lambda one: one.chosen)
            chosen.chosen += 1
            parents.append(chosen.program)
        else:
            parents.append(dice.among(newest[-NEWEST:]) if dice.uniform() < 0.7 else dice.among(newest))
    return mutated(dice, arms, parents[0], parents[1], accounts)


def pays(stage: Stage, how: Search, deeds: tuple[Deed, ...]) -> tuple[float, tuple[Deed, ...]] | None:
    """(profit, what of it went through) of a sequence of deeds played as it stands; None where that is no find."""
    done = tuple(deed for deed in deeds if stage.do(deed) is None)
    profit, seconds = stage.profit(), stage.state.time - stage.time
    stage.reset()
    return (profit, done) if profit > how.floor(stage, seconds) else None


def _refined(stage: Stage, known: dict, how: Search, dice: Dice, program: Program, probe: int) -> Find:  # type: ignore[type-arg]
    """The shortest program that still pays, the shortest sequence of deeds, and how much more it may be scaled to earn."""

    def earns(candidate: Program) -> Outcome | None:
        outcome = run(stage, known, candidate)
        return outcome if outcome.profit > how.floor(stage, outcome.seconds) else None

    steps = _shrunk(program, lambda candidate: earns(candidate) is not None)
    steps = _shrunk_times(steps, lambda candidate: earns(candidate) is not None)
    outcome = run(stage, known, steps)
    deeds = _shrunk(outcome.deeds, lambda candidate: pays(stage, how, candidate) is not None)
    profit, deeds = pays(stage, how, deeds) or (outcome.profit, outcome.deeds)
    largest, most, best = profit, deeds, steps
    for number in range(how.polish):
        dice.begin(how.budget + 1 + number)
        at = dice.below(len(best))
        step = best[at]
        grown = step._replace(factor=step.factor * dice.among(SCALES), times=max(1, min(64, dice.among((step.times, 2 * step.times)))))
        candidate = (*best[:at], grown, *best[at + 1 :])
        found = earns(candidate)
        if found is not None and found.profit > largest:
            largest, most, best = found.profit, found.deeds, candidate
    seconds = stage.interval * sum(deed.blocks for deed in deeds if isinstance(deed, Seal))
    return Find(profit, largest, probe, seconds, steps, deeds, most)


def _shrunk(items, holds):  # type: ignore[no-untyped-def]
    """The sequence with everything left out that may be, one at a time, until nothing may."""
    changed = True
    while changed:
        changed = False
        for at in range(len(items) - 1, -1, -1):
            fewer = items[:at] + items[at + 1 :]
            if fewer and holds(fewer):
                items, changed = fewer, True
    return items


def _shrunk_times(program: Program, holds) -> Program:  # type: ignore[no-untyped-def]
    for at, step in enumerate(program):
        for times in range(1, step.times):
            fewer = (*program[:at], step._replace(times=times), *program[at + 1 :])
            if holds(fewer):
                program = fewer
                break
    return program
