"""Estimates with intervals. Every number that is reported goes through here, with its seeds.

Intervals are 95 % bootstrap percentiles over seeds (Efron 1979), drawn from a fixed generator so that a table is the same
whenever it is made; differences are taken seed by seed before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.stats

RESAMPLES = 2_000


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
    found = scipy.stats.bootstrap(
        (sample,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0)
    )
    return Estimate(mean, float(found.confidence_interval.low), float(found.confidence_interval.high), len(sample))


def share(hits: int, total: int) -> Estimate:
    """A rate with its exact (Clopper-Pearson) 95 % interval."""
    found = scipy.stats.binomtest(hits, total).proportion_ci(method="exact")
    return Estimate(hits / total, float(found.low), float(found.high), total)
