"""Designs of a hardening: what each came to on the seeds of the search, and on seeds that nothing was chosen by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from experiments.arsenal.verdict import DEARER, KEPT
from experiments.audit.paths import PricePath
from experiments.axes.base import Bound
from experiments.scenario import Scenario
from experiments.statistics import Estimate

INSIDE = (1, 2)  # seeds that designs are compared on


class Design(NamedTuple):
    """A setting of the levers, and what it came to on the seeds of the search. Cash coins."""

    levers: Mapping[str, float]  # by path
    efficiency: float  # notional held per coin of capital; nan: it could not be played
    worst: float  # the most that an attack earned, mean; nan: not known of every attack
    by: str  # which
    trade: float = (
        math.nan
    )  # honest volume or open interest, whichever is less, as a share of that under the rules as they are
    dearer: float = math.nan  # what a coin traded costs, times what it does under the rules as they are


class Kept(NamedTuple):
    """What a design leaves of honest trade, seed by seed against the rules as they are: ratios."""

    volume: Estimate
    open_interest: Estimate
    dearer: Estimate  # of what a coin traded costs
    carried: Estimate  # of the open interest that a coin of capital carries

    @property
    def trade(self) -> Estimate:
        """The lesser of volume and open interest, by the lower end of its interval."""
        return min(self.volume, self.open_interest, key=lambda one: one.low)

    @property
    def enough(self) -> bool:
        """Whether trade goes on, with all of every interval, and at a price at which it would."""
        return self.trade.low >= KEPT and not self.dearer.high > DEARER

    @property
    def too_little(self) -> bool:
        """Whether it does not, with all of an interval."""
        return min(self.volume.high, self.open_interest.high) < KEPT or self.dearer.low > DEARER


class Judged(NamedTuple):
    """A design on held-out seeds, each attack having searched against it for longer."""

    design: Design
    efficiency: Estimate
    attacks: Mapping[str, Estimate]  # profits
    kept: Kept
    stands: bool  # no attack's interval goes above the bound, and none of what is kept below what trade needs
    wrong: int = 0  # runs of the attacks' searches against it that went wrong
    met: Mapping[str, Estimate] | None = (
        None  # profits of those whom only it, or other prices, let in; None: not asked yet
    )
    unmet: tuple[str, ...] = ()  # what is not known of them

    @property
    def worst(self) -> Estimate:
        """The attack that earns most."""
        return max([*self.attacks.values(), *(self.met or {}).values()], key=lambda one: one.mean)

    @property
    def by(self) -> str:
        """Its name."""
        every = {**self.attacks, **(self.met or {})}
        return max(every, key=lambda name: every[name].mean)


@dataclass
class Hardened:
    """All that a hardening came to."""

    scenario: Scenario
    bound: float
    path: PricePath
    levers: tuple[Bound, ...]
    attacks: tuple[str, ...]  # that every design met from the beginning
    left_out: tuple[str, ...] = ()  # that earn under the rules as they are, and that only the chosen design met
    joined: list[str] = field(default_factory=list)  # that broke a design which had stood, and met those drawn after
    seated: tuple[str, ...] = ()  # that the chosen design met, on every path
    paths: tuple[PricePath, ...] = ()  # on which it did
    designs: list[Design] = field(default_factory=list)
    start: Judged | None = None  # the rules as they are
    judged: list[Judged] = field(default_factory=list)
    best: Scenario | None = None
    spent: dict[str, int] = field(default_factory=dict)
    short: list[str] = field(default_factory=list)  # what it rests on that was not afforded, or went wrong
    wrong: list[str] = field(default_factory=list)  # every run that went wrong
    digests: list[str] = field(default_factory=list)  # of every run that did not
    budget: int = 0

    @property
    def chosen(self) -> Judged | None:
        """The most efficient design that stands."""
        return max((one for one in self.judged if one.stands), key=lambda one: one.efficiency.mean, default=None)
