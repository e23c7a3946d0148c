"""Loss-versus-rebalancing: what an arbitrageur takes from constant-product pools that a random walk leaves behind (A1.1 to A1.3).

A pool stands on a chain, and an arbitrageur trades to the edge of its fee band in every block, without gas; the reference is deep.
What he gains in a block is what left the pool, valued at fair. Each cell of the table is played on seeds of its own, so that nine
cells are nine tests. For exponential waits the closed form is exact but for the size of a step; for fixed ones it holds up to
e^(-band / step). Nezlobin and Tassy write the whole band, Milionis et al. half of it, which `half` is here.
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
from experiments.validation.base import Claim, Effort, Measured, own_seeds
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
QUICK = (3, 4_000)  # seeds, blocks
TICKS = 200  # of fair a mean Poisson block: in a quarter of a per cent of blocks it has not moved
OVERSHOOT = (
    0.5825971579390107  # -zeta(1/2) / sqrt(2 pi): mean square overshoot of a normal walk over twice the mean one
)


class Found(NamedTuple):
    """Of one pool: share of blocks with a trade, and what the arbitrageur took, as a share of the pool's value a second."""

    traded: float
    taken: float


@dataclass(frozen=True)
class Cell:
    """A pool under a law of block times. `fee`: half of the log band, bp, as in the paper's table; `ticks` of fair a block.

    `seeds` and `blocks` a seed, in full: as many as decide it, by the spread that fewer had shown.
    """

    name: str
    law: BlockLaw
    fee: float
    seeds: int
    blocks: int
    ticks: int = 1

    @property
    def id(self) -> str:
        """As the claims about it begin."""
        if self.fee == 0.0:
            return "A1.1-no-fee"
        return f"{'A1.2' if isinstance(self.law, Poisson) else 'A1.3'}-{self.name}-{self.fee:g}bp"

    def scenario(self, seed: int, blocks: int) -> Scenario:
        """One run. Fair's logarithm has no drift."""
        annual = VOLATILITY * math.sqrt(365.0 * DAY)
        nature = GeometricBrownian(volatility=(annual,), drift=(0.5 * annual**2,), tick=self.law.interval / self.ticks)
        pool = ConstantProduct(liquidity=1e9, fee=-math.expm1(-self.fee * BP))
        return staged((traded("pool", pool),), (keen("pool"),), nature, self.law, blocks, seed)

    def effort(self, effort: Effort) -> tuple[range, int]:
        """Seeds, and blocks a seed."""
        seeds, blocks = QUICK if effort is Effort.QUICK else (self.seeds, self.blocks)
        return own_seeds(self.id, seeds), blocks


@cache
def measured(cell: Cell, seed: int, blocks: int) -> Found:
    """One seed of a cell."""
    run = played(cell.scenario(seed, blocks), pools=True)
    cash, base = run.cash["pool"], run.base["pool"]
    worth = cash[:-1] + run.fair[1:] * base[:-1]
    return Found(float((np.diff(base) != 0.0).mean()), -float((run.gains("pool") / worth).sum()) / run.time)


def share_traded(cell: Cell, half: float) -> float:
    """Share of blocks with a trade, of a pool with the log band [-half, half]."""
    step = VOLATILITY * math.sqrt(cell.law.interval)
    if isinstance(cell.law, Poisson):
        return 1.0 / (1.0 + math.sqrt(2.0) * half / step)
    return math.sqrt(0.5) / (OVERSHOOT + half / step)


def share_taken(cell: Cell, half: float) -> float:
    """What is taken of the pool's value a second."""
    variance = VOLATILITY**2 * cell.law.interval
    if isinstance(cell.law, Poisson):
        share = share_traded(cell, half) * math.cosh(0.5 * half) / (1.0 - 0.125 * variance)
    else:
        share = 1.0 / (1.0 + half / (OVERSHOOT * math.sqrt(variance)))
    return 0.125 * VOLATILITY**2 * share


CELLS = (
    Cell("none", Fixed(1.0), 0.0, 4, 100_000),
    Cell("10min", Poisson(600.0), 1.0, 8, 15_000, TICKS),
    Cell("10min", Poisson(600.0), 30.0, 24, 15_000, TICKS),
    Cell("10min", Poisson(600.0), 100.0, 60, 15_000, TICKS),
    Cell("12s", Poisson(12.0), 1.0, 8, 30_000, TICKS),
    Cell("12s", Poisson(12.0), 10.0, 16, 30_000, TICKS),
    Cell("12s", Poisson(12.0), 30.0, 48, 30_000, TICKS),
    Cell("2s", Poisson(2.0), 1.0, 16, 30_000, TICKS),
    Cell("2s", Poisson(2.0), 5.0, 24, 30_000, TICKS),
    Cell("50ms", Poisson(0.05), 1.0, 32, 30_000, TICKS),
    Cell("fixed-12s", Fixed(12.0), 30.0, 80, 30_000),
)


def over_seeds(cell: Cell, effort: Effort, number: str, scale: float) -> Measured:
    """Either number of a cell, times `scale`."""
    seeds, blocks = cell.effort(effort)
    found = estimate([scale * float(getattr(measured(cell, seed, blocks), number)) for seed in seeds])
    return Measured(found.mean, found.low, found.high, len(seeds))


def about(cell: Cell) -> tuple[Claim, ...]:
    """The claims about one cell."""
    half, day = cell.fee * BP, DAY / BP
    published = share_taken(cell, half) * day

    def take(effort: Effort) -> Measured:
        return over_seeds(cell, effort, "taken", day)

    def trade(effort: Effort) -> Measured:
        return over_seeds(cell, effort, "traded", 100.0)

    if cell.fee == 0.0:
        what = "taken without a fee, a block a second, bp of the pool a day"
        return (Claim(cell.id, what, NO_FEE, 3.125, 0.02 * 3.125, take, 0.1 * 3.125),)
    poisson = isinstance(cell.law, Poisson)
    source = FEES if poisson else FIXED
    where = f"{cell.fee:g} bp, {'Poisson' if poisson else 'fixed'} blocks of {cell.law.interval:g} s"
    share = 100.0 * share_traded(cell, half)
    return (
        Claim(
            f"{cell.id}-P",
            f"blocks with a trade, %: {where}",
            source,
            share,
            0.02 * share,
            trade,
            LOOSE[0] * share,
            runs=cell.id,
        ),
        Claim(
            f"{cell.id}-ARB",
            f"taken, bp of the pool a day: {where}",
            source,
            published,
            0.03 * published,
            take,
            LOOSE[1] * published,
            runs=cell.id,
        ),
    )


def claims() -> tuple[Claim, ...]:
    """Nine cells of the paper's table, from 96.7 to 12.2 % of blocks; the case without a fee; one with fixed block times."""
    return tuple(claim for cell in CELLS for claim in about(cell))
