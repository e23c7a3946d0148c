"""Equilibria of an empirical game: mixed by support enumeration, rest points of replicator dynamics, and regret with its interval.

Two parts are solved exactly by nashpy (support enumeration; Lemke and Howson where that finds nothing); more by replicator
dynamics from several starts. Whatever is found is judged by its regret: what a part could still gain by another strategy,
resampled over seeds, so that an equilibrium of noise shows a wide interval.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import nashpy
import numpy as np
from scipy.integrate import solve_ivp

from experiments.equilibrium.games import Game
from experiments.statistics import RESAMPLES, Estimate
from protocol.ledger import Floats

Mixed = tuple[Floats, ...]  # a distribution over strategies for each part
BASE = "abcdefghijklmnopq"  # indices of strategies in einsum


class Solution(NamedTuple):
    """A mixed profile, what it pays each part, and its regret, cash coins."""

    mix: Mixed
    value: tuple[float, ...]
    regret: Estimate  # the largest over parts


def expected(payoffs: Floats, mix: Sequence[Floats], skip: int = -1) -> Floats:
    """Expected payoffs of a tensor [strategies...] (trailing axes stay), over all mixes but that of part `skip`."""
    letters = BASE[: len(mix)]
    operands = [mix[i] for i in range(len(mix)) if i != skip]
    indices = [letters[i] for i in range(len(mix)) if i != skip]
    result: Floats = np.einsum(
        ",".join([f"{letters}...", *indices]) + "->" + (letters[skip] if skip >= 0 else "") + "...", payoffs, *operands
    )
    return result


def regrets(payoffs: Floats, mix: Mixed) -> Floats:
    """What each part could gain by its best pure strategy. `payoffs` [part, strategies...]; shape [part]."""
    found = []
    for part in range(len(mix)):
        pure = expected(payoffs[part], mix, part)
        found.append(float(pure.max() - pure @ mix[part]))
    return np.array(found)


def regret(game: Game, mix: Mixed) -> Estimate:
    """The largest regret over parts, with its 95 % bootstrap interval over seeds (drawn from a fixed generator)."""
    dice = np.random.default_rng(0)
    count = len(game.seeds)
    draws = [
        float(regrets(game.payoffs[..., dice.integers(0, count, count)].mean(axis=-1), mix).max())
        for _ in range(RESAMPLES // 2)
    ]
    low, high = np.percentile(draws, [2.5, 97.5])
    return Estimate(float(regrets(game.mean, mix).max()), float(low), float(high), count)


def equilibria(game: Game) -> list[Solution]:
    """Mixed equilibria of the mean payoffs, the one with the least regret first."""
    solutions = [_solution(game, mix) for mix in profiles(game.mean)]
    return sorted(solutions, key=lambda one: (one.regret.mean, [tuple(-x) for x in one.mix]))


def profiles(means: Floats) -> list[Mixed]:
    """Mixed profiles from which nobody would move. `means` [part, strategies...]."""
    if len(means) == 1:
        return [(np.eye(means.shape[1])[int(np.argmax(means[0]))],)]
    return _two(means[0], means[1]) if len(means) == 2 else _rest_points(means)


def _two(row: Floats, column: Floats) -> list[Mixed]:
    solver = nashpy.Game(row, column)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # degenerate games are told by an even number of equilibria; all that are found stand
        found = [tuple(np.asarray(mix, float) for mix in pair) for pair in solver.support_enumeration()]
        if not found:
            found = [tuple(np.asarray(mix, float) for mix in solver.lemke_howson(0))]
    return [mix for mix in found if all(np.isfinite(part).all() for part in mix)]


def _rest_points(means: Floats) -> list[Mixed]:
    """Where replicator dynamics come to rest, from the middle and from near each pure strategy of the first part."""
    sizes = means.shape[1:]
    starts = [tuple(np.full(n, 1.0 / n) for n in sizes)]
    for first in range(sizes[0]):
        lean = 0.9 * np.eye(sizes[0])[first] + 0.1 / sizes[0]
        starts.append((lean, *(np.full(n, 1.0 / n) for n in sizes[1:])))
    found: list[Mixed] = []
    for start in starts:
        end = tuple(path[-1] for path in replicate(means, start, 200.0))
        if all(max(np.abs(a - b).max() for a, b in zip(end, old, strict=True)) > 1e-3 for old in found):
            found.append(end)
    return found


def replicate(payoffs: Floats, start: Mixed, horizon: float, points: int = 101) -> Mixed:
    """Replicator dynamics of one population a part: shares over time. Shapes [points, strategies].

    dx/dt = x (f - mean f), payoffs scaled to a range of 1 in each part so that `horizon` means the same everywhere (Taylor and
    Jonker 1978, in the form for several populations).
    """
    sizes = [len(mix) for mix in start]
    cuts = np.cumsum(sizes)[:-1]
    scale = [max(float(np.ptp(payoffs[part])), 1e-300) for part in range(len(sizes))]

    def flow(_: float, flat: Floats) -> Floats:
        mix = [np.maximum(x, 0.0) / np.maximum(x, 0.0).sum() for x in np.split(flat, cuts)]
        speed = []
        for part, x in enumerate(mix):
            fit = expected(payoffs[part], mix, part) / scale[part]
            speed.append(x * (fit - fit @ x))
        return np.concatenate(speed)

    times = np.linspace(0.0, horizon, points)
    found = solve_ivp(flow, (0.0, horizon), np.concatenate(start), t_eval=times, method="LSODA", rtol=1e-9, atol=1e-12)
    paths = np.split(found.y.T, cuts, axis=1)
    return tuple(np.maximum(path, 0.0) / np.maximum(path, 0.0).sum(axis=1, keepdims=True) for path in paths)


def symmetric(payoffs: Floats, start: Floats, horizon: float, points: int = 101) -> Floats:
    """Replicator dynamics within one population that plays itself: `payoffs` [mine, other's]. Shape [points, strategies]."""
    times = np.linspace(0.0, horizon, points)
    scaled = payoffs / max(float(np.ptp(payoffs)), 1e-300)
    found: Floats = nashpy.Game(scaled, scaled.T).replicator_dynamics(y0=start, timepoints=times)
    return found


def _solution(game: Game, mix: Mixed) -> Solution:
    value = tuple(float(expected(game.mean[part], mix)) for part in range(len(mix)))
    return Solution(mix, value, regret(game, mix))
