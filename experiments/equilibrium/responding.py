"""Iterated best response: a game that grows by whatever beats its equilibrium (double oracle).

Each round solves the game so far, lets every part search for a better answer to the others' equilibrium play, and adds it if
the gain holds on the game's own seeds, which the search has not seen: the winner's curse flatters nobody (McMahan, Gordon and
Blum 2003; Lanctot et al. 2017 call it PSRO). It ends when nobody finds anything, or after `rounds`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.axes.base import Bound
from experiments.codec import Mistakes
from experiments.equilibrium.games import Game, Part, Play, Strategy, estimate, play, profile
from experiments.equilibrium.solving import Mixed, Solution, equilibria
from experiments.optimising import GENERATION, maximise, typed
from experiments.parallel import Workers, spread
from experiments.scenario import Scenario
from experiments.statistics import Estimate
from experiments.statistics import estimate as interval

LEAST = 0.02  # probability below which a strategy of the others is left out of a search


Space = Sequence[Bound]  # dotted paths, and from where to where


class Round(NamedTuple):
    """One round of the double oracle."""

    game: Game
    solution: Solution
    gains: dict[str, Estimate]  # by part: what its best answer gained on seeds that the search had not seen
    added: tuple[str, ...]  # names of new strategies


def respond(
    base: Scenario,
    parts: Sequence[Part],
    spaces: Mapping[str, Space],
    seeds: Sequence[int],
    *,
    searching: Sequence[int],
    trials: int = 24,
    rounds: int = 4,
    workers: Workers = None,
) -> list[Round]:
    """Grow the game. `spaces`: what each part may look for, by its name; `searching`: seeds for looking, apart from `seeds`."""
    if set(seeds) & set(searching):
        raise Mistakes([f"searching = {tuple(searching)}: must be other seeds than those the game is judged on"])
    game: Game | None = None
    told: list[Round] = []
    for number in range(rounds):
        game = estimate(base, parts, seeds, known=game, workers=workers)
        best = equilibria(game)[0]
        gains: dict[str, Estimate] = {}
        grown: list[Part] = []
        added: list[str] = []
        for place, part in enumerate(game.parts):
            new = part
            if part.name in spaces:
                found = search(
                    base,
                    game,
                    best.mix,
                    place,
                    spaces[part.name],
                    searching,
                    trials,
                    f"{part.name}-{number + 1}",
                    workers,
                )
                gains[part.name] = gain(base, game, best, place, found, workers)
                if gains[part.name].low > 0:
                    new = dataclasses.replace(part, strategies=(*part.strategies, found))
                    added.append(found.name)
            grown.append(new)
        told.append(Round(game, best, gains, tuple(added)))
        if not added:
            break
        parts = grown
    return told


def against(
    base: Scenario, game: Game, mix: Mixed, place: int, strategy: Strategy, seeds: Sequence[int]
) -> list[tuple[float, Play]]:
    """The runs, and their weights, in which a part plays `strategy` and the others what they mix."""
    others = [
        [(weight, one) for weight, one in zip(mix[i], part.strategies, strict=True) if weight >= LEAST]
        if i != place
        else [(1.0, strategy)]
        for i, part in enumerate(game.parts)
    ]
    runs = []
    for chosen in itertools.product(*others):
        weight = float(np.prod([w for w, _ in chosen]))
        scenario = profile(base, [one for _, one in chosen])
        runs += [
            (weight, Play(dataclasses.replace(scenario, seed=seed), (game.parts[place].payoff,))) for seed in seeds
        ]
    total = sum(weight for weight, _ in runs) / len(seeds)
    return [(weight / total, one) for weight, one in runs]


def search(
    base: Scenario,
    game: Game,
    mix: Mixed,
    place: int,
    space: Space,
    seeds: Sequence[int],
    trials: int,
    name: str,
    workers: Workers,
) -> Strategy:
    """The best answer that so many trials find in a space, on seeds of the search's own (TPE, Bergstra et al. 2011)."""

    def worth(_: int, asked: Sequence[Mapping[str, float]]) -> list[float]:
        runs: list[tuple[float, Play]] = []
        for one in asked:
            changes = {bound.path: typed(bound, one[bound.column]) for bound in space}
            runs += against(base, game, mix, place, Strategy(name, changes), seeds)
        paid = spread(play, [one for _, one in runs], workers=workers, title=name)
        values = np.array([weight * result.payoffs[0] for (weight, _), result in zip(runs, paid, strict=True)])
        return [float(value) for value in values.reshape(len(asked), -1).sum(axis=1) / len(seeds)]

    generations = math.ceil(trials / GENERATION)
    tried = maximise(
        space,
        worth,
        generations=generations,
        size=math.ceil(trials / generations),
        sampler="tpe",
        startup=max(4, trials // 3),
        seed=zlib.crc32(name.encode()),
    )
    best = max(tried, key=lambda trial: trial.worth)
    return Strategy(name, {bound.path: typed(bound, best.parameters[bound.column]) for bound in space})


def gain(base: Scenario, game: Game, solution: Solution, place: int, strategy: Strategy, workers: Workers) -> Estimate:
    """What a strategy earns beyond the equilibrium, against the others' equilibrium play, seed by seed."""
    runs = against(base, game, solution.mix, place, strategy, game.seeds)
    paid = spread(play, [one for _, one in runs], workers=workers)
    mine = dict.fromkeys(game.seeds, 0.0)
    for (weight, one), result in zip(runs, paid, strict=True):
        mine[one.scenario.seed] += weight * result.payoffs[0]
    usual = game.payoffs[place]
    for mix in solution.mix:
        usual = np.tensordot(mix, usual, axes=(0, 0))
    return interval([mine[seed] - float(u) for seed, u in zip(game.seeds, usual, strict=True)])
