"""Cascades as families of liquidations: how many each brings about, and what families they form.

A liquidation's parents are fractional, so its offspring is a sum of shares, and the branching ratio their mean: the number that
the next liquidation can be expected to cause by itself. For families each is given one parent, or none, by a throw with its shares
(stochastic declustering: Zhuang, Ogata and Vere-Jones 2002), from a fixed generator. Throws repeated say what hangs on one of them.
Children that come after the end of a run are not seen: a run that ends in the middle of a cascade understates the last phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.cascades.causes import Why
from protocol.ledger import Floats, Ints

PHASES = ("onset", "peak", "aftermath")
RESAMPLES = 1_000
HALF = 0.5  # of the highest rate: where the peak begins and ends


class Branching(NamedTuple):
    """Mean offspring of `liquidations`, with its standard error (nan: of none, or of one)."""

    ratio: float
    error: float
    liquidations: int

    def __str__(self) -> str:
        return f"{self.ratio:.3f} +- {self.error:.3f} (s.e., {self.liquidations:,} liquidations)"


class Cluster(NamedTuple):
    """A family: who began it, how many are in it, and how long it went on."""

    root: int  # number of the liquidation
    size: int  # liquidations
    notional: float  # cash coins
    depth: int  # generations after the first
    duration: float  # seconds


def shared(run: Sequence[Why]) -> Floats:
    """Expected offspring of each liquidation of a run: the shares it has in later ones. Shape [liquidations]."""
    found = np.zeros(len(run))
    for one in run:
        for parent, share in one.parents().items():
            found[parent] += share
    return found


def thrown(run: Sequence[Why], throw: int = 0) -> Ints:
    """One parent each by its shares, -1 for none: the same for the same `throw`. Shape [liquidations]."""
    dice = np.random.default_rng((0, throw)).random(len(run))
    parents = np.full(len(run), -1, np.int64)
    for one, die in zip(run, dice.tolist(), strict=True):
        for parent, share in one.parents().items():
            die -= share
            if die < 0:
                parents[one.number] = parent
                break
    return parents


def generations(parents: Ints) -> Ints:
    """How many came before each in its line: 0 of a first. Parents come before their children. Shape [liquidations]."""
    depth = np.zeros(len(parents), np.int64)
    for child, parent in enumerate(parents.tolist()):
        if parent >= 0:
            depth[child] = depth[parent] + 1
    return depth


def roots(parents: Ints) -> Ints:
    """Who began the family each belongs to. Shape [liquidations]."""
    found = np.arange(len(parents))
    for child, parent in enumerate(parents.tolist()):
        if parent >= 0:
            found[child] = found[parent]
    return found


def clusters(run: Sequence[Why], throw: int = 0) -> list[Cluster]:
    """The families of a run, in order of their first."""
    parents = thrown(run, throw)
    first, depth = roots(parents), generations(parents)
    times = np.array([one.time for one in run])
    notional = np.array([one.notional for one in run])
    found = []
    for root in np.flatnonzero(parents < 0).tolist():
        mine = first == root
        found.append(
            Cluster(
                root,
                int(mine.sum()),
                float(notional[mine].sum()),
                int(depth[mine].max()),
                float(times[mine].max() - times[root]),
            )
        )
    return found


def phases(run: Sequence[Why], window: float = 60.0) -> list[str]:
    """The phase each liquidation falls in, by how many there were within `window` seconds up to it.

    The peak lasts from the first to the last moment at which that was half of its highest; onset before, aftermath after.
    """
    times = np.array([one.time for one in run])
    rate = np.arange(1, len(run) + 1) - np.searchsorted(times, times - window, side="right")
    high = np.flatnonzero(rate >= HALF * rate.max(initial=0))
    if not len(high):
        return []
    start, end = times[high[0]], times[high[-1]]
    return [PHASES[int(time >= start) + int(time > end)] for time in times.tolist()]


def unsure(run: Sequence[Why]) -> Floats:
    """Variance of the offspring of each, given the shares: each child is its own or is not. Shape [liquidations]."""
    found = np.zeros(len(run))
    for one in run:
        for parent, share in one.parents().items():
            found[parent] += share * (1.0 - share)
    return found


def branching(runs: Sequence[Sequence[Why]]) -> Branching:
    """Mean offspring over all runs."""
    return _ratio([(shared(run), unsure(run)) for run in runs])


def branching_by_phase(runs: Sequence[Sequence[Why]], window: float = 60.0) -> dict[str, Branching]:
    """The same of the liquidations of each phase, wherever their children fall."""
    parts: dict[str, list[tuple[Floats, Floats]]] = {phase: [] for phase in PHASES}
    for run in runs:
        mine, spread, when = shared(run), unsure(run), np.array(phases(run, window), str)
        for phase in PHASES:
            parts[phase].append((mine[when == phase], spread[when == phase]))
    return {phase: _ratio(rows) for phase, rows in parts.items()}


def _ratio(runs: list[tuple[Floats, Floats]]) -> Branching:
    """Mean of the expected offspring, and its error by bootstrap (Efron 1979) over runs.

    Of a single run: over liquidations, and on top of it what is unsure of each, since expected offspring vary less than children.
    """
    runs = [(mine, spread) for mine, spread in runs if len(mine)]
    if not runs:
        return Branching(np.nan, np.nan, 0)
    count = sum(len(mine) for mine, _ in runs)
    ratio = sum(float(mine.sum()) for mine, _ in runs) / count
    if len(runs) > 1:
        sums, inside = np.array([[mine.sum(), len(mine)] for mine, _ in runs]), 0.0
    else:
        sums, inside = np.stack([runs[0][0], np.ones(count)], axis=1), float(runs[0][1].sum()) / count**2
    if len(sums) < 2:
        return Branching(ratio, np.nan, count)
    drawn = np.random.default_rng(0).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=RESAMPLES) @ sums
    between = float(np.var(drawn[:, 0] / drawn[:, 1], ddof=1))
    return Branching(ratio, (between + inside) ** 0.5, count)
