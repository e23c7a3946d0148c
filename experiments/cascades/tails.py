"""Is a tail a power law? The fit, its test, and whether a thinner tail fits better.

Clauset, Shalizi and Newman (2009): for every candidate the tail from there on is fitted by likelihood, and the one is kept whose
fit lies nearest (Kolmogorov-Smirnov). p is how often samples drawn from that fit lie farther from their own: below 0.1 the power
law is refused. Not refused is not proven: beside it stands the exponential, by likelihood ratio (Vuong 1989). Of few there is no
saying.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, zeta

from protocol.ledger import Floats

LEAST_IN_TAIL = 50  # values: with fewer almost nothing would be refused
CANDIDATES = 25  # beginnings of the tail that are tried
REFUSED = 0.1  # p
EXPONENTS = np.arange(1.01, 6.0, 0.01)  # that whole numbers are fitted with


class Tail(NamedTuple):
    """A fitted tail: density or mass as x ** -exponent from `least` on. nan and 0 where there were too few to fit."""

    exponent: float
    error: float  # standard, of the exponent
    least: float
    within: int  # values in the tail
    p: float  # of the power law
    ratio: float  # log likelihood over the exponential's, all values; above 0 for the power law
    ratio_p: float  # two-sided, of a ratio as far from 0

    @property
    def verdict(self) -> str:
        """In words."""
        if not self.within:
            return f"too few to say (fewer than {LEAST_IN_TAIL} in any tail)"
        if self.p < REFUSED:
            return "not a power law"
        if self.ratio_p < REFUSED:
            return "a power law is not refused" if self.ratio > 0 else "an exponential fits better"
        return "a power law is not refused, nor is an exponential"


@dataclass(frozen=True)
class Continuous:
    """Values above 0, such as durations."""

    def fit(self, tail: Floats, least: float) -> float:
        """Hill (1975)."""
        total = float(np.log(tail / least).sum())
        return 1.0 + len(tail) / total if total > 0 else math.nan

    def above(self, x: Floats, exponent: float, least: float) -> Floats:
        """Share of the tail at x and beyond."""
        found: Floats = (x / least) ** (1.0 - exponent)
        return found

    def log(self, x: Floats, exponent: float, least: float) -> Floats:
        """Log density."""
        found: Floats = math.log((exponent - 1.0) / least) - exponent * np.log(x / least)
        return found

    def draw(self, rng: np.random.Generator, count: int, exponent: float, least: float) -> Floats:
        """Values of the tail."""
        found: Floats = least * rng.random(count) ** (-1.0 / (exponent - 1.0))
        return found

    def log_exponential(self, x: Floats, least: float) -> Floats:
        """Log density of the exponential tail that fits best."""
        mean = float((x - least).mean())
        found: Floats = -math.log(mean) - (x - least) / mean
        return found


@dataclass(frozen=True)
class Whole:
    """Whole numbers from 1 on, such as sizes."""

    def fit(self, tail: Floats, least: float) -> float:
        """By likelihood, to a hundredth."""
        value = -EXPONENTS * np.log(tail).sum() - len(tail) * np.log(zeta(EXPONENTS, least))
        return float(EXPONENTS[int(np.argmax(value))])

    def above(self, x: Floats, exponent: float, least: float) -> Floats:
        """Share of the tail at x and beyond."""
        found: Floats = zeta(exponent, x) / zeta(exponent, least)
        return found

    def log(self, x: Floats, exponent: float, least: float) -> Floats:
        """Log mass."""
        found: Floats = -exponent * np.log(x) - math.log(zeta(exponent, least))
        return found

    def draw(self, rng: np.random.Generator, count: int, exponent: float, least: float) -> Floats:
        """Values of the tail: exactly up to a thousand times its beginning, beyond by the continuous one."""
        table = self.above(least + np.arange(1.0, 1_001.0), exponent, least)
        left = rng.random(count)
        found = least + np.searchsorted(-table, -left, side="left").astype(float)
        far = left < table[-1]
        found[far] = np.floor((least + 999.5) * (left[far] / table[-1]) ** (-1.0 / (exponent - 1.0)) + 0.5)
        return found

    def log_exponential(self, x: Floats, least: float) -> Floats:
        """Log mass of the geometric tail that fits best."""
        mean = float((x - least).mean())
        stay = mean / (1.0 + mean)
        found: Floats = math.log1p(-stay) + (x - least) * math.log(stay)
        return found


Kind = Continuous | Whole


def tail(values: Floats, kind: Kind, resamples: int = 100) -> Tail:
    """Fit and test. `resamples`: a standard error of p of 0.05 with 100, 0.01 with 2,500. Values of 0 are left out."""
    values = np.sort(np.asarray(values, float)[np.asarray(values) > 0])
    fitted = _fit(values, kind)
    if fitted is None:
        return Tail(math.nan, math.nan, math.nan, 0, math.nan, math.nan, math.nan)
    exponent, least, distance = fitted
    body, mine = values[values < least], values[values >= least]
    rng, worse = np.random.default_rng(0), 0
    for _ in range(resamples):
        inside = int(rng.binomial(len(values), len(mine) / len(values)))
        low = rng.choice(body, len(values) - inside) if len(body) else body
        sample = np.sort(np.concatenate((low, kind.draw(rng, inside if len(body) else len(values), exponent, least))))
        again = _fit(sample, kind)
        worse += again is not None and again[2] >= distance
    gain = kind.log(mine, exponent, least) - kind.log_exponential(mine, least)
    spread = float(np.std(gain)) * math.sqrt(len(gain))
    ratio_p = 2.0 * float(ndtr(-abs(float(gain.sum())) / spread)) if spread > 0 else math.nan
    error = (exponent - 1.0) / math.sqrt(len(mine))
    return Tail(exponent, error, least, len(mine), worse / resamples, float(gain.sum()), ratio_p)


def _fit(values: Floats, kind: Kind) -> tuple[float, float, float] | None:
    """(exponent, least, distance) of the nearest tail of sorted values; None where no tail has enough of them in it."""
    if len(values) < LEAST_IN_TAIL or values[0] == values[-1]:
        return None
    starts = np.unique(values[: len(values) - LEAST_IN_TAIL + 1])
    starts = starts[starts < values[-1]]
    if len(starts) > CANDIDATES:
        starts = starts[np.linspace(0, len(starts) - 1, CANDIDATES).astype(int)]
    best: tuple[float, float, float] | None = None
    for least in starts.tolist():
        mine = values[np.searchsorted(values, least) :]
        exponent = kind.fit(mine, least)
        different, first = np.unique(mine, return_index=True)
        at_least = 1.0 - first / len(mine)
        modelled = kind.above(different, exponent, least)
        distance = float(np.max(np.abs(at_least - modelled)))
        if best is None or distance < best[2]:
            best = (exponent, least, distance)
    return best
