"""Attribution held against intervention: one liquidation is taken out, and what does not happen then is what it caused.

Attributed to a liquidation are its shares in others, and through them in theirs. Taken out, its account is spared for a while
(`limits.Spared`) in a twin that shares every draw; what others lose to forced closures within that while, less what they lose in
the twin, is what it caused. A single twin also differs by who is served first from then on: only means over several say anything,
and the correlation over single ones says how much. Seizures cannot be put off, and are counted only as what others lose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import NamedTuple

import numpy as np

from experiments.cascades.causes import LIQUIDATION, SEIZURE, Why
from experiments.cascades.episodes import Told
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario
from experiments.statistics import Difference, Estimate, difference, estimate
from protocol.ledger import Floats
from protocol.limits.spared import Spared

WHILE = 30.0  # seconds: the longer, the more of what is missing is chance
RESAMPLES = 1_000


class Deleted(NamedTuple):
    """One liquidation taken out. Notional of others within the while, cash coins."""

    seed: int
    number: int
    attributed: float
    caused: float


class Correlation(NamedTuple):
    """Pearson's, over single liquidations, with a 95 % interval by bootstrap over seeds; nan where one side never varies."""

    value: float
    low: float
    high: float
    liquidations: int

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "none: one side is the same of all"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}] ({self.liquidations} liquidations)"


class Validated(NamedTuple):
    """Attribution beside intervention, cash coins a liquidation taken out."""

    attributed: Estimate
    caused: Estimate
    error: Difference  # attributed less caused, paired
    correlation: Correlation  # of the two, one by one


class _Task(NamedTuple):
    scenario: Scenario
    why: Why
    seconds: float


def attributed(run: Sequence[Why], number: int, seconds: float) -> float:
    """Notional, cash coins, of other accounts' closures within `seconds` that lead back to this one, by its shares in them."""
    weight = np.zeros(len(run))
    weight[number], total, this = 1.0, 0.0, run[number]
    for one in run[number + 1 :]:
        weight[one.number] = sum(share * weight[parent] for parent, share in one.parents().items())
        if one.account != this.account and one.time < this.time + seconds:
            total += float(weight[one.number]) * one.notional
    return total


def spared(scenario: Scenario, one: Why, seconds: float) -> Scenario:
    """The twin in which this liquidation is put off by so many seconds."""
    exchange, _, market = one.market.partition(".")
    limit = Spared(one.account, one.time, one.time + seconds)
    exchanges = tuple(
        replace(
            each,
            markets=tuple(replace(m, limits=(*m.limits, limit)) if m.name == market else m for m in each.markets),
        )
        if each.name == exchange
        else each
        for each in scenario.world.exchanges
    )
    return replace(scenario, world=replace(scenario.world, exchanges=exchanges))


def chosen(run: Sequence[Why], count: int) -> list[int]:
    """Numbers of `count` liquidations, evenly through the run: chosen by place, not by what is attributed to them."""
    numbers = [one.number for one in run if one.kind == LIQUIDATION]
    count = min(count, len(numbers))
    return [numbers[(2 * k + 1) * len(numbers) // (2 * count)] for k in range(count)]


def deletions(runs: Sequence[Told], *, each: int = 5, seconds: float = WHILE, workers: Workers = None) -> list[Deleted]:
    """Take `each` liquidations out of every run, one at a time."""
    picked = [(one, number) for one in runs for number in chosen(one.why, each)]
    tasks = [_Task(one.record.scenario, one.why[number], seconds) for one, number in picked]
    left = spread(_others, tasks, workers=workers, title="twins")
    return [_compared(*pick, seconds, rest) for pick, rest in zip(picked, left, strict=True)]


def validated(found: Sequence[Deleted]) -> Validated:
    """Means of each seed's means, and their paired difference: those of one run are not independent."""
    by_seed = [[one for one in found if one.seed == seed] for seed in sorted({one.seed for one in found})]
    mine = [fmean(one.attributed for one in group) for group in by_seed]
    theirs = [fmean(one.caused for one in group) for group in by_seed]
    return Validated(estimate(mine), estimate(theirs), difference(mine, theirs), correlation(by_seed))


def correlation(by_seed: Sequence[Sequence[Deleted]]) -> Correlation:
    """Of what is attributed to single liquidations and what they caused."""
    rows = [np.array([(one.attributed, one.caused) for one in group]) for group in by_seed]
    value = _pearson(np.concatenate(rows))
    dice = np.random.default_rng(0)
    drawn = [
        _pearson(np.concatenate([rows[k] for k in dice.integers(len(rows), size=len(rows))])) for _ in range(RESAMPLES)
    ]
    known = [one for one in drawn if not math.isnan(one)]
    several = len(rows) > 1 and bool(known)
    low, high = np.quantile(known, (0.025, 0.975)).tolist() if several else (math.nan, math.nan)
    return Correlation(value, low, high, sum(map(len, rows)))


def _pearson(pairs: Floats) -> float:
    """Of two columns; nan where one does not vary."""
    return float(np.asarray(np.corrcoef(pairs.T))[0, 1]) if len(pairs) > 1 and pairs.std(axis=0).all() else math.nan


def _compared(one: Told, number: int, seconds: float, rest: float) -> Deleted:
    this = one.why[number]
    before = sum(
        other.notional
        for other in one.why
        if other.account != this.account and this.time <= other.time < this.time + seconds
    )
    return Deleted(one.record.scenario.seed, number, attributed(one.why, number, seconds), before - rest)


def _others(task: _Task) -> float:
    """Notional of other accounts' forced closures within the while, cash coins, with this one put off."""
    events = run(spared(task.scenario, task.why, task.seconds)).events
    start, end = task.why.time, task.why.time + task.seconds
    rows = events[(events["kind"].isin((LIQUIDATION, SEIZURE))) & (events["time"] >= start) & (events["time"] < end)]
    return float(sum(numbers["notional"] for numbers in rows["numbers"] if numbers["account"] != task.why.account))
