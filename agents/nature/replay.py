"""Replay: a recorded history as fair, its bars filled in tick by tick.

A bar of n ticks has its open on its first tick, its close on its last, its high and its low at random ticks between,
all four exactly as recorded, and Brownian bridges from one to the next that never leave the bar. A crash that was
itself a cascade is in the record already: what a protocol adds on top is counted twice. One file an asset, all on the
same bars; within a bar the assets move independently.

The bridges have the variance that Garman and Klass (1980, J. Business 53, 67-78) estimate from a bar's four prices,
and are folded back at its low and high, which keeps the size of a step. The times are picked from a few random pairs
by their likelihood under that variance, so that a bar's whole range is not crossed within a tick. Realised variance is
then 0.95 to 0.98 of the estimate at 75 ticks a bar and more (15-minute ether of October 2025, hourly bitcoin of
November 2022), and 0.95 of the truth at 900 ticks on bars made from Brownian motion. Few ticks must still visit all
four prices and so move too much: 1.4 times the truth at 10 ticks a bar, 3.4 times at 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.nature.base import Nature, check
from agents.nature.klines import Bars, load, moment
from agents.streams import Floats, Streams, normal_at, uniform_at
from protocol.compiled import compiled, making

_PAIRS = 16  # pairs of times of high and low to pick from


@dataclass(frozen=True)
class Replay(Nature):
    """Fair follows recorded bars."""

    start: tuple[float, ...] = ()  # cash per unit, one an asset, to which the record is scaled; empty: as recorded
    files: tuple[str, ...] = ()  # klines, CSV or Parquet, one an asset
    begin: int | str = 0  # the first bar: its index, or the ISO time at which it opens

    def __post_init__(self) -> None:
        self._check_grid()
        if self.start:
            self._check_start()
        check(len(self.files) in (0, len(self.assets)), "files", self.files, f"{len(self.assets)}, one an asset")
        if isinstance(self.begin, str):
            moment(self.begin)
        else:
            check(self.begin >= 0, "begin", self.begin, "the index of a bar, 0 or more, or an ISO time")

    def path(self, streams: Streams, ticks: int) -> Floats:
        if not self.files:
            raise ValueError("files=(): name a klines file for each asset to replay it")
        recorded = [load(file) for file in self.files]
        begins = [bars.index(self.begin) for bars in recorded]
        first, n = recorded[0], self._ticks_a_bar(recorded[0])
        needed = math.ceil((ticks + 1) / n)
        path = np.empty((ticks + 1, len(self.assets)))
        for i, (asset, bars, begin) in enumerate(zip(self.assets, recorded, begins, strict=True)):
            if bars.length != first.length or bars.opened[begin] != first.opened[begins[0]]:
                raise ValueError(f"{bars.file}: its bars do not open when those of {first.file} do")
            used = bars.prices[begin : begin + needed]
            if len(used) < needed:
                most = len(used) * n - 1
                raise ValueError(f"{bars.file}: {most} ticks of {self.tick:g} s are left at begin, not {ticks}")
            times, noise = streams.key(f"nature.{asset}.times"), streams.key(f"nature.{asset}.bridge")
            path[:, i] = _fill(np.ascontiguousarray(used), n, times, noise)[: ticks + 1]
        return path * (np.array(self.start) / path[0]) if self.start else path

    def _ticks_a_bar(self, bars: Bars) -> int:
        n = round(bars.length / self.tick)
        if n < 4 or abs(n * self.tick - bars.length) > 1e-9 * bars.length:
            rule = f"{bars.file} has bars of {bars.length:g} s, which must be a whole number of ticks, 4 or more"
            raise ValueError(f"tick={self.tick}: {rule}")
        return n


@making
def _fill(bars: Floats, n: int, times: np.uint64, noise: np.uint64) -> Floats:
    path = np.empty(len(bars) * n)
    for b in range(len(bars)):
        opening, high, low, closing = bars[b]
        variance = 0.5 * math.log(high / low) ** 2 - (2.0 * math.log(2.0) - 1.0) * math.log(closing / opening) ** 2
        step = max(variance, 0.0) / (n - 1)  # variance of a tick, by Garman and Klass

        at_high, at_low = _extremes(opening, high, low, closing, n, step, times, b)
        row = b * n
        path[row], path[row + n - 1] = opening, closing
        path[row + at_high], path[row + at_low] = high, low
        early, late = min(at_high, at_low), max(at_high, at_low)
        _bridge(path, row, row + early, low, high, step, noise)
        _bridge(path, row + early, row + late, low, high, step, noise)
        _bridge(path, row + late, row + n - 1, low, high, step, noise)
    return path


@compiled
def _extremes(
    opening: float, high: float, low: float, closing: float, n: int, step: float, times: np.uint64, bar: int
) -> tuple[int, int]:
    """Ticks of the high and of the low within the bar; an end of the bar where the open or the close is one of them."""
    at_high = 0 if opening == high else n - 1 if closing == high else -1
    at_low = 0 if opening == low else n - 1 if closing == low else -1
    if (at_high >= 0 and at_low >= 0) or high == low:
        return at_high, at_low
    best, best_high, best_low = -math.inf, 0, 0
    for pair in range(_PAIRS):
        h, lo = at_high, at_low
        if h < 0:
            h = 1 + int(uniform_at(times, bar, 3 * pair) * (n - 2))
        if lo < 0:
            free = n - 2 if at_high >= 0 else n - 3
            lo = 1 + int(uniform_at(times, bar, 3 * pair + 1) * free)
            if at_high < 0 and lo >= h:
                lo += 1
        first, second = (high, low) if h < lo else (low, high)
        early, late = min(h, lo), max(h, lo)
        likelihood = (
            _passage(opening, first, early, step)
            + _passage(first, second, late - early, step)
            + _passage(second, closing, n - 1 - late, step)
        )
        # Gumbel's trick: the largest of log weight + Gumbel noise falls on each with probability as its weight
        noisy = likelihood - math.log(-math.log(uniform_at(times, bar, 3 * pair + 2)))
        if noisy > best:
            best, best_high, best_low = noisy, h, lo
    return best_high, best_low


@compiled
def _passage(start: float, end: float, ticks: int, step: float) -> float:
    """Log density, up to a constant, of first reaching `end` after so many ticks (Levy); 0 ticks are certain."""
    if ticks == 0:
        return 0.0
    distance = abs(math.log(end / start))
    return math.log(distance) - 1.5 * math.log(ticks) - distance * distance / (2.0 * step * ticks)


@compiled
def _bridge(path: Floats, left: int, right: int, low: float, high: float, step: float, noise: np.uint64) -> None:
    """Fill the rows strictly between two whose prices are set, within low and high."""
    floor, ceiling = math.log(low), math.log(high)
    here, there = math.log(path[left]), math.log(path[right])
    for row in range(left + 1, right):
        remaining = right - row + 1
        here += (there - here) / remaining
        here += math.sqrt(step * (remaining - 1) / remaining) * normal_at(noise, row, 0)
        if here > ceiling:
            here = 2.0 * ceiling - here
        elif here < floor:
            here = 2.0 * floor - here
        here = min(max(here, floor), ceiling)
        path[row] = min(max(math.exp(here), low), high)
