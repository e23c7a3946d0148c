"""The arsenal against a scenario, in three waves: honest runs, every attack, and every defence against the attacks that pay."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from agents.attacks.base import Attack
from experiments.arsenal.seating import Seat, attacked, benign, seat
from experiments.arsenal.trials import Result, Trial, play
from experiments.arsenal.verdict import Cell, Cost, cell, cheapest, classes, cost_of
from experiments.defences.base import Defence
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario
from protocol.world import World


class Campaign(NamedTuple):
    """All that was found out about a scenario."""

    scenario: Scenario
    seeds: tuple[int, ...]
    seats: dict[str, Seat]  # by attack
    misfits: dict[str, str]  # defences without a place here, and why
    cells: tuple[Cell, ...]  # rules as they are first
    costs: dict[str, Cost]  # by defence
    results: tuple[Result, ...]  # every run

    def bare(self, attack: str) -> Cell | None:
        """What an attack earns under the rules as they are; None where it has no surface."""
        return next((one for one in self.cells if one.attack == attack and not one.defence), None)

    def best(self, attack: str) -> str:
        """The cheapest defence that stops it; "" if none does."""
        return cheapest([one for one in self.cells if one.attack == attack], self.costs)


def campaign(
    scenario: Scenario,
    kinds: Mapping[str, type[Attack]],
    rules: Mapping[str, Defence],
    seeds: Sequence[int],
    *,
    workers: Workers = None,
) -> Campaign:
    """Play it all. Attacks by name, defences by name; paired by seed throughout."""
    plain = benign(scenario)
    honest = _play([Trial("", "", _seeded(plain, seed)) for seed in seeds], workers, "honest runs")
    alarms = tuple(np.max([one.signals for one in honest], axis=0).tolist())
    trade = trade_by_market(plain)
    seats = {name: seat(kind, scenario, trade) for name, kind in kinds.items()}
    open_ = {name: one.attack for name, one in seats.items() if not one.lacks}
    assaults = [
        Trial(name, "", _seeded(attacked(scenario, attack), seed), alarms)
        for name, attack in open_.items()
        for seed in seeds
    ]
    bare = _play(assaults, workers, "attacks")
    groups = classes(scenario)
    cells = [cell(attack, "", _of(bare, name, ""), honest, groups) for name, attack in open_.items()]
    paying = {one.attack: one for one in cells if one.pays}

    worlds, misfits = defended(scenario, rules if paying else {})
    quiet = [Trial("", name, _seeded(benign(one), seed)) for name, one in worlds.items() for seed in seeds]
    tried = [
        Trial(attack, name, _seeded(attacked(one, open_[attack]), seed))
        for name, one in worlds.items()
        for attack in paying
        for seed in seeds
    ]
    second = _play(quiet + tried, workers, "defences")
    costs = {name: cost_of(honest, _of(second, "", name)) for name in worlds}
    cells += [
        cell(open_[attack], name, _of(second, attack, name), _of(second, "", name), groups, bare_cell)
        for attack, bare_cell in paying.items()
        for name in worlds
    ]
    return Campaign(scenario, tuple(seeds), seats, misfits, tuple(cells), costs, (*honest, *bare, *second))


def trade_by_market(scenario: Scenario) -> dict[str, float]:
    """Honest open interest, or volume where nothing is held, by market path, cash coins: of one short run."""
    blocks = run(dataclasses.replace(scenario, duration=min(scenario.duration, 900.0))).blocks
    found = {}
    for name in map(str, blocks):
        if name.endswith(".volume"):
            path = name[: -len(".volume")]
            held = blocks.get(f"{path}.open_long", pd.Series([0.0])) * blocks[f"{path}.fair"]
            found[path] = float(np.nanmean(held)) + float(blocks[name].sum())
    return found


def _seeded(scenario: Scenario, seed: int) -> Scenario:
    return dataclasses.replace(scenario, seed=seed)


def _play(trials: Sequence[Trial], workers: Workers, title: str) -> list[Result]:
    return spread(play, trials, workers=workers, title=title) if trials else []


def _of(results: Sequence[Result], attack: str, defence: str) -> list[Result]:
    return [one for one in results if (one.attack, one.defence) == (attack, defence)]


def defended(scenario: Scenario, rules: Mapping[str, Defence]) -> tuple[dict[str, Scenario], dict[str, str]]:
    """The scenario under each defence that has a place in it, and why the others have none."""
    worlds, misfits = {}, {}
    for name, rule in rules.items():
        try:
            world: World | None = rule.applied(scenario.world)
            if world is None:
                misfits[name] = "no place for it here, or in force already"
            else:
                worlds[name] = dataclasses.replace(scenario, world=world)
        except ValueError as error:
            misfits[name] = str(error).splitlines()[0]
    return worlds, misfits
