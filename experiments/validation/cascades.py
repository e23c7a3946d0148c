"""Estimator checks: branching ratio, families and tails are recovered where chance alone made them, and no game (A6).

What is measured is what measures. `cascade` draws families from the law and gives each liquidation the parents that one who knows
the law would give it; that their mean is 1 / (1 - n) is then no result. Theory is met in the game in `cascades_played`. Of jumps of
the game's own nature (`agents/nature/hawkes.py`) the rate and the variance are held against the law that it says it follows.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import gammaln

from agents.nature.hawkes import HawkesJumps
from agents.streams import Streams
from experiments.cascades.tails import Whole, tail
from experiments.cascades.trees import branching, clusters
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured, own_seeds
from experiments.validation.controlled import borel, cascade
from protocol.ledger import Floats
from protocol.units import SECONDS_PER_YEAR

SUBJECT = "Estimator checks: branching, families and tails that are drawn, not played"
HAWKES = "Hawkes 1971, declustered after Zhuang, Ogata and Vere-Jones 2002"
BOREL = "Borel 1942, Otter 1949"
RATIO = 0.6
EFFORTS = {Effort.QUICK: (3, 300), Effort.FULL: (400, 500)}  # seeds, families a seed
LONGEST = 1_000_000  # liquidations: larger families are drawn from the limiting law
BURSTS = HawkesJumps(
    volatility=(0.0,),
    intensity=(0.02 * SECONDS_PER_YEAR,),
    branching=RATIO,
    half_life=30.0,
    jump_mean=-0.002,
    jump_std=0.0,
    tick=0.2,
)  # the nature that a user takes, of jumps alone, all alike
WINDOW, WINDOWS = 10_000.0, {Effort.QUICK: 30, Effort.FULL: 60}  # seconds: beside them a burst is short; windows a seed


@cache
def measured(seed: int, families: int) -> tuple[float, Floats]:
    """Branching ratio and sizes of families of one controlled cascade."""
    run = cascade(RATIO, families, seed)
    return branching([run]).ratio, np.array([one.size for one in clusters(run)], float)


def over_seeds(effort: Effort, size: int) -> Measured:
    """The ratio (size -1), the mean size (0), or the share of families of a size."""
    seeds, families = EFFORTS[effort]
    values = []
    for seed in range(1, seeds + 1):
        ratio, sizes = measured(seed, families)
        values.append(ratio if size < 0 else float(sizes.mean()) if size == 0 else float((sizes == size).mean()))
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, seeds)


def critical(effort: Effort) -> Measured:
    """Exponent of the fitted tail of families at ratio 1."""
    k = np.arange(1.0, LONGEST)
    law = np.cumsum(np.exp(-k + (k - 1) * np.log(k) - gammaln(k + 1)))
    seeds, families = EFFORTS[effort]
    values = []
    for seed in range(1, seeds + 1):
        dice = np.random.default_rng(seed).random(10 * families)
        sizes = np.searchsorted(law, dice) + 1.0
        far = dice > law[-1]
        sizes[far] = np.floor(LONGEST * ((1.0 - law[-1]) / (1.0 - dice[far])) ** 2)
        values.append(tail(np.asarray(sizes, np.float64), Whole(), resamples=1).exponent)
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, seeds)


@cache
def jumped(seed: int, windows: int) -> Floats:
    """Jumps of that nature in each window; [windows]. What a log return is beyond a whole number of jumps is drift."""
    ticks = round(WINDOW / BURSTS.tick) * windows
    returns = np.diff(np.log(BURSTS.path(Streams(seed), ticks)[:, 0]))
    return np.asarray(np.rint(returns / BURSTS.jump_mean)[:ticks].reshape(windows, -1).sum(axis=1))


def bursts(effort: Effort, what: str) -> Measured:
    """Jumps over those that nothing set off, or the variance of a window's over their mean."""
    seeds, _ = EFFORTS[effort]
    counts = [jumped(seed, WINDOWS[effort]) for seed in own_seeds("A6-hawkes", seeds)]
    alone = BURSTS.intensity[0] / SECONDS_PER_YEAR * WINDOW
    mean = float(np.mean(counts))
    values = [one.mean() / alone if what == "rate" else ((one - mean) ** 2).mean() / mean for one in counts]
    found = estimate([float(value) for value in values])
    return Measured(found.mean, found.low, found.high, seeds)


def share_of(size: int) -> Claim:
    """The claim about one size."""
    return Claim(
        f"A6-branching-borel-{size}",
        f"estimator: share of families of {size}, drawn at branching ratio {RATIO}",
        BOREL,
        borel(size, RATIO),
        0.01,
        lambda effort: over_seeds(effort, size),
        0.05,
    )


def claims() -> tuple[Claim, ...]:
    """Chance is in all of them."""
    return (
        Claim(
            "A6-branching-ratio",
            f"estimator: branching ratio of liquidations that are drawn at ratio {RATIO}",
            HAWKES,
            RATIO,
            0.02,
            lambda effort: over_seeds(effort, -1),
            0.06,
        ),
        Claim(
            "A6-branching-mean",
            f"estimator: mean size 1 / (1 - n) of families that are drawn at ratio {RATIO}",
            BOREL,
            1.0 / (1.0 - RATIO),
            0.1,
            lambda effort: over_seeds(effort, 0),
            0.4,
        ),
        *(share_of(size) for size in (1, 2, 3)),
        Claim(
            "A6-hawkes-rate",
            f"jumps of nature over those that nothing set off, at ratio {RATIO}: 1 / (1 - n)",
            "Hawkes 1971",
            1.0 / (1.0 - RATIO),
            0.02 / (1.0 - RATIO),
            lambda effort: bursts(effort, "rate"),
            0.3 / (1.0 - RATIO),
            runs="A6-hawkes",
        ),
        Claim(
            "A6-hawkes-fano",
            f"variance of nature's jumps in {WINDOW:g} s over their mean, at ratio {RATIO}: 1 / (1 - n)^2",
            "Hawkes 1971",
            (1.0 - RATIO) ** -2,
            0.05 / (1.0 - RATIO) ** 2,
            lambda effort: bursts(effort, "fano"),
            0.4 / (1.0 - RATIO) ** 2,
            runs="A6-hawkes",
        ),
        Claim(
            "A6-branching-critical",
            "estimator: exponent of the tail of sizes that are drawn at ratio 1",
            BOREL,
            1.5,
            0.03,
            critical,
            0.06,
        ),
    )
