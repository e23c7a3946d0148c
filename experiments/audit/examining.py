"""The audit of a protocol, stage by stage, within a number of runs.

Honest runs; a screening of every attack by one run and its own estimates; hunts for the settings of those that see a chance;
their worth on held-out seeds; what the worst hangs on; and for each that pays the cheapest change that still holds when the
attacker searches again. Changes add up: the next attack meets the rules as changed so far, and all of them meet the last.
What the budget does not reach is said, and so is what the seeds leave undecided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agents.attacks.base import Attack
from experiments.arsenal.campaign import trade_by_market
from experiments.arsenal.seating import benign, seat
from experiments.arsenal.trials import Result
from experiments.audit.answering import answer
from experiments.audit.bench import Bench
from experiments.audit.binding import binding
from experiments.audit.findings import Audit, Line, Stress
from experiments.audit.hunting import GENERATION_COST, SEEDS, funded, honest, hunted
from experiments.audit.judging import judge
from experiments.audit.paths import PricePath
from experiments.audit.screening import screened
from experiments.codec import Mistakes
from experiments.defences.base import Defence
from experiments.scenario import Scenario
from experiments.statistics import estimate, share

HUNTING, LISTENING, BINDING, TAIL = 0.3, 0.05, 0.2, 0.05  # shares of the budget, at most
MOST_GENERATIONS = 64  # of one hunt
MOST_TAIL = 300  # runs from which on a 99 % quantile has an upper end


def least_budget(scenario: Scenario, kinds: Mapping[str, type[Attack]], paths: Sequence[PricePath]) -> int:
    """Runs below which nothing could be said: honest ones, and one screening of every attack that has a surface."""
    open_ = sum(not seat(kind, scenario, {}).lacks for kind in kinds.values())
    return len(paths) * (len(SEEDS) + open_) + len(SEEDS)


def audit(
    scenario: Scenario,
    kinds: Mapping[str, type[Attack]],
    rules: Mapping[str, Defence],
    paths: tuple[PricePath, ...],
    bench: Bench,
    *,
    bound: float,
    capital: float | None = None,
) -> Audit:
    """Examine a protocol, and change it where something pays. Raises Mistakes where honest runs cannot be played."""
    plain = benign(scenario)
    found = Audit(plain, paths, bound, budget=bench.budget)
    bench.length = plain.duration
    twins = {path.name: _honest(bench, path.of(plain)) for path in paths}
    seats = {name: seat(kind, scenario, trade_by_market(plain)) for name, kind in kinds.items()}
    roles = {name: funded(one.attack, capital) for name, one in seats.items()}
    found.lines = [
        Line(name, "no surface", one.lacks) if one.lacks else screened(bench, plain, roles[name], paths)
        for name, one in seats.items()
    ]
    found.stress = _stress(bench, next(path for path in paths if path.name == "stressed").of(plain), twins["stressed"])
    _hunt(bench, found)
    judge(bench, found, twins)
    if not found.paying and _listened(bench, found):
        judge(bench, found, twins)
    unsearched = [line.attack for line in found.lines if line.hunt is not None and line.hunt.best is None]
    if unsearched:
        found.short.append(f"the settings of {', '.join(unsearched)} were not searched")
    for n, line in enumerate(found.paying):
        assert line.hunt is not None, "pays"
        with bench.at_most(int(BINDING * bench.budget / 2 ** min(n + 1, len(found.paying) - 1))):
            hanging = binding(bench, line.hunt)
        if hanging is None:
            found.short.append(f"{line.attack}: which parameter is binding was not looked at")
            continue
        found.turns[line.attack] = hanging
        if hanging.left_out:
            found.short.append(f"{line.attack}: {hanging.left_out} parameters were not looked at")
    if found.paying:
        answer(bench, found, rules, twins, roles)
    found.spent, found.wrong, found.digests = dict(bench.spent), list(bench.wrong), bench.digests
    return found


def _honest(bench: Bench, scenario: Scenario) -> list[Result]:
    """Runs that nobody attacks, on the seeds that are reported."""
    played = [one for one in bench.play("honest runs", [honest(scenario, seed) for seed in SEEDS]) if one is not None]
    if len(played) < len(SEEDS):
        raise Mistakes([f"{scenario.name}: an honest run goes wrong: {bench.wrong[-1]}"])
    return played


def _hunt(bench: Bench, found: Audit) -> None:
    """Hunts in turn, halved: the further one goes, the fewer are left. Those that stay at home get a look, too."""
    lines = found.lines
    alive = sorted((n for n, line in enumerate(lines) if line.state == "not searched"), key=lambda n: -_worth(found, n))
    quiet = [n for n, line in enumerate(lines) if line.state == "stays home"]
    generations = 1
    with bench.at_most(int(HUNTING * bench.budget)):
        while alive and generations <= MOST_GENERATIONS and bench.left >= GENERATION_COST:
            for n in alive:
                _gone_on(bench, found, n, generations)
            alive = [n for n in sorted(alive, key=lambda n: -_worth(found, n)) if _worth(found, n) > 0]
            alive = alive[: math.ceil(len(alive) / 2)]
            generations *= 2
    with bench.at_most(int(LISTENING * bench.budget)):
        for n in quiet:
            _gone_on(bench, found, n, 1)


def _listened(bench: Bench, found: Audit) -> bool:
    """Where nothing pays, the runs that are left go to those that stay at home; whether one of them was drawn out."""
    for n, line in enumerate(found.lines):
        if line.state == "stays home" and line.hunt is not None and not line.hunt.generations:
            _gone_on(bench, found, n, 1)
    return any(line.state == "not judged" for line in found.lines)


def _gone_on(bench: Bench, found: Audit, n: int, generations: int) -> None:
    line = found.lines[n]
    assert line.hunt is not None, "seated"
    able = line.hunt.generations + bench.left // GENERATION_COST
    if able == line.hunt.generations:
        return
    hunt = hunted(bench, "attackers' searches", line.hunt, min(generations, able))
    home = line.state == "stays home" and not hunt.worth > 0
    found.lines[n] = line._replace(hunt=hunt, state="stays home" if home else "not judged")


def _worth(found: Audit, n: int) -> float:
    hunt = found.lines[n].hunt
    return -math.inf if hunt is None else hunt.worth


def _stress(bench: Bench, scenario: Scenario, played: Sequence[Result]) -> Stress:
    """Bad debt under stress, on the reported seeds and as many more as the budget's share allows."""
    more = max(0, min(int(TAIL * bench.budget), MOST_TAIL - len(SEEDS), bench.left))
    seeds = range(SEEDS[-1] + 1, SEEDS[-1] + 1 + more)
    runs = [*played, *bench.play("bad debt under stress", [honest(scenario, seed) for seed in seeds])]
    debts = sorted(one.bad_debt for one in runs if one is not None)
    low, high = quantile_interval(debts, 0.99)
    hits = sum(debt > 0 for debt in debts)
    tail = float(np.quantile(debts, 0.99, method="inverted_cdf"))
    return Stress(tuple(debts), estimate(debts), share(hits, len(debts)), tail, low, high)


def quantile_interval(ordered: Sequence[float], level: float) -> tuple[float, float]:
    """The 95 % interval of a quantile, from order statistics, whatever the distribution (David and Nagaraja 2003, 7.1).

    inf where the largest is not enough to bound it from above.
    """
    from scipy.stats import binom

    count = len(ordered)
    low = int(binom.ppf(0.025, count, level))
    high = int(binom.ppf(0.975, count, level))
    return ordered[max(low - 1, 0)], (ordered[high] if high < count else math.inf)
