"""Hawkes jumps: every jump makes further jumps likelier, in its own asset and in the others.

After Hawkes 1971, Biometrika 58, 83-90, and, for assets that excite each other, Ait-Sahalia, Cacho-Diaz and Laeven
2015, J. Financial Economics 117, 585-606. The rate of jumps is `intensity` plus what past jumps added, which decays
with `half_life`; a jump sets off `branching` further jumps in its own asset and `contagion` in each other one, in
expectation and exactly so on the grid. The rate holds still within a tick, jumps land at its end, and the run starts
at the rate's long-run mean. These cascades are nature's, unlike those of the protocol: beware of counting them twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agents.nature.base import Correlation, Nature, check, check_each, compound, each, factor, poisson, shocks
from agents.streams import Floats, Streams
from protocol.compiled import making
from protocol.units import SECONDS_PER_YEAR


@dataclass(frozen=True)
class HawkesJumps(Nature):
    """Fair diffuses, and its jumps come in bursts."""

    volatility: tuple[float, ...] = (0.5,)  # annual, of the diffusion alone
    drift: tuple[float, ...] = (0.0,)  # annual expected growth of fair, jumps included
    correlation: Correlation = 0.0  # of the diffusions: one number for every pair, or rows of a matrix
    intensity: tuple[float, ...] = (100.0,)  # jumps per year that nothing set off
    branching: float = 0.6  # further jumps of the same asset set off by one jump
    contagion: float = 0.0  # further jumps of each other asset set off by one jump
    half_life: float = 600.0  # seconds, of the excitement
    jump_mean: float = -0.002  # of a jump in log fair
    jump_std: float = 0.01  # of a jump in log fair

    def __post_init__(self) -> None:
        super().__post_init__()
        check_each("volatility", self.volatility, self.assets, 0.0, math.inf)
        check_each("drift", self.drift, self.assets, -math.inf, math.inf)
        factor(self.correlation, self.assets)
        check_each("intensity", self.intensity, self.assets, 0.0, math.inf)
        check(self.branching >= 0, "branching", self.branching, "0 or more")
        check(self.contagion >= 0, "contagion", self.contagion, "0 or more")
        others = len(self.assets) - 1
        offspring = self.branching + others * self.contagion
        check(offspring < 1, f"branching + {others} * contagion", offspring, "below 1, or bursts never end")
        check(0 < self.half_life < math.inf, "half_life", self.half_life, "a positive number of seconds")
        check(math.isfinite(self.jump_mean), "jump_mean", self.jump_mean, "finite")
        check(0 <= self.jump_std < math.inf, "jump_std", self.jump_std, "0 or more")

    def rates(self) -> Floats:
        """Long-run jumps per year of each asset; float64 [assets]."""
        n = len(self.assets)
        offspring = np.full((n, n), self.contagion)
        np.fill_diagonal(offspring, self.branching)
        return np.asarray(np.linalg.solve(np.eye(n) - offspring, each(self.intensity, self.assets)))

    def path(self, streams: Streams, ticks: int) -> Floats:
        years = self.tick / SECONDS_PER_YEAR
        volatility, drift = each(self.volatility, self.assets), each(self.drift, self.assets)
        left = 0.5 ** (self.tick / self.half_life)

        steady = (drift - 0.5 * volatility**2) * years
        returns = steady + volatility * math.sqrt(years) * shocks(streams, self.assets, self.correlation, ticks)
        arrivals, sizes = np.empty_like(returns), np.empty_like(returns)
        for i, asset in enumerate(self.assets):
            arrivals[:, i] = streams.uniforms(f"nature.{asset}.arrivals", ticks, 1)[:, 0]
            sizes[:, i] = streams.normals(f"nature.{asset}.sizes", ticks, 1)[:, 0]
        burst = Burst(
            each(self.intensity, self.assets) * years,
            (self.rates() - each(self.intensity, self.assets)) * years,
            left,
            self.branching * (1.0 - left),
            self.contagion * (1.0 - left),
            self.jump_mean,
            self.jump_std,
        )
        _add_jumps(returns, arrivals, sizes, burst)
        return compound(np.array(self.start), returns)


class Burst(NamedTuple):
    """What the loop over ticks needs; rates are jumps a tick."""

    background: Floats  # [assets]
    excitement: Floats  # [assets], at the start
    left: float  # share of the excitement that is left after a tick
    own: float  # rate that a jump adds to its own asset
    other: float  # rate that a jump adds to each other asset
    mean: float  # of a jump in log fair
    std: float  # of a jump in log fair


@making
def _add_jumps(returns: Floats, arrivals: Floats, sizes: Floats, burst: Burst) -> None:
    ticks, assets = returns.shape
    growth = math.expm1(burst.mean + 0.5 * burst.std * burst.std)  # expected relative growth by one jump
    excitement = burst.excitement.copy()
    counts = np.zeros(assets)
    for t in range(ticks):
        total = 0.0
        for i in range(assets):
            rate = burst.background[i] + excitement[i]
            count = poisson(rate, arrivals[t, i])
            returns[t, i] += count * burst.mean + math.sqrt(count) * burst.std * sizes[t, i] - rate * growth
            counts[i] = count
            total += count
        for i in range(assets):
            added = burst.own * counts[i] + burst.other * (total - counts[i])
            excitement[i] = excitement[i] * burst.left + added
