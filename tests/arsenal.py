"""What tests of attacks share: a scenario against its twin without the attacker, on several seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from experiments.scenario import Scenario
from experiments.twins import Pair, twin_without


def pair(scenario: Scenario, label: str, seeds: Iterable[int] = range(3)) -> list[Pair]:
    """A run and its twin without one role, for each seed."""
    return [twin_without(dataclasses.replace(scenario, seed=seed), label) for seed in seeds]


def profits(pairs: Iterable[Pair], label: str) -> list[float]:
    """Cash coins that the attacker ended richer by, a seed each."""
    return [one.gain(label) for one in pairs]


def kinds(pairs: Iterable[Pair]) -> list[str]:
    """What was noted in the runs with the attacker, in turn."""
    return [kind for one in pairs for kind in one.run.events["kind"]]
