"""Estimates with intervals. Every number that is reported goes through here, with its seeds.

Intervals are 95 %: Student's t below `FEW` seeds, where resampling covers too little (75 % of the time at three, 89 % at ten), and
from there on bootstrap percentiles (Efron 1979), drawn from a fixed generator so that a table is the same whenever it is made;
differences are taken seed by seed before. A table of several comparisons says what each would be worth
alone, and what it is worth among so many (Holm 1979).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import scipy.stats

from protocol.ledger import Floats

RESAMPLES = 2_000
FEW = 20  # seeds below which the normal's own interval is taken
FLIPS = 20_000  # random ones, where there are too many to go through
MOST_EXACT = 14  # pairs of which every flip is gone through


class Estimate(NamedTuple):
    """A mean over `seeds` seeds, with its 95 % interval."""

    mean: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        return f"{self.mean:,.4g} [{self.low:,.4g}, {self.high:,.4g}] (n={self.seeds})"


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of one number a seed. Raises ValueError for none at all; one seed, or equal values, give no width."""
    sample = np.asarray(values, float)
    if len(sample) == 0:
        raise ValueError("values = (): at least one seed is needed")
    mean = float(sample.mean())
    if len(sample) == 1 or np.ptp(sample) == 0.0:
        return Estimate(mean, mean, mean, len(sample))
    if len(sample) < FEW:
        half = float(scipy.stats.sem(sample) * scipy.stats.t.ppf(0.975, len(sample) - 1))
        return Estimate(mean, mean - half, mean + half, len(sample))
    found = scipy.stats.bootstrap(
        (sample,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0)
    )
    return Estimate(mean, float(found.confidence_interval.low), float(found.confidence_interval.high), len(sample))


def ratio(mine: Sequence[float], theirs: Sequence[float]) -> Estimate:
    """The ratio of two means of the same seeds, with its 95 % interval: Student's t over what a seed is off the ratio.

    Cochran 1977, "Sampling techniques", 6.3. Nothing over nothing is 1; anything over a mean that is not above nothing is inf;
    nan of any seed is nan. Raises ValueError where they are not of the same seeds.
    """
    if len(mine) != len(theirs) or not len(mine):
        raise ValueError(f"mine, theirs: {len(mine)} and {len(theirs)} values; pairs are needed")
    above, below = np.asarray(mine, float), np.asarray(theirs, float)
    if np.isnan(above).any() or np.isnan(below).any():
        return Estimate(math.nan, math.nan, math.nan, len(above))
    if not below.mean() > 0.0:
        found = 1.0 if above.mean() <= below.mean() else math.inf
        return Estimate(found, found, found, len(above))
    found = float(above.mean() / below.mean())
    off = above - found * below
    if len(off) == 1 or np.ptp(off) == 0.0:
        return Estimate(found, found, found, len(off))
    half = float(off.std(ddof=1) / math.sqrt(len(off)) / below.mean() * scipy.stats.t.ppf(0.975, len(off) - 1))
    return Estimate(found, found - half, found + half, len(off))


def share(hits: int, total: int) -> Estimate:
    """A rate with its exact (Clopper-Pearson) 95 % interval."""
    found = scipy.stats.binomtest(hits, total).proportion_ci(method="exact")
    return Estimate(hits / total, float(found.low), float(found.high), total)


class Difference(NamedTuple):
    """A paired difference with its interval, and the chance `p` of one as large, either way, if there were none."""

    estimate: Estimate
    p: float


def difference(mine: Sequence[float], theirs: Sequence[float]) -> Difference:
    """What one arm has over another, seed by seed. Raises ValueError where they are not of the same seeds."""
    if len(mine) != len(theirs):
        raise ValueError(f"mine, theirs: {len(mine)} and {len(theirs)} values; pairs are needed")
    gaps = np.asarray(mine, float) - np.asarray(theirs, float)
    return Difference(estimate(gaps.tolist()), sign_flip(gaps.tolist()))


