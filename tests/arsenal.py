"""What tests of attacks share: a scenario against its twin without the attacker, on several seeds."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from experiments.record import Record
from experiments.scenario import Scenario
from experiments.twins import Pair, twin_without


def pair(scenario: Scenario, label: str, seeds: Iterable[int] = range(3)) -> tuple[Pair, ...]:
    """The scenario and its twin without a role, once a seed. Kept, since several claims are about the same runs."""
    return tuple(_pair(dataclasses.replace(scenario, seed=seed), label) for seed in seeds)


@functools.cache
def _pair(scenario: Scenario, label: str) -> Pair:
    return twin_without(scenario, label)


def profits(pairs: Iterable[Pair], label: str) -> list[float]:
    """Cash coins that the attacker ended richer by, a seed each."""
    return [one.gain(label) for one in pairs]


def kinds(pairs: Iterable[Pair]) -> list[str]:
    """What was noted in the runs with the attacker, in turn."""
    return [kind for one in pairs for kind in one.run.events["kind"]]


def told(record: Record, kind: str) -> list[dict[str, Any]]:
    """The numbers of each note of a kind, in turn."""
    return list(record.events.loc[record.events["kind"] == kind, "numbers"])


def kept(weak: Iterable[Pair], strong: Iterable[Pair], market: str) -> float:
    """Honest open interest under a defence, as a share of that without it: nobody attacks in either."""
    before, after = ([one.twin.metrics[f"{market}.open_interest"] for one in pairs] for pairs in (weak, strong))
    return float(np.sum(after) / np.sum(before))
