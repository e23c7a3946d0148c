"""A cascade whose branching ratio is known, told as liquidations are, so that what measures a run can be held against theory.

Liquidations come at a steady rate; each brings about a Poisson number of others, after exponential delays. Who brought about
whom is then forgotten, and each is given the parents that one who sees only the times would give it: shares of the rate at its
moment (Hawkes 1971). Sizes of families are Borel's, e^(-nk) (nk)^(k-1) / k!, and their mean is 1 / (1 - n).
"""

from __future__ import annotations

import math
from collections.abc import Hashable

import numpy as np

from experiments.cascades.causes import Forced, Why
from experiments.cascades.marks import NATURE
from protocol.ledger import Floats

MEMORY = 20.0  # mean delays after which a parent is forgotten: e ** -20 of it is left


def borel(k: int, ratio: float) -> float:
    """Share of families of size `k` (Borel 1942)."""
    return math.exp(-ratio * k + (k - 1) * math.log(ratio * k) - math.lgamma(k + 1))


def cascade(ratio: float, count: int, seed: int, *, rate: float = 0.1, delay: float = 1.0) -> list[Why]:
    """Liquidations of `count` families at `rate` a second, with mean `delay` in seconds from parent to child. `ratio` below 1."""
    if not 0 < ratio < 1:
        raise ValueError(f"ratio = {ratio}: allowed above 0 to below 1")
    times = _times(np.random.default_rng(seed), ratio, count, rate, delay)
    return [_told(number, times, ratio, rate, delay) for number in range(len(times))]


def _times(rng: np.random.Generator, ratio: float, count: int, rate: float, delay: float) -> Floats:
    """When they happen, sorted."""
    born = np.cumsum(rng.exponential(1.0 / rate, count))
    times = [born]
    while len(born):
        born = np.repeat(born, rng.poisson(ratio, len(born)))
        born = born + rng.exponential(delay, len(born))
        times.append(born)
    return np.sort(np.concatenate(times))


def _told(number: int, times: Floats, ratio: float, rate: float, delay: float) -> Why:
    """One of them, its fall split by what its moment's rate was made of."""
    now = float(times[number])
    first = int(np.searchsorted(times, now - MEMORY * delay))
    parts = ratio / delay * np.exp((times[first:number] - now) / delay)
    total = rate + float(parts.sum())
    fall: dict[Hashable, float] = {NATURE: -rate / total}
    fall |= {Forced(first + place): -part / total for place, part in enumerate(parts.tolist())}
    return Why(number, now, number, "controlled", "controlled", 1.0, 1.0, 0.0, now, now, -1.0, dict(fall), dict(fall))
