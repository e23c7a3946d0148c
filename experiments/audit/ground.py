"""The ground that a change is compared with: an attack, and nobody, under the rules as they were, in runs of the same length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from experiments.arsenal.trials import Result
from experiments.arsenal.verdict import Cell, cell, classes
from experiments.audit import lasting
from experiments.audit.bench import Bench
from experiments.audit.hunting import SEEDS, Hunt, honest, of
from protocol.world import World


class Standing(NamedTuple):
    """On held-out seeds: what the attack is worth, and the runs of nobody."""

    bare: Cell
    before: Sequence[Result]


@dataclass
class Ground:
    """An attack as it was found under the rules as they were. `known`: by how many times as long as asked for runs are."""

    bench: Bench
    hunt: Hunt
    known: dict[int, Standing | None] = field(default_factory=dict)

    def times(self, world: World) -> int:
        """How many times as long runs must be to tell what another world does; 0: longer than is played."""
        return lasting.times(self.hunt.scenario.world, world, self.hunt.scenario.duration)

    def span(self, world: World) -> float:
        """The longest that its rules take, of those that are new, in seconds."""
        return lasting.span(self.hunt.scenario.world, world)

    def owed(self, count: int) -> int:
        """What it costs to stand on runs so many times as long."""
        return 0 if count in self.known else 2 * len(SEEDS) * count

    def at(self, count: int) -> Standing | None:
        """The same attack in runs so many times as long, the same seeds; None where runs went wrong. Takes `owed` runs."""
        if count not in self.known:
            self.known[count] = self._played(count)
        return self.known[count]

    def _played(self, count: int) -> Standing | None:
        assert self.hunt.best is not None, "found"
        scenario = lasting.longer(self.hunt.scenario, count)
        quiet = self.bench.play("verification", [honest(scenario, seed) for seed in SEEDS])
        mine = self.bench.play("verification", [of(self.hunt.best, scenario, seed) for seed in SEEDS])
        before, runs = ([one for one in some if one is not None] for some in (quiet, mine))
        if len(before) < len(SEEDS) or len(runs) < len(SEEDS):
            return None
        return Standing(cell(self.hunt.best, "", runs, before, classes(scenario)), before)
