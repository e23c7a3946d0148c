"""Which parameter is binding: each lever turned, and what an attack then earns held against the rules as they are, seed by seed.

Every lever is turned both ways on a few seeds, the attacker deciding anew. That finds out which turns might matter and shows
nothing: of forty settings on three seeds some look well by luck. So the few that left least are played once more, on seeds that
they were not picked by, beside the rules as they are; what is reported, and called binding, rests on those alone, with care for
how many they are (Holm 1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.audit.bench import Bench
from experiments.audit.hunting import Hunt, of, profit
from experiments.audit.levers import levers, turned, value_of
from experiments.axes.base import Bound
from experiments.optimising import within
from experiments.statistics import Estimate, difference, estimate, flip_interval, holm

TURN = 4.0  # how far each lever is turned either way, a factor
FIRST = (1, 2, 3)  # seeds of the first look, as many as can be afforded
FRESH = tuple(range(101, 111))  # seeds on which the leaders are compared with the rules as they are
LEADERS = 4
LEVEL = 0.05  # of Holm's p among the leaders


class Turn(NamedTuple):
    """A lever, and the attacker's profit (cash coins) as it is, at a quarter and at four times, or as near as the rules allow."""

    bound: Bound
    value: float
    plain: float  # the same seeds, nothing turned
    at_low: float
    at_high: float

    def at(self, factor: float) -> float:
        """So many times the value, as far as the rules allow."""
        return float(within(self.bound, self.value * factor))

    @property
    def least(self) -> float:
        """What the better of both leaves; nan where neither could be played."""
        return min((x for x in (self.at_low, self.at_high) if not math.isnan(x)), default=math.nan)

    @property
    def helps_up(self) -> bool:
        """Whether more of it is what leaves less."""
        return self.at_high == self.least

    @property
    def factor(self) -> float:
        """The turn that leaves less."""
        return TURN if self.helps_up else 1.0 / TURN


class Effect(NamedTuple):
    """What one turn does to an attack, against the rules as they are, on seeds that it was not picked by. Cash coins."""

    turn: Turn
    profit: Estimate
    change: Estimate  # seed by seed; its interval is that of the test behind `p`
    p: float  # among all leaders (Holm)

    @property
    def taken(self) -> Estimate:
        """By how much less it earns."""
        return Estimate(-self.change.mean, -self.change.high, -self.change.low, self.change.seeds)

    @property
    def binds(self) -> bool:
        """Whether it is told from chance that less is earned."""
        return self.p <= LEVEL and self.change.high < 0.0


class Hanging(NamedTuple):
    """What an attack hangs on. `effects`: of the leaders, that which takes most first."""

    plain: Estimate  # profit under the rules as they are, on the seeds of the effects
    effects: tuple[Effect, ...]
    looked: int  # levers that were turned on the first seeds
    seeds: int  # how many those were
    left_out: int  # levers that were not looked at
    lost: int = 0  # leaders of which a run went wrong

    @property
    def settings(self) -> int:
        """How many turns were looked at."""
        return 2 * self.looked

    @property
    def binding(self) -> tuple[Effect, ...]:
        """Those that are told from chance."""
        return tuple(one for one in self.effects if one.binds)


def binding(bench: Bench, hunt: Hunt) -> Hanging | None:
    """Turn every lever, and compare the leaders on fresh seeds; None where not even that could be afforded."""
    second = (1 + LEADERS) * len(FRESH)
    turns, seeds, left_out = first_look(bench, hunt, max(0, bench.left - second))
    most = min(LEADERS, bench.left // len(FRESH) - 1)
    leaders = [turn for turn in turns if turn.least < turn.plain][: max(0, most)]
    if most < 1:
        return None
    plain = _profits(bench, hunt, {}, FRESH)
    if any(map(math.isnan, plain)):
        return None
    found = []
    for turn in leaders:
        there = _profits(bench, hunt, {turn.bound.path: turn.at(turn.factor)}, FRESH)
        if not any(map(math.isnan, there)):
            found.append((turn, there, difference(there, plain)))
    adjusted = holm([gap.p for _, _, gap in found])
    effects = [
        Effect(turn, estimate(there), _paired(there, plain), p)
        for (turn, there, _), p in zip(found, adjusted, strict=True)
    ]
    effects.sort(key=lambda one: one.change.mean)
    return Hanging(estimate(plain), tuple(effects), len(turns), seeds, left_out, len(leaders) - len(found))


def first_look(bench: Bench, hunt: Hunt, runs: int) -> tuple[list[Turn], int, int]:
    """Every lever turned, within so many runs: what leaves least first; on how many seeds; how many levers were left out.

    It says which turns are worth a closer look, and no more.
    """
    assert hunt.best is not None, "found"
    every = sorted(levers(hunt.scenario), key=lambda bound: _remote(bound.path, hunt))
    count = next((n for n in range(len(FIRST), 1, -1) if n * (1 + 2 * len(every)) <= runs), 1)
    seeds = FIRST[:count]
    few = every[: max(0, (runs // count - 1) // 2)]
    if not few:
        return [], count, len(every)
    plain = float(np.mean(_profits(bench, hunt, {}, seeds)))
    turns = []
    for bound in few:
        turn = Turn(bound, value_of(hunt.scenario, bound.path), plain, math.nan, math.nan)
        low, high = (
            float(np.mean(_profits(bench, hunt, {bound.path: turn.at(factor)}, seeds))) for factor in (1.0 / TURN, TURN)
        )
        turns.append(turn._replace(at_low=low, at_high=high))
    turns.sort(key=lambda turn: (math.isnan(turn.least), turn.least))
    return turns, count, len(every) - len(few)


def _profits(bench: Bench, hunt: Hunt, values: dict[str, float], seeds: Sequence[int]) -> list[float]:
    """The found attack's profits where levers stand at these values; nan where a run went wrong."""
    assert hunt.best is not None, "found"
    scenario = hunt.scenario
    for path, value in values.items():
        scenario = turned(scenario, path, value)
    return [profit(one) for one in bench.play("binding parameter", [of(hunt.best, scenario, seed) for seed in seeds])]


def _paired(there: Sequence[float], plain: Sequence[float]) -> Estimate:
    gaps = np.subtract(there, plain).tolist()
    low, high = flip_interval(gaps)
    return Estimate(float(np.mean(gaps)), low, high, len(gaps))


def _remote(path: str, hunt: Hunt) -> int:
    """Levers of the market attacked first, then those of its whole exchange, then all others."""
    exchanges, role = hunt.scenario.world.exchanges, hunt.attack
    exchange = next(one for one in exchanges if one.name == (role.exchange or exchanges[0].name))
    home = f"exchanges.{exchange.name}."
    if path.startswith(f"{home}markets.{role.market or exchange.markets[0].name}."):
        return 0
    return 1 if path.startswith(home) and not path.startswith(f"{home}markets.") else 2
