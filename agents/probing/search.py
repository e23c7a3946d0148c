"""The search: mutate what was new, keep what is new again, until something pays; then the shortest program that still does.

The corpus holds, for every set of verbs that ever went through, the program that lost least, and whatever showed a feature of
behaviour not seen before. What it earns beyond `least`, and beyond what waiting may earn, is a find. Nothing here knows what
a flaw looks like.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from agents.probing.dice import Dice
from agents.probing.programs import Arms, Outcome, Program, canonical, fresh, mutated, run, scaled
from agents.probing.stage import YEAR, Deed, Seal, Stage
from agents.probing.verbs import verbs
from protocol.settings import refuse
from protocol.state import State

T = TypeVar("T")

NEWEST = 40  # programs of the corpus that half of all parents are drawn from
POLISHING = 1 << 40  # where the draws begin that make a find larger


@dataclass(frozen=True)
class Search:
    """`budget` probes, from `seed`. What counts as a find earns more than `least` cash coins.

    `carry` is what a year of waiting may earn in funding or interest, per cash coin of capital, and be no flaw. A find is made
    larger over `polish` probes. A sequence may last `blocks` blocks; 0: it is one bundle.
    """

    budget: int = 3_000
    seed: int = 1
    least: float = 0.001
    carry: float = 10.0
    polish: int = 150
    blocks: int = 12

    def __post_init__(self) -> None:
        """Refuse searches that are none."""
        refuse(
            self,
            budget=(self.budget >= 1, "1 probe or more"),
            seed=(self.seed >= 0, "0 or more"),
            least=(self.least > 0 and math.isfinite(self.least), "above 0 cash coins"),
            carry=(self.carry >= 0 and math.isfinite(self.carry), "0 or more per year"),
            blocks=(self.blocks >= 0, "0 or more"),
            polish=(self.polish >= 0, "0 probes or more"),
        )

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


class Corpus:
    """What a search has learned so far: programs that were new or good, and which verbs go through. Good for other states, too."""

    def __init__(self, state: State, how: Search, accounts: int) -> None:
        self.verbs = {verb.name: verb for verb in verbs(state)}
        self.arms = Arms(self.verbs, how.blocks)
        self.dice = Dice(how.seed)
        self.accounts = accounts
        self.elite: dict[frozenset[tuple[str, int, int]], Entry] = {}  # by (verb, place, who) that went through
        self.newest: list[Program] = []
        self.seen: set[tuple[object, ...]] = set()
        self.probes = 0

    def next(self) -> Program:
        """A program to try."""
        self.probes += 1
        dice = self.dice
        dice.begin(self.probes)
        if not self.newest or dice.uniform() < 0.1:
            program = tuple(fresh(dice, self.arms, self.accounts) for _ in range(1 + dice.below(4)))
        else:
            program = mutated(dice, self.arms, self._parent(), self._parent(), self.accounts)
        return canonical(program, self.accounts)

    def _parent(self) -> Program:
        """A program of the less used of two cells, or one of the newest that showed something new."""
        dice, cells = self.dice, list(self.elite.values())
        if cells and dice.uniform() < 0.5:
            entry = min((dice.among(cells), dice.among(cells)), key=lambda one: one.chosen)
            entry.chosen += 1
            return entry.program
        return dice.among(self.newest[-NEWEST:]) if dice.uniform() < 0.7 else dice.among(self.newest)

    def learn(self, program: Program, outcome: Outcome) -> None:
        """Keep what went through of a program, if it is new or better than its like."""
        self.arms.learn(program, outcome)
        is_new = not outcome.features <= self.seen
        self.seen |= outcome.features
        if not outcome.done:
            return
        if is_new:
            self.newest.append(outcome.done)
        cell = frozenset((step.verb, step.place, step.who) for step in outcome.done)
        entry = self.elite.setdefault(cell, Entry(outcome.profit, outcome.done))
        if entry.profit < outcome.profit:
            entry.profit, entry.program = outcome.profit, outcome.done


class Report(NamedTuple):
    """What a search came to."""

    find: Find | None
    probes: int
    features: int  # of behaviour that were seen
    best: float  # the most that anything earned, cash coins: what does nothing earns 0
    reached: tuple[str, ...]  # verbs that went through at least once
    untouched: tuple[str, ...]  # verbs that never did


def search(stage: Stage, how: Search, corpus: Corpus | None = None) -> Report:
    """Look for a sequence that pays on a stage, with what was learned elsewhere if there is any."""
    known = corpus or Corpus(stage.state, how, len(stage.own))
    best, find = 0.0, None
    for _ in range(how.budget):
        program = known.next()
        outcome = run(stage, known.verbs, program, how.blocks)
        known.learn(program, outcome)
        best = max(best, outcome.profit)
        if outcome.profit > how.floor(stage, outcome.seconds):
            find = _refined(stage, known, how, outcome.done)
            break
    went = {name for (name, _), count in known.arms.went.items() if count}
    names = sorted({name for name, _ in known.arms.arms})
    reached, untouched = (tuple(n for n in names if (n in went) is wanted) for wanted in (True, False))
    return Report(find, known.probes, len(known.seen), best, reached, untouched)


def pays(stage: Stage, how: Search, deeds: tuple[Deed, ...]) -> tuple[float, tuple[Deed, ...]] | None:
    """(profit, what of it went through) of a sequence of deeds played as it stands; None where that is no find."""
    done = tuple(deed for deed in deeds if stage.do(deed) is None)
    profit, seconds = stage.profit(), stage.state.time - stage.time
    stage.reset()
    return (profit, done) if profit > how.floor(stage, seconds) else None


def _refined(stage: Stage, known: Corpus, how: Search, program: Program) -> Find:
    """The shortest program that still pays, the shortest sequence of deeds, and how much more it may be scaled to earn."""

    def earns(candidate: Program) -> Outcome | None:
        outcome = run(stage, known.verbs, candidate, how.blocks)
        return outcome if outcome.profit > how.floor(stage, outcome.seconds) else None

    steps = shortest(program, lambda candidate: earns(candidate) is not None)
    steps = _fewest_times(steps, lambda candidate: earns(candidate) is not None)
    outcome = run(stage, known.verbs, steps, how.blocks)
    deeds = shortest(outcome.deeds, lambda candidate: pays(stage, how, candidate) is not None)
    profit, deeds = pays(stage, how, deeds) or (outcome.profit, outcome.deeds)
    largest, most, best = profit, deeds, steps
    for number in range(how.polish):
        known.dice.begin(POLISHING + number)
        candidate = scaled(known.dice, best)
        found = earns(candidate)
        if found is not None and found.profit > largest:
            largest, most, best = found.profit, found.deeds, candidate
    seconds = stage.interval * sum(deed.blocks for deed in deeds if isinstance(deed, Seal))
    return Find(profit, largest, known.probes, seconds, steps, deeds, most)


def shortest(items: tuple[T, ...], holds: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """A sequence with everything left out that may be, one at a time, until nothing may."""
    changed = True
    while changed:
        changed = False
        for at in range(len(items) - 1, -1, -1):
            fewer = items[:at] + items[at + 1 :]
            if fewer and holds(fewer):
                items, changed = fewer, True
    return items


def _fewest_times(program: Program, holds: Callable[[Program], bool]) -> Program:
    for at, step in enumerate(program):
        for times in range(1, step.times):
            fewer = (*program[:at], step._replace(times=times), *program[at + 1 :])
            if holds(fewer):
                program = fewer
                break
    return program
