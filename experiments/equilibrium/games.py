"""An empirical game: parts, the strategies each may choose, and what each profile paid in paired runs.

A strategy is a set of settings of agents or rules, so that whatever a scenario can vary can be played: a keeper's bid, an
attacker's caution, a designer's window. Every profile is played on the same seeds, so that differences between profiles are
paired draw for draw (Wellman 2006, "Methods for empirical game-theoretic analysis").
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from experiments.codec import Mistakes
from experiments.overrides import vary
from experiments.parallel import Workers, spread
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario
from protocol.ledger import Floats

Payoff = Callable[[Record], float]


@dataclass(frozen=True)
class Strategy:
    """A name, and the values that it puts at dotted paths of the scenario."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def applied(self, scenario: Scenario) -> Scenario:
        """The scenario played so. Raises Mistakes for a path or value that it cannot take."""
        for path, value in self.changes.items():
            scenario = vary(scenario, path, value)
        return scenario


@dataclass(frozen=True)
class Gain:
    """The payoff of most: by how much groups of accounts ended richer, cash coins."""

    groups: tuple[str, ...]

    def __call__(self, record: Record) -> float:
        """Sum over the groups."""
        return float(sum(record.metrics[f"gain.{group}"] for group in self.groups))


@dataclass(frozen=True)
class Part:
    """Somebody who chooses: a name, what it may choose, and how it is paid (a picklable function of a record)."""

    name: str
    strategies: tuple[Strategy, ...]
    payoff: Payoff

    def __post_init__(self) -> None:
        """Refuse a part without a choice, or with two of one name."""
        names = [strategy.name for strategy in self.strategies]
        wrong = [
            f"{self.name}: a strategy is called {n!r} twice" for n in sorted({n for n in names if names.count(n) > 1})
        ]
        if not names:
            wrong.append(f"{self.name}: strategies = (): needs at least one")
        if wrong:
            raise Mistakes(wrong)

    def named(self, name: str) -> Strategy:
        """One of its strategies."""
        return next(one for one in self.strategies if one.name == name)


class Play(NamedTuple):
    """One run to be made: a profile's scenario and how each part is paid."""

    scenario: Scenario
    payoffs: tuple[Payoff, ...]


class Played(NamedTuple):
    """What it came to."""

    payoffs: tuple[float, ...]
    digest: str


def play(one: Play) -> Played:
    """Run it and pay everybody."""
    record = run(one.scenario)
    return Played(tuple(payoff(record) for payoff in one.payoffs), record.digest)


@dataclass(frozen=True)
class Game:
    """Payoffs [part, strategy of part 0, strategy of part 1, ..., seed], cash coins."""

    parts: tuple[Part, ...]
    seeds: tuple[int, ...]
    payoffs: Floats
    digests: Mapping[tuple[tuple[str, ...], int], str] = field(default_factory=dict)  # by profile and seed

    @property
    def mean(self) -> Floats:
        """Mean payoffs over seeds. Shape [part, strategies...]."""
        means: Floats = self.payoffs.mean(axis=-1)
        return means

    @property
    def error(self) -> Floats:
        """Standard error of the means. Shape [part, strategies...]."""
        count = len(self.seeds)
        errors: Floats = (
            self.payoffs.std(axis=-1, ddof=1) / np.sqrt(count) if count > 1 else np.full(self.mean.shape, np.nan)
        )
        return errors

    def names(self, part: int) -> tuple[str, ...]:
        """Names of a part's strategies."""
        return tuple(strategy.name for strategy in self.parts[part].strategies)


def profile(base: Scenario, chosen: Sequence[Strategy]) -> Scenario:
    """The scenario in which each part plays what it chose."""
    for strategy in chosen:
        base = strategy.applied(base)
    return base


def estimate(
    base: Scenario,
    parts: Sequence[Part],
    seeds: Sequence[int],
    *,
    known: Game | None = None,
    workers: Workers = None,
) -> Game:
    """Play every profile on every seed. What `known` has of the same profiles and seeds is not played again."""
    wrong = [
        f"parts: the name {n!r} stands twice"
        for n in sorted({p.name for p in parts if [q.name for q in parts].count(p.name) > 1})
    ]
    if not parts:
        wrong.append("parts = (): a game needs somebody to play it")
    if len(seeds) < 2:
        wrong.append(f"seeds = {tuple(seeds)}: at least two are needed for an interval")
    if wrong:
        raise Mistakes(wrong)
    payoffs = tuple(part.payoff for part in parts)
    shape = tuple(len(part.strategies) for part in parts)
    found = np.full((len(parts), *shape, len(seeds)), np.nan)
    digests: dict[tuple[tuple[str, ...], int], str] = {}
    plays, places = [], []
    for place in itertools.product(*map(range, shape)):
        chosen = [part.strategies[i] for part, i in zip(parts, place, strict=True)]
        names = tuple(strategy.name for strategy in chosen)
        old = None if known is None else _place(known, names)
        scenario = None
        for column, seed in enumerate(seeds):
            if known is not None and old is not None and seed in known.seeds:
                found[_at(place, column)] = known.payoffs[_at(old, known.seeds.index(seed))]
                digests[names, seed] = known.digests[names, seed]
                continue
            scenario = profile(base, chosen) if scenario is None else scenario
            plays.append(Play(dataclasses.replace(scenario, seed=seed), payoffs))
            places.append((place, column, names, seed))
    results = spread(play, plays, workers=workers, title="profiles") if plays else []
    for (place, column, names, seed), result in zip(places, results, strict=True):
        found[_at(place, column)] = result.payoffs
        digests[names, seed] = result.digest
    return Game(tuple(parts), tuple(seeds), found, digests)


def _at(place: tuple[int, ...], column: int) -> Any:
    """The index of a profile's payoffs to all parts at one seed."""
    return (slice(None), *place, column)


def _place(known: Game, names: tuple[str, ...]) -> tuple[int, ...] | None:
    """Where a game keeps a profile; None where it does not."""
    try:
        return tuple(known.names(part).index(name) for part, name in enumerate(names))
    except ValueError:
        return None
