"""Merton's jump diffusion: Brownian motion with sudden moves that arrive without memory.

After Merton 1976, "Option pricing when underlying stock returns are discontinuous", J. Financial Economics 3, 125-144.
Jumps in log fair are normal and Poisson in number. Each asset has its own arrivals, and `common` arrivals hit every
asset at once, each with its own size. The drift is compensated for the jumps. Annual variance of log fair is
volatility^2 + (intensity + common) (jump_mean^2 + jump_std^2); arrivals within a tick land at its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.nature.base import Correlation, Nature, check, check_each, compound, each, factor, poisson, shocks
from agents.streams import Floats, Streams
from protocol.compiled import making
from protocol.units import SECONDS_PER_YEAR


@dataclass(frozen=True)
class JumpDiffusion(Nature):
    """Fair diffuses and, now and then, jumps."""

    volatility: tuple[float, ...] = (0.6,)  # annual, of the diffusion alone
    drift: tuple[float, ...] = (0.0,)  # annual expected growth of fair, jumps included
    correlation: Correlation = 0.0  # of the diffusions: one number for every pair, or rows of a matrix
    intensity: tuple[float, ...] = (100.0,)  # jumps per year of one asset alone
    common: float = 0.0  # jumps per year that hit every asset in the same tick
    jump_mean: float = -0.01  # of a jump in log fair
    jump_std: float = 0.03  # of a jump in log fair

    def __post_init__(self) -> None:
        super().__post_init__()
        check_each("volatility", self.volatility, self.assets, 0.0, math.inf)
        check_each("drift", self.drift, self.assets, -math.inf, math.inf)
        factor(self.correlation, self.assets)
        check_each("intensity", self.intensity, self.assets, 0.0, math.inf)
        check(0 <= self.common < math.inf, "common", self.common, "0 or more jumps per year")
        check(math.isfinite(self.jump_mean), "jump_mean", self.jump_mean, "finite")
        check(0 <= self.jump_std < math.inf, "jump_std", self.jump_std, "0 or more")

    def path(self, streams: Streams, ticks: int) -> Floats:
        years = self.tick / SECONDS_PER_YEAR
        volatility, drift = each(self.volatility, self.assets), each(self.drift, self.assets)
        intensity = each(self.intensity, self.assets)
        growth = math.expm1(self.jump_mean + 0.5 * self.jump_std**2)  # expected relative growth by one jump

        steady = (drift - 0.5 * volatility**2 - (intensity + self.common) * growth) * years
        returns = steady + volatility * math.sqrt(years) * shocks(streams, self.assets, self.correlation, ticks)
        together = streams.uniforms("nature.common", ticks, 1)[:, 0]
        for i, asset in enumerate(self.assets):
            alone = streams.uniforms(f"nature.{asset}.arrivals", ticks, 1)[:, 0]
            size = streams.normals(f"nature.{asset}.sizes", ticks, 1)[:, 0]
            rates = (intensity[i] * years, self.common * years)
            returns[:, i] += _jumps(rates, (alone, together), size, self.jump_mean, self.jump_std)
        return compound(np.array(self.start), returns)


@making
def _jumps(
    rates: tuple[float, float], uniforms: tuple[Floats, Floats], size: Floats, mean: float, std: float
) -> Floats:
    total = np.zeros(len(size))  # log fair; rates are jumps a tick
    for t in range(len(size)):
        count = poisson(rates[0], uniforms[0][t]) + poisson(rates[1], uniforms[1][t])
        if count > 0:
            total[t] = count * mean + math.sqrt(count) * std * size[t]
    return total
