"""Calibration by simulated moments: crowd parameters under which the market's facts lie nearest to recorded ones.

Nine facts (`facts.MATCHED`), each off in standard errors of the recorded one, squared and added up (McFadden 1989; Franke and
Westerhoff 2012 weigh by the whole inverse covariance; here by its diagonal, so that errors in common count twice). The same seeds
for every candidate; what is reported is played on seeds that the search has not seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.axes.base import Bound
from experiments.optimising import GENERATION, Candidate, Trial, maximise, typed
from experiments.overrides import varied
from experiments.parallel import Workers, spread
from experiments.realism.facts import MATCHED, of
from experiments.realism.market import bars
from experiments.realism.recorded import FACTS, TARGET
from experiments.run import run
from experiments.scenario import Scenario

BOUNDS = (
    Bound("exchange.market.venue.liquidity", 2e7, 4e8, "log", "depth"),
    Bound("nature.volatility.0", 0.2, 1.2, "log", "fair's volatility"),
    Bound("cast.noise.activity", 1.0, 48.0, "log", "noise: activity"),
    Bound("cast.trend.activity", 1.0, 96.0, "log", "trend: activity"),
    Bound("cast.trend.memory", 1_800.0, 172_800.0, "log", "trend: memory"),
    Bound("cast.trend.threshold", 0.002, 0.08, "log", "trend: threshold"),
    Bound("cast.fundamental.activity", 1.0, 96.0, "log", "fundamental: activity"),
    Bound("cast.fundamental.threshold", 0.002, 0.08, "log", "fundamental: threshold"),
    Bound("cast.leveraged.activity", 1.0, 96.0, "log", "leveraged: activity"),
    Bound("cast.leveraged.herding", 1.0, 200.0, "log", "leveraged: herding"),
)
SEEDS = (1, 2)  # every candidate's
FARTHEST = 5.0  # standard errors: a fact further off counts as this far, so that none of them decides alone
CONFIDENT = 1.96  # standard errors within which a fact counts as covered


def changed(scenario: Scenario, candidate: Mapping[str, float]) -> Scenario:
    """The scenario with a candidate's values."""
    return varied(scenario, {bound.path: typed(bound, candidate[bound.column]) for bound in BOUNDS})


def facts_of(scenario: Scenario) -> dict[str, float]:
    """Play it, and measure."""
    return of(*bars(run(scenario)))


def off(found: Mapping[str, float], target: str = TARGET) -> dict[str, float]:
    """How far each matched fact lies from the recorded one, in its standard errors; nan counts as the farthest."""
    gaps = {}
    for name in MATCHED:
        value, error = FACTS[target][name]
        gap = (found[name] - value) / error
        gaps[name] = FARTHEST if math.isnan(gap) else gap
    return gaps


def distance(found: Mapping[str, float], target: str = TARGET) -> float:
    """Squares of how far off the facts are, each bounded, added up."""
    return float(sum(min(abs(gap), FARTHEST) ** 2 for gap in off(found, target).values()))


def coverage(runs: Sequence[Mapping[str, float]], name: str, target: str = TARGET) -> float:
    """Share of runs in which a fact lies within the recorded one's 95 % interval (Franke and Westerhoff's coverage ratio)."""
    value, error = FACTS[target][name]
    return float(np.mean([abs(one[name] - value) <= CONFIDENT * error for one in runs]))


def _mean_distance(task: tuple[Scenario, Candidate]) -> float:
    scenario, candidate = task
    one = changed(scenario, candidate)
    runs = [facts_of(replace(one, seed=seed)) for seed in SEEDS]
    return distance({name: float(np.mean([each[name] for each in runs])) for name in MATCHED})


def calibrate(scenario: Scenario, *, generations: int, workers: Workers = None) -> list[Trial]:
    """Every candidate tried; the best has the highest worth, which is the distance with its sign turned."""

    def worth(number: int, asked: list[Candidate]) -> list[float]:
        tasks = [(scenario, one) for one in asked]
        return [-each for each in spread(_mean_distance, tasks, workers=workers, title=f"generation {number}")]

    return maximise(BOUNDS, worth, generations=generations, first=[middle()], size=GENERATION, sampler="cmaes")


def middle() -> Candidate:
    """Halfway between all bounds: where the search begins, so that it does not know what it found before."""
    return {bound.column: float(bound.at(0.5)) for bound in BOUNDS}


def own(scenario: Scenario) -> Candidate:
    """The scenario's own values."""
    return {bound.column: _at(scenario, bound.path) for bound in BOUNDS}


def _at(scenario: Scenario, path: str) -> float:
    value: Any = scenario
    for word in path.replace("exchange.market", "world.exchanges.0.markets.0").split("."):
        if isinstance(value, tuple):
            value = value[int(word)] if word.isdigit() else next(one for one in value if one.label == word)
        else:
            value = getattr(value, word)
    return float(value)
