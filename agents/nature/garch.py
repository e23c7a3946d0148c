"""GJR-GARCH(1,1): volatility that clusters, and rises more after falls than after rises.

After Glosten, Jagannathan and Runkle 1993, J. Finance 48, 1779-1801. With z a standard normal and h the variance of
one tick, the log return is sqrt(h) z and the next h is omega + (alpha + gamma [z < 0]) h z^2 + beta h. `alpha`,
`gamma` and `beta` are those of daily returns, as the literature prints them, and are carried to a tick of d days by
the diffusion limit (Nelson 1990, J. Econometrics 45, 7-38): persistence p = alpha + gamma/2 + beta becomes p^d, alpha
and gamma scale with sqrt(d), and beta is what remains. So the half-life of a variance shock, ln 2 / -ln p days, and
the volatility of variance are the same on every grid, and a tick of one day is the daily model itself. The run starts
at the long-run variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.nature.base import Correlation, Nature, check, check_each, compound, each, factor, shocks
from agents.streams import Floats, Streams
from protocol.compiled import making
from protocol.units import SECONDS_PER_DAY, SECONDS_PER_YEAR


@dataclass(frozen=True)
class Garch(Nature):
    """Fair diffuses with a volatility that remembers."""

    volatility: tuple[float, ...] = (0.7,)  # annual, of log fair, in the long run
    drift: tuple[float, ...] = (0.0,)  # annual expected growth of fair
    correlation: Correlation = 0.0  # of the standardised shocks: one number for every pair, or rows of a matrix
    alpha: float = 0.08  # per day: weight of yesterday's squared return
    gamma: float = 0.04  # per day: the same, further, after a fall
    beta: float = 0.88  # per day: weight of yesterday's variance

    def __post_init__(self) -> None:
        super().__post_init__()
        check_each("volatility", self.volatility, self.assets, 0.0, math.inf)
        check_each("drift", self.drift, self.assets, -math.inf, math.inf)
        factor(self.correlation, self.assets)
        for field in ("alpha", "gamma", "beta"):
            check(getattr(self, field) >= 0, field, getattr(self, field), "0 or more")
        check(0 < self.persistence < 1, "alpha + gamma/2 + beta", self.persistence, "above 0 and below 1")
        beta = self.weights()[2]
        check(beta >= 0, "tick", self.tick, f"shorter: beta over one tick would be {beta:.3g}")

    @property
    def persistence(self) -> float:
        """Share of a variance shock that is left after a day, in expectation."""
        return self.alpha + 0.5 * self.gamma + self.beta

    def weights(self) -> tuple[float, float, float]:
        """Alpha, gamma and beta of one tick."""
        days = self.tick / SECONDS_PER_DAY
        alpha, gamma = self.alpha * math.sqrt(days), self.gamma * math.sqrt(days)
        return alpha, gamma, self.persistence**days - alpha - 0.5 * gamma

    def path(self, streams: Streams, ticks: int) -> Floats:
        years = self.tick / SECONDS_PER_YEAR
        variance = each(self.volatility, self.assets) ** 2 * years
        drift = each(self.drift, self.assets) * years

        normal = shocks(streams, self.assets, self.correlation, ticks)
        return compound(np.array(self.start), _returns(normal, drift, variance, self.weights()))


@making
def _returns(normal: Floats, drift: Floats, long_run: Floats, weights: tuple[float, float, float]) -> Floats:
    alpha, gamma, beta = weights
    pull = 1.0 - alpha - 0.5 * gamma - beta
    returns = np.empty_like(normal)
    for i in range(normal.shape[1]):
        variance = long_run[i]
        for t in range(normal.shape[0]):
            z = normal[t, i]
            returns[t, i] = drift[i] - 0.5 * variance + math.sqrt(variance) * z
            arch = alpha + gamma if z < 0.0 else alpha
            variance = pull * long_run[i] + (arch * z * z + beta) * variance
    return returns
