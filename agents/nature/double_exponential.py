"""Kou's double-exponential jump diffusion: Brownian motion with jumps whose tails are those of an exponential, on either side.

After Kou 2002, "A jump-diffusion model for option pricing", Management Science 48, 1086-1101. A jump in log fair is upwards with
probability `up`, of mean `mean_up`, else downwards, of mean `mean_down`; arrivals are Poisson, each asset's own. The drift is
compensated for the jumps. What lies beyond any threshold is exponential again, which gives jump models closed forms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.nature.base import Correlation, Nature, check, check_each, compound, each, factor, poisson, shocks
from agents.streams import Floats, Streams, splitmix64, uniform_of
from protocol.compiled import making
from protocol.units import SECONDS_PER_YEAR

MOST = 4.0  # jumps a tick on average: beyond it, ticks are too long to speak of jumps


@dataclass(frozen=True)
class DoubleExponential(Nature):
    """Fair diffuses and, now and then, jumps, mostly a little and seldom far."""

    volatility: tuple[float, ...] = (0.6,)  # annual, of the diffusion alone
    drift: tuple[float, ...] = (0.0,)  # annual expected growth of fair, jumps included
    correlation: Correlation = 0.0  # of the diffusions: one number for every pair, or rows of a matrix
    intensity: tuple[float, ...] = (100.0,)  # jumps per year
    up: float = 0.4  # chance that a jump is upwards
    mean_up: float = 0.01  # of a jump upwards, in log fair
    mean_down: float = 0.02  # of a jump downwards, in log fair

    def __post_init__(self) -> None:
        super().__post_init__()
        check_each("volatility", self.volatility, self.assets, 0.0, math.inf)
        check_each("drift", self.drift, self.assets, -math.inf, math.inf)
        factor(self.correlation, self.assets)
        check_each("intensity", self.intensity, self.assets, 0.0, math.inf)
        rate = max(self.intensity) * self.tick / SECONDS_PER_YEAR
        check(rate <= MOST, "intensity", self.intensity, f"at most {MOST:g} jumps a tick")
        check(0 <= self.up <= 1, "up", self.up, "0 to 1")
        check(0 <= self.mean_up < 1, "mean_up", self.mean_up, "from 0 up to but without 1, or fair has no mean")
        check(0 <= self.mean_down < math.inf, "mean_down", self.mean_down, "0 or more")

    def path(self, streams: Streams, ticks: int) -> Floats:
        years = self.tick / SECONDS_PER_YEAR
        volatility, drift = each(self.volatility, self.assets), each(self.drift, self.assets)
        intensity = each(self.intensity, self.assets)
        growth = (
            self.up / (1.0 - self.mean_up) + (1.0 - self.up) / (1.0 + self.mean_down) - 1.0
        )  # expected, by one jump

        steady = (drift - 0.5 * volatility**2 - intensity * growth) * years
        returns = steady + volatility * math.sqrt(years) * shocks(streams, self.assets, self.correlation, ticks)
        for i, asset in enumerate(self.assets):
            arrivals = streams.uniforms(f"nature.{asset}.arrivals", ticks, 1)[:, 0]
            key = streams.key(f"nature.{asset}.sizes")
            returns[:, i] += _jumps(intensity[i] * years, arrivals, key, self.up, self.mean_up, self.mean_down)
        return compound(np.array(self.start), returns)


@making
def _jumps(rate: float, arrivals: Floats, key: np.uint64, up: float, mean_up: float, mean_down: float) -> Floats:
    total = np.zeros(len(arrivals))  # log fair; `rate` in jumps a tick
    for t in range(len(arrivals)):
        for number in range(poisson(rate, arrivals[t])):
            u = uniform_of(splitmix64(key, t), number)
            if u < up:
                total[t] -= mean_up * math.log(u / up)
            else:
                total[t] += mean_down * math.log((u - up) / (1.0 - up))
    return total
