"""Hardening: the most open interest per coin of capital that a protocol's own parameters allow, with no attack above a bound.

Outside, designs are drawn a generation at a time; inside, each attack answers each design by the best of what has paid before,
its own settings, and settings drawn anew for that design. A design above the bound is worth less than any below it, and
the less the further it is (Deb 2000, "An efficient constraint handling method for genetic algorithms"). What is reported is the
most efficient design that still stands when the attacks search against it for longer, and that still lets trade go on, on seeds
that nothing was chosen by (`weighing`), and when the whole arsenal has met it on every path. Whoever breaks one then joins; runs
kept for judging that are not needed go back to the search.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from agents.attacks.base import Attack
from experiments.arsenal.campaign import trade_by_market
from experiments.arsenal.seating import benign
from experiments.arsenal.trials import Result
from experiments.arsenal.verdict import DEARER, KEPT
from experiments.audit.bench import Bench
from experiments.audit.designs import INSIDE, Design, Hardened, Judged
from experiments.audit.hunting import SEEDS, Hunt, honest, of, profit
from experiments.audit.levers import too_long, value_of
from experiments.audit.paths import PricePath
from experiments.audit.rivals import LOOK, Arsenal, attackers, drawn, levers_of, meet
from experiments.audit.weighing import efficiency, flattered, kept_of, weighed
from experiments.axes.base import Bound
from experiments.codec import Mistakes
from experiments.optimising import GENERATION, Candidate, maximise
from experiments.overrides import varied
from experiments.scenario import Scenario

REMEMBERED = 3  # settings of each attack that have paid most, and meet every design
FRESH = 2  # settings of each attack drawn for a design
FINISH = 0.35  # of the runs that are left: kept for judging, until it is known what there is to judge


def harden(
    scenario: Scenario,
    kinds: Mapping[str, type[Attack]],
    over: Sequence[Bound],
    path: PricePath,
    bench: Bench,
    *,
    bound: float,
    capital: float | None = None,
    elsewhere: Sequence[PricePath] = (),
) -> Hardened:
    """Search the levers on a path; what is chosen meets everybody there and `elsewhere`.

    Raises Mistakes where nothing can be searched, a lever takes longer than a run can show, or honest runs cannot be played.
    """
    plain = path.of(benign(scenario))
    if wrong := [line for one in over for line in too_long(plain, one)]:
        raise Mistakes(wrong)
    if None in bench.play("designs", [honest(plain, seed) for seed in INSIDE]):
        raise Mistakes([f"{plain.name}: an honest run goes wrong: {bench.wrong[-1]}"])
    own = tuple(role for role in scenario.cast if isinstance(role, Attack))
    arsenal = Arsenal(kinds, trade_by_market(plain), capital, own)
    hunts, left_out, short = attackers(bench, plain, arsenal, path)
    levers = tuple(over) or levers_of(bench, hunts)
    found = Hardened(plain, bound, path, levers, tuple(type(one.attack).__name__ for one in hunts), tuple(left_out))
    found.short, found.budget, found.paths = short, bench.budget, (path, *elsewhere)
    search = _Search(bench, found, hunts, arsenal)
    before = -1
    while hunts and levers and len(found.designs) > before:
        before = len(found.designs)
        search.run()
        search.judge()
    search.tell()
    found.spent, found.wrong, found.digests = dict(bench.spent), list(bench.wrong), bench.digests
    return found


class _Spent(Exception):
    """No further generation of designs can be afforded."""


class _Search:
    """One hardening: what has been tried, who attacks, and what they remember. `hunts`, `memory`: by label."""

    def __init__(self, bench: Bench, found: Hardened, hunts: Sequence[Hunt], arsenal: Arsenal) -> None:
        self.bench, self.found, self.arsenal = bench, found, arsenal
        self.hunts = {type(hunt.attack).__name__: hunt for hunt in hunts}
        self.memory = {name: _starting(hunt) for name, hunt in self.hunts.items()}
        self.plain: list[Result] = []  # of nobody under the rules as they are, on the seeds of the search
        self.rounds = 0
        self.limit = math.inf  # cash coins on the seeds of the search: what would stand if flattered as those that fell
        self.least = KEPT  # share of trade on the seeds of the search: likewise
        self.keep = len(arsenal.seated(found.scenario)) * len(found.paths or (found.path,)) + LOOK

    @property
    def cost(self) -> int:
        """Runs that a design takes, at most."""
        return len(INSIDE) * (1 + len(self.hunts) * (REMEMBERED + FRESH))

    def run(self) -> None:
        """Draw designs while the budget lasts, but for what is kept for judging them."""
        found, first = self.found, not self.found.designs
        reserve = int(FINISH * (self.bench.budget if first else self.bench.left))
        if first:
            own = {lever.path: value_of(found.scenario, lever.path) for lever in found.levers}
            found.designs.append(self._played(own, 0))
        else:
            self._again(reserve)
        most = (self.bench.left - reserve) // (GENERATION * 2)  # if every run of an attack were known already
        bounds = [dataclasses.replace(lever, name=lever.path) for lever in found.levers]

        def worth(_: int, asked: Sequence[Candidate]) -> list[float]:
            if self.bench.left - reserve < GENERATION * self.cost:
                raise _Spent
            played = [self._played(one, len(found.designs) + k) for k, one in enumerate(asked)]
            found.designs += played
            return [self._worth(one) for one in played]

        known = [(dict(one.levers), self._worth(one)) for one in found.designs]
        with contextlib.suppress(_Spent):
            maximise(
                bounds,
                worth,
                generations=max(1, most),
                known=known,
                sampler="tpe",
                startup=2 * GENERATION,
                seed=self.rounds,
            )
        self.rounds += 1
        if len(found.designs) == 1:
            found.short.append("the budget is too small for a generation of designs")

    def _again(self, reserve: int) -> None:
        """Designs that stood on the seeds of the search meet what the attacks have learnt since, and who has joined them."""
        for n, design in enumerate(self.found.designs):
            if n and self._worth(design) > 0 and self.bench.left - reserve >= self.cost:
                self.found.designs[n] = self._played(design.levers, n)

    def _worth(self, design: Design) -> float:
        """Efficiency of what stands; of what does not, by how much not."""
        if math.isnan(design.efficiency) or math.isnan(design.worst):
            return math.nan
        over = max(0.0, design.worst - self.found.bound)
        short = max(0.0, KEPT - design.trade) + max(0.0, 1.0 - DEARER / design.dearer if design.dearer > 0.0 else 0.0)
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
        self.plain = self.plain or quiet  # the rules as they are come first
        kept = kept_of(quiet, self.plain)
        worst, by = 0.0, ""
        for name, hunt in self.hunts.items():
            answers = list(dict.fromkeys([*self.memory[name], *drawn(hunt, FRESH, number)]))
            earned = [self._earned(one, hunt.scenario_with(scenario.world)) for one in answers]
            if any(map(math.isnan, earned)):
                return Design(values, math.nan, math.nan, name)
            ranked = sorted(zip(earned, range(len(answers)), strict=True), key=lambda pair: (-pair[0], pair[1]))
            best, place = ranked[0]
            if best > self.found.bound:
                self._remember(name, answers[place])
            if best > worst:
                worst, by = best, name
        trade = min(kept.volume.mean, kept.open_interest.mean)
        held = float(np.mean([efficiency(one) for one in quiet]))
        return Design(values, held, worst, by, trade, kept.dearer.mean)

    def _remember(self, name: str, attack: Attack | None) -> None:
        if attack is not None and attack not in self.memory[name]:
            self.memory[name] = [attack, *self.memory[name]][:REMEMBERED]

    def _earned(self, attack: Attack, scenario: Scenario) -> float:
        """Mean profit; nan where a run went wrong."""
        runs = self.bench.play("designs", [of(attack, scenario, seed) for seed in INSIDE])
        return float(np.mean([profit(one) for one in runs]))

    def judge(self) -> None:
        """The rules as they are, and the most efficient designs, until one has stood that the whole arsenal has met.

        Whoever of those breaks it joins the attacks, and the next design is judged.
        """
        found = self.found
        if found.designs and found.start is None:
            found.start = self._judged(found.designs[0])
        while True:
            self._in_turn()
            chosen = found.chosen
            if chosen is None or chosen.met is not None:
                return
            self._meet(chosen)
            if self.found.chosen is None:
                self._again(self._price + self.keep)

    @property
    def _open(self) -> list[Design]:
        """Designs not judged yet that would be better than any that stands, the most efficient first."""
        chosen, judged = self.found.chosen, [one.design.levers for one in self.found.judged]
        least = 0.0 if chosen is None else chosen.design.efficiency
        open_ = [one for one in self.found.designs[1:] if self._worth(one) > least and one.levers not in judged]
        return sorted(open_, key=lambda one: -one.efficiency)

    def _in_turn(self) -> None:
        """Judge until no design is left that would be better than one that stands, or none is afforded.

        One that falls shows by how much the seeds of the search flatter: next comes one that would stand if flattered as much.
        """
        found, lost = self.found, list[Design]()
        while left := [one for one in self._open if one not in lost]:
            design = next((one for one in left if one.worst <= self.limit and one.trade >= self.least), left[0])
            judged = self._judged(design)
            if judged is None and not self._afforded:
                return
            if judged is None:
                lost.append(design)  # its runs went wrong
                continue
            found.judged.append(judged)
            high = max((one.high for one in judged.attacks.values()), default=-math.inf)
            if high > found.bound:
                self.limit = min(self.limit, design.worst * found.bound / high)
            self.least = max(self.least, KEPT + flattered(judged))

    @property
    def _price(self) -> int:
        """Runs that judging a design takes: nobody's, each attack's search, what that found."""
        return len(SEEDS) + len(self.hunts) * LOOK

    @property
    def _afforded(self) -> bool:
        """Whether a design can be judged; where one stands, whether that could still meet the whole arsenal afterwards."""
        keep = 0 if self.found.chosen is None else self.keep
        beside = 0 if self.found.start is not None else len(SEEDS)  # nobody, under the rules as they are
        return self.bench.left >= self._price + beside + keep

    def _judged(self, design: Design) -> Judged | None:
        """A design on held-out seeds, every attack having searched against it; None where not afforded, or runs went wrong."""
        scenario, found = self._scenario(design.levers), self.found
        if scenario is None or not self._afforded:
            return None
        spare = self.keep + (self._price if found.start is not None else 2 * self._price)
        told = weighed(self.bench, design, scenario, found.scenario, self.hunts, self.memory, found.bound, spare)
        if told is None:
            return None
        for name, one in told.judged.attacks.items():
            if one.high > found.bound:
                self._remember(name, told.answers[name])
        return told.judged

    def _meet(self, chosen: Judged) -> None:
        """The whole arsenal on every path against the design that stands; who breaks it joins the attacks."""
        found, scenario = self.found, self._scenario(chosen.design.levers)
        assert scenario is not None, "played"
        meeting = meet(self.bench, scenario, self.arsenal, found.paths or (found.path,), self.memory)
        breaking = [tag for tag, one in meeting.profits.items() if one.high > found.bound]
        for tag in breaking:
            self.hunts[tag] = meeting.newcomers[tag]
            self.memory[tag] = _starting(meeting.newcomers[tag])
        found.joined += breaking
        found.seated = meeting.seated
        place = found.judged.index(chosen)
        found.judged[place] = chosen._replace(met=meeting.profits, unmet=meeting.short, stands=not breaking)

    def tell(self) -> None:
        """What was found, and what that rests on."""
        found, chosen = self.found, self.found.chosen
        if found.designs and found.start is None:
            found.short.append("the rules as they are were not judged on held-out seeds")
        if chosen is None:
            if left := self._open:
                found.short.append(f"{len(left)} designs were not judged on held-out seeds")
            return
        found.best = self._scenario(chosen.design.levers)
        if chosen.wrong:
            found.short.append(f"of the searches against the hardened design, {chosen.wrong} runs went wrong")
        found.short += chosen.unmet


def _starting(hunt: Hunt) -> list[Attack]:
    return list(dict.fromkeys(one for one in (hunt.best, hunt.attack) if one is not None))
