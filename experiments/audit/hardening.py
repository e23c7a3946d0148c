"""Hardening: the most open interest per coin of capital that a protocol's own parameters allow, with no attack above a bound.

Outside, designs are drawn a generation at a time; inside, each attack answers each design by the best of what has paid before,
its own settings, and settings drawn anew for that design. A design above the bound is worth less than any below it, and
the less the further it is (Deb 2000, "An efficient constraint handling method for genetic algorithms"). What is reported is the
most efficient design that still stands when the attacks search against it for longer, on seeds that nothing was chosen by.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from agents.attacks.base import Attack
from experiments.arsenal.campaign import trade_by_market
from experiments.arsenal.seating import attacked, benign, seat
from experiments.arsenal.trials import Result
from experiments.arsenal.verdict import KEPT
from experiments.audit.bench import Bench
from experiments.audit.changes import binding
from experiments.audit.designs import Design, Hardened, Judged
from experiments.audit.findings import Line
from experiments.audit.hunting import GENERATION_COST, SEEDS, Hunt, funded, honest, hunted, of, profit
from experiments.audit.levers import value_of
from experiments.audit.paths import PricePath
from experiments.audit.screening import screened
from experiments.axes.base import Bound
from experiments.axes.latin_hypercube import LatinHypercube
from experiments.codec import Mistakes
from experiments.optimising import GENERATION, Candidate, maximise
from experiments.overrides import varied
from experiments.scenario import Scenario
from experiments.search import space
from experiments.statistics import estimate

INSIDE = (1, 2)  # seeds that designs are compared on
REMEMBERED = 3  # settings of each attack that have paid most, and meet every design
FRESH = 2  # settings of each attack drawn for a design
MOST_ATTACKS, MOST_LEVERS = 3, 4
FINISH = 0.35  # of the budget: for judging the designs that are left


def harden(
    scenario: Scenario,
    kinds: Mapping[str, type[Attack]],
    over: Sequence[Bound],
    path: PricePath,
    bench: Bench,
    *,
    bound: float,
    capital: float | None = None,
) -> Hardened:
    """Search the levers. Raises Mistakes where nothing can be searched, or honest runs cannot be played."""
    plain = path.of(benign(scenario))
    if None in bench.play("designs", [honest(plain, seed) for seed in INSIDE]):
        raise Mistakes([f"{plain.name}: an honest run goes wrong: {bench.wrong[-1]}"])
    hunts, short = _attackers(bench, plain, kinds, path, capital)
    levers = tuple(over) or _binding(bench, hunts)
    found = Hardened(plain, bound, path, levers, tuple(type(one.attack).__name__ for one in hunts))
    found.short, found.budget = short, bench.budget
    search = _Search(bench, found, hunts)
    if hunts and levers:
        search.run()
    search.judge()
    if found.chosen is not None and found.chosen.wrong:
        found.short.append(f"of the searches against the hardened design, {found.chosen.wrong} runs went wrong")
    found.spent, found.wrong, found.digests = dict(bench.spent), list(bench.wrong), bench.digests
    return found


def _attackers(
    bench: Bench, plain: Scenario, kinds: Mapping[str, type[Attack]], path: PricePath, capital: float | None
) -> tuple[list[Hunt], list[str]]:
    """Attacks that see a chance under the rules as they are, each having searched once, the worst first; and what is unknown."""
    seats = {name: seat(kind, plain, trade_by_market(plain)) for name, kind in kinds.items()}
    roles = [funded(one.attack, capital) for one in seats.values() if not one.lacks]
    lines: list[Line] = [screened(bench, plain, role, [path]) for role in roles]
    open_ = [line.hunt for line in lines if line.hunt is not None and line.state == "not searched"]
    open_.sort(key=lambda hunt: -hunt.worth)
    short = [f"{line.attack}: not screened{line.why and f': {line.why}'}" for line in lines if line.hunt is None]
    found: list[Hunt] = []
    for hunt in open_:
        name = type(hunt.attack).__name__
        if bench.left < GENERATION_COST:
            short.append(f"{name}: its settings were not searched")
            continue
        one = hunted(bench, "attackers' searches", hunt, 1)
        if one.best is None:
            short.append(f"{name}: the runs of its search went wrong")
        elif one.worth > 0:
            found.append(one)
        elif one.wrong:
            short.append(f"{name}: its search found nothing, but {one.wrong} of its runs went wrong")
    return sorted(found, key=lambda one: -one.worth)[:MOST_ATTACKS], short


def _binding(bench: Bench, hunts: Sequence[Hunt]) -> tuple[Bound, ...]:
    """The levers that the worst attack hangs on most."""
    if not hunts:
        return ()
    with bench.at_most(bench.budget // 5):
        turns, _ = binding(bench, hunts[0])
    return tuple(turn.bound for turn in turns if turn.least < 0.9 * hunts[0].worth)[:MOST_LEVERS]


class _Spent(Exception):
    """No further generation of designs can be afforded."""


class _Search:
    """One hardening: what has been tried, and what the attacks remember."""

    def __init__(self, bench: Bench, found: Hardened, hunts: Sequence[Hunt]) -> None:
        self.bench, self.found, self.hunts = bench, found, list(hunts)
        self.memory: dict[str, list[Attack]] = {self._name(hunt): self._starting(hunt) for hunt in hunts}
        self.volume = math.nan

    @staticmethod
    def _name(hunt: Hunt) -> str:
        return type(hunt.attack).__name__

    @staticmethod
    def _starting(hunt: Hunt) -> list[Attack]:
        return list(dict.fromkeys(one for one in (hunt.best, hunt.attack) if one is not None))

    @property
    def cost(self) -> int:
        """Runs that a design takes, at most."""
        return len(INSIDE) * (1 + len(self.hunts) * (REMEMBERED + FRESH))

    def run(self) -> None:
        """Draw designs while the budget lasts."""
        found = self.found
        own = {lever.path: value_of(found.scenario, lever.path) for lever in found.levers}
        found.designs.append(self._played(own, 0))
        reserve = int(FINISH * self.bench.budget)
        most = (self.bench.left - reserve) // (GENERATION * 2)  # if every run of an attack were known already
        bounds = [dataclasses.replace(lever, name=lever.path) for lever in found.levers]

        def worth(number: int, asked: Sequence[Candidate]) -> list[float]:
            if self.bench.left - reserve < GENERATION * self.cost:
                raise _Spent
            played = [self._played(one, GENERATION * number + k + 1) for k, one in enumerate(asked)]
            found.designs += played
            return [self._worth(one) for one in played]

        with contextlib.suppress(_Spent):
            maximise(bounds, worth, generations=max(1, most), first=[own], sampler="tpe", startup=GENERATION)
        if len(found.designs) == 1:
            found.short.append("the budget is too small for a generation of designs")

    def _worth(self, design: Design) -> float:
        """Efficiency of what stands; of what does not, by how much not."""
        if math.isnan(design.efficiency) or math.isnan(design.worst):
            return math.nan
        over = max(0.0, design.worst - self.found.bound)
        short = max(0.0, KEPT - design.trade)
        return design.efficiency if not (over or short) else -math.log1p(over) - 10.0 * short

    def _scenario(self, values: Mapping[str, float]) -> Scenario | None:
        try:
            return varied(self.found.scenario, dict(values))
        except Mistakes:
            return None

    def _played(self, values: Mapping[str, float], number: int) -> Design:
        """A design on the seeds of the search: what it carries, and what the attacks' answers earn."""
        scenario = self._scenario(values)
        if scenario is None:
            return Design(values, math.nan, math.nan, "")
        quiet = [
            one for one in self.bench.play("designs", [honest(scenario, seed) for seed in INSIDE]) if one is not None
        ]
        if len(quiet) < len(INSIDE):
            return Design(values, math.nan, math.nan, "")
        volume = float(np.mean([one.volume for one in quiet]))
        self.volume = volume if math.isnan(self.volume) else self.volume
        worst, by = 0.0, ""
        for hunt in self.hunts:
            name = self._name(hunt)
            answers = list(dict.fromkeys([*self.memory[name], *self._fresh(hunt, number)]))
            earned = [self._earned(one, scenario) for one in answers]
            if any(map(math.isnan, earned)):
                return Design(values, math.nan, math.nan, name)
            ranked = sorted(zip(earned, range(len(answers)), strict=True), key=lambda pair: (-pair[0], pair[1]))
            best, place = ranked[0]
            if best > self.found.bound and answers[place] not in self.memory[name]:
                self.memory[name] = [answers[place], *self.memory[name]][:REMEMBERED]
            if best > worst:
                worst, by = best, name
        trade = volume / self.volume if self.volume > 0 else 1.0
        return Design(values, float(np.mean([_efficiency(one) for one in quiet])), worst, by, trade)

    def _fresh(self, hunt: Hunt, number: int) -> list[Attack]:
        """Settings that depend on the number of the design alone."""
        try:
            bounds = space(attacked(hunt.scenario, hunt.attack), hunt.attack, ())
        except Mistakes:
            return []
        levels = LatinHypercube(bounds, FRESH, seed=number).levels()
        return [
            dataclasses.replace(hunt.attack, **{b.column: level.changes[b.path] for b in bounds}) for level in levels
        ]

    def _earned(self, attack: Attack, scenario: Scenario) -> float:
        """Mean profit; nan where a run went wrong."""
        runs = self.bench.play("designs", [of(attack, scenario, seed) for seed in INSIDE])
        return float(np.mean([profit(one) for one in runs]))

    # ------------------------------------------------------------------ judging

    def judge(self) -> None:
        """The rules as they are, and the most efficient designs, until none is left that would be better than one that stands.

        One that falls shows by how much the seeds of the search flatter: next comes one that would stand if flattered as much.
        """
        found = self.found
        found.start = self._judged(found.designs[0]) if found.designs else None
        if found.designs and found.start is None:
            found.short.append("the rules as they are were not judged on held-out seeds")
        ranked = sorted(found.designs[1:], key=lambda one: -_or(self._worth(one)))
        left, limit = [one for one in ranked if self._worth(one) > 0], math.inf
        while left:
            design = next((one for one in left if one.worst <= limit), left[0])
            judged = self._judged(design)
            if judged is None and not self._afforded:
                break
            left.remove(design)
            if judged is None:
                continue  # its runs went wrong
            found.judged.append(judged)
            if judged.stands:
                left = [one for one in left if one.efficiency > design.efficiency]
            else:
                limit = min(limit, design.worst * found.bound / max(one.high for one in judged.attacks.values()))
        if found.chosen is not None:
            found.best = self._scenario(found.chosen.design.levers)
        elif left:
            found.short.append(f"{len(left)} designs were not judged on held-out seeds")

    @property
    def _afforded(self) -> bool:
        """Whether a design can be judged."""
        return self.bench.left >= len(SEEDS) + len(self.hunts) * (GENERATION_COST + len(SEEDS))

    def _judged(self, design: Design) -> Judged | None:
        """A design on held-out seeds, every attack having searched against it; None where not afforded, or runs went wrong."""
        scenario = self._scenario(design.levers)
        if scenario is None or not self._afforded:
            return None
        played = self.bench.play("judging", [honest(scenario, seed) for seed in SEEDS])
        quiet = [one for one in played if one is not None]
        if len(quiet) < len(SEEDS):
            return None
        profits, wrong = {}, 0
        for hunt in self.hunts:
            starts = tuple(self.memory[self._name(hunt)])
            again = hunted(self.bench, "judging", Hunt(scenario, hunt.attack, starts), 1)
            wrong += again.wrong
            runs = self.bench.play("judging", [of(again.best or hunt.attack, scenario, seed) for seed in SEEDS])
            values = [profit(one) for one in runs]
            if any(map(math.isnan, values)):
                return None
            profits[self._name(hunt)] = estimate(values)
        stands = all(not one.high > self.found.bound for one in profits.values())
        return Judged(design, estimate([_efficiency(one) for one in quiet]), profits, stands, wrong)


def _efficiency(found: Result) -> float:
    """Notional held per coin of capital: margin posted, vaults and insurance behind it."""
    return found.held / found.capital if found.capital > 0 else 0.0


def _or(value: float) -> float:
    return -math.inf if math.isnan(value) else value
