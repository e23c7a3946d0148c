"""Nature that goes where it is told: fair by straight lines of its logarithm between points in time, the same with every seed.

With a `volatility` the lines are Brownian bridges: it is at the points when it must be, and by chance everywhere between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.nature.base import Nature, check
from agents.streams import Floats, Streams
from protocol.units import SECONDS_PER_YEAR


@dataclass(frozen=True)
class Waypoints(Nature):
    """`points`: for each asset (seconds, cash coins per base coin), times rising; beyond the last it stands still.

    `start` must be the first points' prices; `volatility` annual, of each asset by itself. No variant of the family:
    it knows what happened, which belongs to replays alone.
    """

    points: tuple[tuple[tuple[float, float], ...], ...] = (((0.0, 2_000.0),),)
    volatility: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(len(self.points) == len(self.assets), "points", len(self.points), "one list an asset")
        check(0 <= self.volatility < math.inf, "volatility", self.volatility, "0 or more, annual")
        for asset, first, line in zip(self.assets, self.start, self.points, strict=True):
            rising = all(a[0] < b[0] for a, b in zip(line, line[1:], strict=False))
            check(bool(line) and rising, f"points of {asset}", line, "one or more, at rising times")
            check(line[0][1] == first, f"points of {asset}", line[0][1], f"{first}, the start")

    def path(self, streams: Streams, ticks: int) -> Floats:
        """Fair on the grid; shape [ticks + 1, assets]."""
        times = self.tick * np.arange(ticks + 1)
        columns = []
        for asset, line in zip(self.assets, self.points, strict=True):
            knots, prices = np.array(line).T
            logs = np.interp(times, knots, np.log(prices))
            if self.volatility and len(line) > 1:
                steps = streams.normals(f"nature.{asset}.bridge", ticks, 1)[:, 0]
                walk = np.append(0.0, np.cumsum(self.volatility * math.sqrt(self.tick / SECONDS_PER_YEAR) * steps))
                logs += np.where(times <= knots[-1], walk - np.interp(times, knots, np.interp(knots, times, walk)), 0.0)
            columns.append(np.exp(logs))
        return np.stack(columns, axis=1)


def still(**prices: float) -> Waypoints:
    """Prices that stand still, cash coins per base coin by asset."""
    lines = tuple(((0.0, price),) for price in prices.values())
    return Waypoints(assets=tuple(prices), start=tuple(prices.values()), points=lines)


def moving(**lines: tuple[tuple[float, float], ...]) -> Waypoints:
    """Prices by asset, from point to point."""
    return Waypoints(
        assets=tuple(lines), start=tuple(line[0][1] for line in lines.values()), points=tuple(lines.values())
    )
