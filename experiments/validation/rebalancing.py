"""Loss-versus-rebalancing: what an arbitrageur takes from constant-product pools that a random walk leaves behind (A1.1 to A1.3).

Pools of several fees stand side by side on one chain, each with an arbitrageur of its own that trades to the edge of the fee band
in every block, without gas; the reference is deep. What one gains in a block is what left its pool, valued at fair. For exponential
waits the closed form is exact but for the size of a step; for fixed ones it holds up to e^(-band / step). Nezlobin and Tassy write
the whole band, Milionis et al. half of it, which `half` is here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from agents.nature.gbm import GeometricBrownian
from experiments.scenario import Scenario
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured
from experiments.validation.stage import keen, played, staged, traded
from protocol.blocks.base import BlockLaw
from protocol.blocks.fixed import Fixed
from protocol.blocks.poisson import Poisson
from protocol.venues.constant_product import ConstantProduct

LOOSE = (0.15, 0.35)  # tolerances of the quick form, relative, of both numbers
SUBJECT = "Loss-versus-rebalancing"
NO_FEE = "Milionis, Moallemi, Roughgarden and Zhang 2022, arXiv:2208.06046"
FEES = "Milionis, Moallemi and Roughgarden 2023, arXiv:2305.14604"
FIXED = "Nezlobin and Tassy 2025, arXiv:2505.05113, the fee band taken whole"
BP, DAY = 1e-4, 86_400.0
VOLATILITY = 0.05 / math.sqrt(DAY)  # per root second: 5 % a day
OVERSHOOT = (
    0.5825971579390107  # -zeta(1/2) / sqrt(2 pi): mean square overshoot of a normal walk over twice the mean one
)


class Found(NamedTuple):
    """Of one pool: share of blocks with a trade, and what the arbitrageur took, as a share of the pool's value a second."""

    traded: float
    taken: float


@dataclass(frozen=True)
class Setting:
    """Pools under one law of block times. `fees`: half of the log band, bp, as in the paper's table; `ticks` a block.

    `quick` and `full`: seeds and blocks a seed.
    """

    name: str
    law: BlockLaw
    fees: tuple[float, ...]
    quick: tuple[int, int]
    full: tuple[int, int]
    ticks: int = 1

    def scenario(self, seed: int, blocks: int) -> Scenario:
        """One run. Fair's logarithm has no drift."""
        names = [f"fee-{fee:g}" for fee in self.fees]
        pools = [ConstantProduct(liquidity=1e9, fee=-math.expm1(-fee * BP)) for fee in self.fees]
        annual = VOLATILITY * math.sqrt(365.0 * DAY)
        nature = GeometricBrownian(volatility=(annual,), drift=(0.5 * annual**2,), tick=self.law.interval / self.ticks)
        markets = [traded(name, pool) for name, pool in zip(names, pools, strict=True)]
        return staged(markets, [keen(name) for name in names], nature, self.law, blocks, seed)


@cache
def measured(setting: Setting, seed: int, blocks: int) -> tuple[Found, ...]:
    """A pool each."""
    run = played(setting.scenario(seed, blocks), pools=True)
    found = []
    for pool, cash in run.cash.items():
        base = run.base[pool]
        worth = cash[:-1] + run.fair[1:] * base[:-1]
        found.append(Found(float((np.diff(base) != 0.0).mean()), -float((run.gains(pool) / worth).sum()) / run.time))
    return tuple(found)


def share_traded(setting: Setting, half: float) -> float:
    """Share of blocks with a trade, of a pool with the log band [-half, half]."""
    step = VOLATILITY * math.sqrt(setting.law.interval)
    if isinstance(setting.law, Poisson):
        return 1.0 / (1.0 + math.sqrt(2.0) * half / step)
    return math.sqrt(0.5) / (OVERSHOOT + half / step)


def share_taken(setting: Setting, half: float) -> float:
    """What is taken of the pool's value a second."""
    variance = VOLATILITY**2 * setting.law.interval
    if isinstance(setting.law, Poisson):
        share = share_traded(setting, half) * math.cosh(0.5 * half) / (1.0 - 0.125 * variance)
    else:
        share = 1.0 / (1.0 + half / (OVERSHOOT * math.sqrt(variance)))
    return 0.125 * VOLATILITY**2 * share


SETTINGS = (
    Setting("none", Fixed(1.0), (0.0,), (2, 2_000), (4, 100_000)),
    Setting("10min", Poisson(600.0), (1.0, 30.0, 100.0), (2, 2_000), (8, 15_000), 100),
    Setting("12s", Poisson(12.0), (1.0, 10.0, 30.0), (2, 2_000), (8, 30_000), 100),
    Setting("2s", Poisson(2.0), (1.0, 5.0), (2, 2_000), (8, 30_000), 100),
    Setting("50ms", Poisson(0.05), (1.0,), (2, 2_000), (8, 30_000), 100),
    Setting("fixed-12s", Fixed(12.0), (30.0,), (2, 2_000), (8, 30_000)),
)


def over_seeds(setting: Setting, pool: int, effort: Effort, what: int, scale: float) -> Measured:
    """Either number of one pool, times `scale`."""
    seeds, blocks = setting.quick if effort is Effort.QUICK else setting.full
    found = estimate([scale * measured(setting, seed, blocks)[pool][what] for seed in range(1, seeds + 1)])
    return Measured(found.mean, found.low, found.high, seeds)


def about(setting: Setting, pool: int) -> tuple[Claim, ...]:
    """The claims about one pool."""
    fee, runs = setting.fees[pool], f"A1-{setting.name}"
    half, day = fee * BP, DAY / BP
    published = share_taken(setting, half) * day

    def take(effort: Effort) -> Measured:
        return over_seeds(setting, pool, effort, 1, day)

    def trade(effort: Effort) -> Measured:
        return over_seeds(setting, pool, effort, 0, 100.0)

    if fee == 0.0:
        what = "taken without a fee, a block a second, bp of the pool a day"
        return (Claim("A1.1-no-fee", what, NO_FEE, 3.125, 0.02 * 3.125, take, 0.1 * 3.125, runs=runs),)
    poisson = isinstance(setting.law, Poisson)
    number, source = ("A1.2", FEES) if poisson else ("A1.3", FIXED)
    where = f"{fee:g} bp, {'Poisson' if poisson else 'fixed'} blocks of {setting.law.interval:g} s"
    share = 100.0 * share_traded(setting, half)
    name = f"{setting.name}-{fee:g}bp"
    return (
        Claim(
            f"{number}-{name}-P",
            f"blocks with a trade, %: {where}",
            source,
            share,
            0.02 * share,
            trade,
            LOOSE[0] * share,
            runs=runs,
        ),
        Claim(
            f"{number}-{name}-ARB",
            f"taken, bp of the pool a day: {where}",
            source,
            published,
            0.03 * published,
            take,
            LOOSE[1] * published,
            runs=runs,
        ),
    )


def claims() -> tuple[Claim, ...]:
    """Nine cells of the paper's table, from 96.7 to 12.2 % of blocks; the case without a fee; one with fixed block times."""
    return tuple(claim for one in SETTINGS for pool in range(len(one.fees)) for claim in about(one, pool))
