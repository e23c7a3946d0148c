"""An attack and its twin on several seeds: what tests of attacks have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from experiments.scenario import Scenario
from experiments.twins import Pair, twin_without


def pair(scenario: Scenario, label: str, seeds: Iterable[int]) -> list[Pair]:
    """A run and its twin without `label`, seed by seed."""
    return [twin_without(dataclasses.replace(scenario, seed=seed), label) for seed in seeds]