def sign_flip(gaps: Sequence[float]) -> float:
    """Two-sided p of a mean difference if signs were tossed (Fisher 1935): exact up to 14 pairs, else by 20,000 tosses."""
    sample = np.asarray(gaps, float)
    if len(sample) == 0:
        raise ValueError("gaps = (): at least one pair is needed")
    signs, exact = _signs(len(sample))
    observed = abs(sample.sum())
    hits = int((np.abs(signs @ sample) >= observed * (1.0 - 1e-12)).sum())
    return hits / len(signs) if exact else (hits + 1) / (FLIPS + 1)  # the observed one is one of them


def flip_interval(gaps: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of a mean difference that goes with `sign_flip`: every shift that it would not reject at 0.05.

    A flip of what is left after a shift reaches the sum itself where the mean of what is flipped is below the shift: the ends are
    order statistics of means of subsets (Hartigan 1969, "Using subsample values as typical values"). It has no ends below six
    pairs, where no flip is rare enough.
    """
    sample = np.asarray(gaps, float)
    if len(sample) == 0:
        raise ValueError("gaps = (): at least one pair is needed")
    signs, exact = _signs(len(sample))
    flipped = signs < 0.0
    count = flipped.sum(axis=1)
    sums = flipped @ sample
    with np.errstate(divide="ignore", invalid="ignore"):
        some = np.where(count > 0, sums / count, np.nan)  # of none: reached at any shift
        rest = np.where(count < len(sample), (sample.sum() - sums) / (len(sample) - count), np.nan)
    means = np.concatenate([some, rest])
    least = 0.05 * (len(signs) if exact else len(signs) + 1) - (
        0 if exact else 1
    )  # more than so many flips must reach it

    def end(values: Floats) -> float:
        ordered = np.sort(np.where(np.isnan(values), -math.inf, values))
        return float(ordered[math.floor(least + 1e-9)])

    return end(means), -end(-means)


def _signs(size: int) -> tuple[Floats, bool]:
    """Flips of so many signs, a row each, and whether those are all there are."""
    if size <= MOST_EXACT:
        return np.asarray(1.0 - 2.0 * (np.arange(2**size)[:, None] >> np.arange(size) & 1), np.float64), True
    tossed: Floats = np.random.default_rng(0).choice(np.array([-1.0, 1.0]), size=(FLIPS, size))
    return tossed, False


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p adjusted for all of them (Holm 1979): accept those up to 0.05, and even one is false in 5 % of tables at most."""
    order = np.argsort(np.asarray(p_values, float), kind="stable")
    adjusted, worst = [0.0] * len(order), 0.0
    for rank, k in enumerate(order.tolist()):
        worst = max(worst, min(1.0, (len(order) - rank) * float(p_values[k])))
        adjusted[k] = worst
    return adjusted


def narrow(values: Sequence[float], half_width: float | None, relative: float | None) -> bool:
    """Whether the interval of the mean is within `half_width`, or `relative` times the mean's size, on either side."""
    found = estimate(values)
    width = max(found.high - found.mean, found.mean - found.low)
    if found.seeds < 2:
        return False
    return (half_width is not None and width <= half_width) or (
        relative is not None and width <= relative * abs(found.mean)
    )


def replicated(
    measure: Callable[[int], float],
    *,
    half_width: float | None = None,
    relative: float | None = None,
    least: int = 10,
    most: int = 1_000,
    first_seed: int = 1,
) -> Estimate:
    """Measure seed after seed until the interval is narrow enough: looked at after `least`, and after every doubling, up to `most`.

    An interval that one stops at because it is narrow covers a little less often than it says (Chow and Robbins 1965); few
    looks, and not too few seeds before the first, keep that small.
    """
    if half_width is None and relative is None:
        raise ValueError("half_width, relative: one of them must be given")
    if not 2 <= least <= most:
        raise ValueError(f"least = {least}, most = {most}: must be 2 or more, least no more than most")
    values: list[float] = []
    goal = least
    while True:
        values += [measure(first_seed + k) for k in range(len(values), goal)]
        if goal == most or narrow(values, half_width, relative):
            return estimate(values)
        goal = min(2 * goal, most)


def seeds_for_none(largest: float, level: float = 0.95) -> int:
    """Runs without a single event after which its rate is below `largest` at a level: the exact form of the rule of three."""
    if not 0 < largest < 1:
        raise ValueError(f"largest = {largest}: must be between 0 and 1")
    return math.ceil(math.log((1.0 - level) / 2.0) / math.log1p(-largest))
