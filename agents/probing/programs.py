"""Programs: sequences of steps, how a state answers to one, and how one becomes another.

A run does each step in turn, skips those that revert, goes home, and says what that came to: profit, the deeds that were done,
and the features of its behaviour, by which the search knows whether it has seen such a thing before.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from agents.probing.dice import Dice
from agents.probing.leaving import leave
from agents.probing.sizes import excess
from agents.probing.stage import Deed, Seal, Stage
from agents.probing.verbs import Step, Verb, transaction
from protocol.appraisal import vault_total
from protocol.ledger import WORLD

Program = tuple[Step, ...]

SEAL = "Seal"
LONGEST = 12  # steps
FACTORS = (1.0, 1.0, 1.0, 0.99, 0.9, 0.5, 0.5, 0.25, 0.1, 0.1, 0.01, 2.0, 1e-4)
PRICES = (1.0, 0.999, 1.001, 0.99, 1.01, 0.9, 1.1, 0.5, 2.0)
TIMES = (1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 8, 32)
WAITS = (1, 1, 2, 5, 10)
SCALES = (0.5, 0.8, 1.25, 2.0, 0.95, 1.05)


class Outcome(NamedTuple):
    """What a program came to."""

    profit: float  # cash coins
    seconds: float  # that it took
    deeds: tuple[Deed, ...]
    features: frozenset[tuple[object, ...]]
    done: Program  # the steps that went through


def run(stage: Stage, verbs: dict[str, Verb], program: Program, most: int) -> Outcome:
    """Play a program and take it back. It may last `most` blocks."""
    features: set[tuple[object, ...]] = set()
    deeds: list[Deed] = []
    done: list[Step] = []
    last, blocks = "", 0
    for step in program:
        went = 0
        for _ in range(step.times):
            deed: Deed
            if step.verb == SEAL:
                deed = Seal(min(step.times, most - blocks))
                blocks += deed.blocks
                if deed.blocks == 0:
                    break
            else:
                deed = transaction(stage, verbs[step.verb], step)
            revert = stage.do(deed)
            result = "" if revert is None else type(revert).__name__
            features.add((last, step.verb, step.place, result))
            if revert is not None:
                break
            deeds.append(deed)
            went += 1
            if step.verb == SEAL:
                break
        if went:
            done.append(step)
            last = step.verb
    features |= _flows(stage)
    features |= _standing(stage)
    deeds += leave(stage)
    profit, seconds = stage.profit(), stage.state.time - stage.time
    features.add(("profit", bin_of(profit)))
    stage.reset()
    return Outcome(profit, seconds, tuple(deeds), frozenset(features), tuple(done))


def canonical(program: Program, accounts: int) -> Program:
    """The same with its accounts named in the order in which they appear: which of them does it makes no difference."""
    names: dict[int, int] = {}
    return tuple(
        step if step.verb == SEAL else step._replace(who=names.setdefault(step.who % accounts, len(names)))
        for step in program
    )


def bin_of(value: float) -> int:
    """The decade of a number, signed; 0 for less than a thousandth."""
    return int(math.copysign(math.floor(math.log10(abs(value) * 1e3)) + 1, value)) if abs(value) >= 1e-3 else 0


def _flows(stage: Stage) -> set[tuple[object, ...]]:
    """Which assets moved for which reason between oneself, the protocol's accounts and others."""
    ledger = stage.state.ledger
    asset, src, dst, _, reason = ledger.moves_since(stage.mark.moves).T
    whose = ledger.group.astype(np.int64)
    whose[list(stage.own)] = -1
    coded = ((asset * 64 + reason) * 256 + whose[src] + 1) * 256 + whose[dst] + 1
    return {("flow", key) for key in set(coded.tolist())}


def _standing(stage: Stage) -> set[tuple[object, ...]]:
    """Where one stands before going home: excess margin of each account, paper profit, and what shares are worth."""
    state = stage.state
    found: set[tuple[object, ...]] = set()
    for house in state.houses:
        paper = 0.0
        for number, account in enumerate(stage.own):
            if state.ledger.balance[house.first : house.last, account].any():
                over = excess(state, house, account)
                paper += over
                found.add(("excess", house.index, number, bin_of(over)))
        found.add(("paper", house.index, bin_of(paper + stage.profit())))
        if house.vault >= 0:
            supply = -int(state.ledger.balance[house.share, WORLD])
            found.add(("share", house.index, bin_of(vault_total(state, house) / supply) if supply else 0))
    return found


