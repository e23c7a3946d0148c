"""Hunting: an attacker's best response to a protocol, and what that is worth on seeds that nothing was chosen by.

A generation of candidates is halved over seeds (Karnin, Koren and Somekh 2013; Jamieson and Talwalkar 2016): all on one, the
better half on a second, the best quarter on two more. Hunts are halved in turn: each gets one generation, the better half of them
another, and so on while runs are left. A hunt that is gone on with asks for the same candidates again, which the bench knows.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agents.attacks.base import Attack
from experiments.arsenal.seating import attacked, benign
from experiments.arsenal.trials import ATTACKER, Result, Trial
from experiments.audit.bench import Bench
from experiments.codec import Mistakes
from experiments.optimising import GENERATION, Candidate, maximise, typed
from experiments.scenario import Scenario
from experiments.search import HELD_OUT, space
from protocol.world import World

RUNGS = ((GENERATION, (1,)), (GENERATION // 2, (2,)), (GENERATION // 4, (3, 4)))  # how many stay, and on which seeds
GENERATION_COST = sum(count * len(seeds) for count, seeds in RUNGS)  # runs, at most
SEEDS = tuple(range(HELD_OUT, HELD_OUT + 12))  # what is reported is of these


class Hunt(NamedTuple):
    """An attack in search of its settings: under which rules and path, as what, and how far it has come."""

    scenario: Scenario  # without anybody who attacks
    attack: Attack
    starts: tuple[Attack, ...] = ()  # settings to try first, besides its own
    best: Attack | None = None
    worth: float = -math.inf  # mean profit of the best inside, cash coins
    generations: int = 0
    tried: int = 0  # different settings
    wrong: int = 0  # its runs that went wrong

    def scenario_with(self, world: World) -> Scenario:
        """The scenario in another world."""
        return dataclasses.replace(self.scenario, world=world)


def hunted(bench: Bench, what: str, hunt: Hunt, generations: int) -> Hunt:
    """The hunt after so many generations in all; as far as the budget goes, of which it may use up to `GENERATION_COST` each."""
    attack = hunt.attack
    try:
        bounds = space(attacked(hunt.scenario, attack), attack, ())
    except Mistakes:  # it has no numbers of its own
        bounds = ()
    scores: dict[tuple[float, ...], list[float]] = {}
    wrong = 0

    def key(one: Candidate) -> tuple[float, ...]:
        return tuple(one[bound.column] for bound in bounds)

    def role(one: Candidate) -> Attack:
        changes = {bound.column: typed(bound, one[bound.column]) for bound in bounds}
        return dataclasses.replace(attack, **changes)  # type: ignore[arg-type]

    def worth(_: int, asked: Sequence[Candidate]) -> list[float]:
        nonlocal wrong
        mine: list[list[float]] = [[] for _ in asked]
        alive = list(range(len(asked)))
        for count, seeds in RUNGS:
            alive = sorted(alive, key=lambda k: (-_mean(mine[k], math.inf), k))[:count]
            trials = [of(role(asked[k]), hunt.scenario, seed) for k in alive for seed in seeds]
            found = [profit(one) for one in bench.play(what, trials)]
            wrong += sum(map(math.isnan, found))
            for place, k in enumerate(alive):
                mine[k] += found[place * len(seeds) : (place + 1) * len(seeds)]
            alive = [k for k in alive if not math.isnan(sum(mine[k]))]
        for one, values in zip(asked, mine, strict=True):
            if len(values) >= len(scores.get(key(one), [])):
                scores[key(one)] = values
        return [_mean(values, math.nan) for values in mine]

    first = [{b.column: float(getattr(start, b.column)) for b in bounds} for start in (attack, *hunt.starts)]
    if not bounds:
        worth(0, [{}])
    else:
        able = hunt.generations + bench.left // (GENERATION_COST * bench.price(hunt.scenario))
        affordable = [n for n in range(1, generations + 1) if n <= able]
        generations = max(affordable, default=0)
        maximise(bounds, worth, generations=generations, first=first, sampler="tpe", startup=GENERATION)
    longest = max(map(len, scores.values()), default=0)
    fit = {k: _mean(v, math.nan) for k, v in scores.items() if v and len(v) == longest and not math.isnan(sum(v))}
    if not fit:
        return hunt._replace(generations=generations, tried=len(scores), wrong=wrong)
    best = max(fit, key=lambda k: fit[k])
    chosen = role(dict(zip([bound.column for bound in bounds], best, strict=True)))
    return hunt._replace(best=chosen, worth=fit[best], generations=generations, tried=len(scores), wrong=wrong)


def of(attack: Attack, scenario: Scenario, seed: int, defence: str = "", alarms: tuple[float, ...] = ()) -> Trial:
    """The trial of an attack in a scenario."""
    return Trial(type(attack).__name__, defence, dataclasses.replace(attacked(scenario, attack), seed=seed), alarms)


def funded(attack: Attack, capital: float | None) -> Attack:
    """The attack with that much capital, cash coins; None: with what it comes with."""
    return attack if capital is None else dataclasses.replace(attack, capital=capital)


def honest(scenario: Scenario, seed: int, defence: str = "") -> Trial:
    """The trial of nobody."""
    return Trial("", defence, dataclasses.replace(benign(scenario), seed=seed))


def profit(found: Result | None) -> float:
    """What the attacker ended richer by, cash coins; nan where the run went wrong."""
    return math.nan if found is None else found.gains[ATTACKER]


def _mean(values: Sequence[float], empty: float) -> float:
    return float(np.mean(values)) if values else empty
