"""What tests of attacks share: a scenario against its twin without the attacker, on several seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from experiments.scenario import Scenario
from experiments.twins import Pair, twin_without


def pair(scenario: Scenario, label: str, seeds: Iterable[int] = range(3)) -> list[Pair]:
    """A run and its twin without one role, for each seed."""
    return [twin_without(dataclasses.replace(scenario, seed=seed), label) for seed in seeds]
