"""Nature: the fair price of every asset, on nature's own grid, before anybody trades.

A path is a function of the parameters and the run's `Streams` alone: no player moves fair. Every asset rolls its own
dice, named `nature.<asset>.<process>`, so another asset moves nobody's path, and a longer path begins with the shorter
one. Rates and volatilities are annual (a year has 365 days); `drift` is the expected growth, so at zero every path is
a martingale.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.streams import Floats, Streams
from protocol.compiled import compiled, making

Correlation = float | tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Nature(ABC):
    """How fair moves. Annual numbers come one for each asset, or a single one for all."""

    assets: tuple[str, ...] = ("ETH",)
    start: tuple[float, ...] = (2000.0,)  # cash per unit, one an asset
    tick: float = 1.0  # seconds

    def __post_init__(self) -> None:
        self._check_grid()
        self._check_start()

    def _check_grid(self) -> None:
        plain = bool(self.assets) and all(name and "." not in name for name in self.assets)
        check(plain, "assets", self.assets, "one name or more, none empty and none with a dot")
        check(len(set(self.assets)) == len(self.assets), "assets", self.assets, "without repetition")
        check(0 < self.tick < math.inf, "tick", self.tick, "a positive number of seconds")

    def _check_start(self) -> None:
        one_each = len(self.start) == len(self.assets) and all(0 < x < math.inf for x in self.start)
        check(one_each, "start", self.start, f"{len(self.assets)} positive prices, one an asset")

    @abstractmethod
    def path(self, streams: Streams, ticks: int) -> Floats:
        """Fair in cash per unit, float64 [ticks + 1, assets]; row 0 is `start`."""


def check(allowed: bool, field: str, value: object, rule: str) -> None:
    """Refuse a parameter, saying what would be allowed."""
    if not allowed:
        raise ValueError(f"{field}={value!r}: must be {rule}")


def check_each(field: str, values: Sequence[float], assets: Sequence[str], low: float, high: float) -> None:
    """Refuse all but one number for every asset, or a single one for all, from `low` up to but without `high`."""
    counted = len(values) in (1, len(assets))
    check(counted, field, values, f"one number for all assets or {len(assets)}, one each")
    check(all(low <= x < high for x in values), field, values, f"from {low} up to but without {high}")


def each(values: Sequence[float], assets: Sequence[str]) -> Floats:
    """One number an asset; float64 [assets]."""
    return np.broadcast_to(np.array(values, dtype=np.float64), (len(assets),))


def factor(correlation: Correlation, assets: Sequence[str]) -> Floats:
    """The lower Cholesky factor of a correlation (rows of a matrix, or one number for every pair); [assets, assets]."""
    n = len(assets)
    if isinstance(correlation, tuple):
        square = len(correlation) == n and all(len(row) == n for row in correlation)
        check(square, "correlation", correlation, f"one number, or {n} rows of {n}")
        matrix = np.array(correlation, dtype=np.float64)
    else:
        matrix = np.full((n, n), float(correlation))
        np.fill_diagonal(matrix, 1.0)
    proper = bool((np.diag(matrix) == 1.0).all() and (matrix == matrix.T).all())
    check(proper, "correlation", correlation, "symmetric, with ones on its diagonal")
    check(bool(np.linalg.eigvalsh(matrix)[0] > 1e-12), "correlation", correlation, "positive definite")
    return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)


def shocks(streams: Streams, assets: Sequence[str], correlation: Correlation, ticks: int) -> Floats:
    """Correlated standard normals from the assets' `diffusion` streams; float64 [ticks, assets].

    The factor is lower triangular, so an asset's shocks depend on its own dice and on those of the assets before it.
    """
    own = np.empty((ticks, len(assets)))
    for i, asset in enumerate(assets):
        own[:, i] = streams.normals(f"nature.{asset}.diffusion", ticks, 1)[:, 0]
    return _mix(factor(correlation, assets), own)


@making
def _mix(lower: Floats, own: Floats) -> Floats:
    mixed = np.empty_like(own)  # a plain loop: a product by BLAS may round differently for another number of ticks
    for t in range(own.shape[0]):
        for i in range(own.shape[1]):
            total = 0.0
            for j in range(i + 1):
                total += lower[i, j] * own[t, j]
            mixed[t, i] = total
    return mixed


@making
def compound(start: Floats, returns: Floats) -> Floats:
    """Prices from log returns [ticks, assets]; float64 [ticks + 1, assets], row 0 exactly `start`."""
    ticks, assets = returns.shape
    path = np.empty((ticks + 1, assets))
    for i in range(assets):
        path[0, i] = start[i]
        grown = 0.0
        for t in range(ticks):
            grown += returns[t, i]
            path[t + 1, i] = start[i] * math.exp(grown)
    return path


@compiled
def poisson(mean: float, u: float) -> int:
    """The Poisson count at quantile `u` in (0, 1), by inversion (Devroye 1986, X.3.3)."""
    k, mass = 0, math.exp(-mean)
    below = mass
    while u > below and (k < mean or mass > 1e-17):
        k += 1
        mass *= mean / k
        below += mass
    return k
