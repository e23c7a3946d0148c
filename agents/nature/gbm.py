"""Geometric Brownian motion: constant volatility, no memory, no jumps; the yardstick for the others.

Exact on any grid: log returns over a tick of dt years are normal with mean (drift - volatility^2 / 2) dt and variance
volatility^2 dt (Black and Scholes 1973, Samuelson 1965), correlated between assets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.nature.base import Correlation, Nature, check_each, compound, each, factor, shocks
from agents.streams import Floats, Streams
from protocol.units import SECONDS_PER_YEAR


@dataclass(frozen=True)
class GeometricBrownian(Nature):
    """Fair diffuses."""

    volatility: tuple[float, ...] = (0.7,)  # annual, of log fair
    drift: tuple[float, ...] = (0.0,)  # annual expected growth of fair
    correlation: Correlation = 0.0  # of the assets' log returns: one number for every pair, or rows of a matrix

    def __post_init__(self) -> None:
        super().__post_init__()
        check_each("volatility", self.volatility, self.assets, 0.0, math.inf)
        check_each("drift", self.drift, self.assets, -math.inf, math.inf)
        factor(self.correlation, self.assets)

    def path(self, streams: Streams, ticks: int) -> Floats:
        years = self.tick / SECONDS_PER_YEAR
        volatility, drift = each(self.volatility, self.assets), each(self.drift, self.assets)

        normal = shocks(streams, self.assets, self.correlation, ticks)
        returns = (drift - 0.5 * volatility**2) * years + volatility * math.sqrt(years) * normal
        return compound(np.array(self.start), returns)
