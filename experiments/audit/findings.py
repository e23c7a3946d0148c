"""What an audit finds out: a line an attack, bad debt under stress, what it hangs on, what was changed, what it cost to know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from experiments.arsenal.trials import Result
from experiments.arsenal.verdict import Cell
from experiments.audit.binding import Hanging
from experiments.audit.changes import Tried
from experiments.audit.hunting import Hunt
from experiments.audit.paths import PricePath
from experiments.scenario import Scenario
from experiments.statistics import Estimate


class Line(NamedTuple):
    """What was found out about one attack. Cash coins."""

    attack: str
    state: str  # "no surface", "stays home", "not screened", "not searched", "not judged", "judged"
    why: str = ""  # what it lacks, or why it stays at home
    hoped: float = math.nan  # the most that it came to expect in the screening
    hunt: Hunt | None = None
    path: str = ""
    bare: Cell | None = None  # on held-out seeds, on its path
    raw: float = math.nan  # p of its profit against the bound, by itself
    p: float = math.nan  # the same among all judged (Holm)
    elsewhere: Mapping[str, Estimate] = {}  # profits on the other paths
    pays: bool = False
    undecided: bool = False  # not shown to pay, but its interval reaches beyond the bound
    replay: Result | None = None  # the held-out run that its recipe plays
    tried: Sequence[Tried] = ()
    stopped_by: str = ""
    after: Estimate | None = None  # under all changes made

    @property
    def worst(self) -> float:
        """Its mean profit on held-out seeds; -inf where it was not judged."""
        return self.bare.profit.mean if self.bare is not None else -math.inf


class Stress(NamedTuple):
    """Bad debt under stress, nobody attacking; cash coins."""

    debts: tuple[float, ...]  # sorted, one a run
    mean: Estimate
    happens: Estimate  # share of runs with any
    tail: float  # 99 % quantile
    tail_low: float  # its exact 95 % interval, from order statistics
    tail_high: float  # inf: more runs are needed to bound it


@dataclass
class Audit:
    """All that an audit came to."""

    scenario: Scenario  # without attackers
    paths: tuple[PricePath, ...]
    bound: float  # cash coins: what earns less does not pay
    peopled: bool = False  # whether its honest cast is ours
    lines: list[Line] = field(default_factory=list)
    stress: Stress | None = None
    turns: dict[str, Hanging] = field(default_factory=dict)  # by attack
    changed: Scenario | None = None  # under all changes made
    changes: list[str] = field(default_factory=list)
    misfits: dict[str, str] = field(default_factory=dict)
    short: list[str] = field(default_factory=list)  # what was not afforded
    budget: int = 0
    spent: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)  # of every run that did not go wrong

    @property
    def paying(self) -> list[Line]:
        """Attacks that pay under the rules as they are, the worst first."""
        return sorted((line for line in self.lines if line.pays), key=lambda line: -line.worst)

    @property
    def unknown(self) -> list[str]:
        """Attacks that may see a chance, and that the budget did not reach."""
        return [line.attack for line in self.lines if line.state in ("not screened", "not searched", "not judged")]

    @property
    def undecided(self) -> list[Line]:
        """Attacks that were judged, and may pay or not for all that the seeds say, the worst first."""
        return sorted((line for line in self.lines if line.undecided), key=lambda line: -line.worst)

    @property
    def sound(self) -> bool:
        """Whether every attack that sees a chance was judged, and each shown not to earn more than the bound."""
        return not (self.paying or self.undecided or self.unknown)

    @property
    def unstopped(self) -> list[Line]:
        """Those of them for which no change was found that holds."""
        return [line for line in self.paying if not line.stopped_by]