class Arms:
    """How often each verb went through at each place: what never does is tried less."""

    def __init__(self, verbs: dict[str, Verb], blocks: int) -> None:
        self.arms = [(name, place) for name, verb in verbs.items() for place in range(len(verb.places))]
        self.arms += [(SEAL, 0)] * min(1, blocks)
        self.tried = dict.fromkeys(self.arms, 0)
        self.went = dict.fromkeys(self.arms, 0)

    def learn(self, program: Program, outcome: Outcome) -> None:
        """Count what was tried, and what was done."""
        for step in program:
            self.tried[step.verb, step.place] += 1
        for step in outcome.done:
            self.went[step.verb, step.place] += 1

    def draw(self, dice: Dice) -> tuple[str, int]:
        """A verb and a place."""
        weights = [max(0.03, min(1.0, 1.5 * (self.went[arm] + 0.4) / (self.tried[arm] + 0.4))) for arm in self.arms]
        if self.arms[-1][0] == SEAL:
            weights[-1] = 0.3  # time always passes
        return self.arms[dice.weighed(weights)]


def fresh(dice: Dice, arms: Arms, accounts: int) -> Step:
    """A step drawn anew."""
    verb, place = arms.draw(dice)
    if verb == SEAL:
        return Step(SEAL, times=dice.among(WAITS))
    side = dice.among((1.0, -1.0))
    return Step(
        verb,
        place,
        dice.below(accounts),
        dice.below(12),
        dice.below(5),
        side * dice.among(FACTORS),
        dice.among(PRICES),
        dice.among(TIMES),
    )


def altered(dice: Dice, step: Step, accounts: int) -> Step:
    """The same verb with one argument changed."""
    if step.verb == SEAL:
        return step._replace(times=dice.among(WAITS))
    what = dice.below(7)
    if what == 0:
        return step._replace(who=dice.below(accounts))
    if what == 1:
        return step._replace(other=dice.below(12))
    if what == 2:
        return step._replace(basis=dice.below(5))
    if what == 3:
        return step._replace(factor=step.factor * dice.among(SCALES))
    if what == 4:
        return step._replace(factor=dice.among((1.0, -1.0)) * dice.among(FACTORS))
    if what == 5:
        return step._replace(price=dice.among(PRICES))
    return step._replace(times=dice.among(TIMES))


def mutated(dice: Dice, arms: Arms, program: Program, other: Program, accounts: int) -> Program:
    """A program one to four changes away; `other` may give it a part."""
    steps = list(program)
    for _ in range(dice.among((1, 1, 1, 2, 2, 3, 4))):
        what = dice.below(10)
        at = len(steps) if dice.uniform() < 0.4 else dice.below(len(steps) + 1)
        here = min(at, len(steps) - 1)
        if what <= 2 or not steps:
            step = fresh(dice, arms, accounts)
            if steps and dice.uniform() < 0.6:
                step = step._replace(who=dice.among(steps).who)
            steps.insert(at, step)
        elif what == 3:
            del steps[here]
        elif what <= 5:
            steps[here] = altered(dice, steps[here], accounts)
        elif what == 6:  # the same again by somebody else, or the other way
            twin = steps[here]
            twin = (
                twin._replace(who=dice.below(accounts)) if dice.uniform() < 0.5 else twin._replace(factor=-twin.factor)
            )
            steps.insert(at, twin)
        elif what == 7:
            cut = dice.below(len(other) + 1)
            steps = steps[:at] + list(other[cut:])
        elif what == 8:
            there = dice.below(len(steps))
            steps[here], steps[there] = steps[there], steps[here]
        else:
            steps = [step._replace(who=(step.who + 1) % accounts) if i >= at else step for i, step in enumerate(steps)]
    return tuple(steps[:LONGEST])


def scaled(dice: Dice, program: Program) -> Program:
    """The same with one step larger, smaller, or oftener."""
    at = dice.below(len(program))
    step = program[at]
    times = min(64, dice.among((step.times, step.times, 2 * step.times))) if step.verb != SEAL else step.times
    return (*program[:at], step._replace(factor=step.factor * dice.among(SCALES), times=times), *program[at + 1 :])
