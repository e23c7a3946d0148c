"""Weighing a design: what attacks that search against it earn, and what it leaves of honest trade, on seeds nothing was chosen by.

Twelve seeds first. Where they leave open whether it stands, for an interval reaches over what is asked, as many again and twice
that many more; once, so that few designs are let through by looking until one is lucky.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agents.attacks.base import Attack
from experiments.arsenal.trials import Result, Trial
from experiments.arsenal.verdict import KEPT
from experiments.audit.bench import Bench
from experiments.audit.designs import Design, Judged, Kept
from experiments.audit.hunting import SEEDS, Hunt, honest, hunted, of, profit
from experiments.scenario import Scenario
from experiments.statistics import estimate, ratio

MORE = tuple(range(SEEDS[-1] + 1, SEEDS[-1] + 1 + 2 * len(SEEDS)))  # seeds of the second look


class Weighed(NamedTuple):
    """A judgement, and what each attack played against the design, by label."""

    judged: Judged
    answers: Mapping[str, Attack]


def weighed(
    bench: Bench,
    design: Design,
    scenario: Scenario,
    plain: Scenario,
    hunts: Mapping[str, Hunt],
    memory: Mapping[str, Sequence[Attack]],
    bound: float,
    spare: int = 0,
) -> Weighed | None:
    """A design, as a scenario, beside the rules as they are (`plain`), against all who hunt; None where runs went wrong.

    `memory`: settings to try first, by label. `spare`: runs that a second look must leave. It is for the asker to see that the
    first can be afforded.
    """
    answers: dict[str, Attack] = {}
    wrong = 0
    for name, hunt in hunts.items():
        there = hunt.scenario_with(scenario.world)
        again = hunted(bench, "judging", Hunt(there, hunt.attack, tuple(memory[name])), 1)
        wrong += again.wrong
        answers[name] = again.best or hunt.attack

    def looked(seeds: Sequence[int]) -> Judged | None:
        quiet, before = (_whole(bench, [honest(one, seed) for seed in seeds]) for one in (scenario, plain))
        profits = {}
        for name, attack in answers.items():
            there = hunts[name].scenario_with(scenario.world)
            values = [profit(one) for one in bench.play("judging", [of(attack, there, seed) for seed in seeds])]
            if any(map(math.isnan, values)):
                return None
            profits[name] = estimate(values)
        if quiet is None or before is None:
            return None
        kept = kept_of(quiet, before)
        stands = kept.enough and all(one.high <= bound for one in profits.values())
        return Judged(design, estimate([efficiency(one) for one in quiet]), profits, kept, stands, wrong)

    found = looked(SEEDS)
    if found is not None and _open(found, bound) and bench.left >= spare + (2 + len(answers)) * len(MORE):
        found = looked(SEEDS + MORE) or found
    return None if found is None else Weighed(found, answers)


def _open(found: Judged, bound: float) -> bool:
    """Whether nothing shows that it falls, and not all that it stands."""
    falls = found.kept.too_little or any(one.low > bound for one in found.attacks.values())
    return not (falls or found.stands)


def kept_of(quiet: Sequence[Result], before: Sequence[Result]) -> Kept:
    """What is left of honest trade, runs of nobody, seed by seed."""

    def of_all(played: Sequence[Result]) -> tuple[list[float], ...]:
        return (
            [one.volume for one in played],
            [one.open_interest for one in played],
            [one.slippage + one.fees for one in played],
            [efficiency(one) for one in played],
        )

    return Kept(*(ratio(mine, theirs) for mine, theirs in zip(of_all(quiet), of_all(before), strict=True)))


def efficiency(found: Result) -> float:
    """Notional held per coin of capital: margin posted, vaults and insurance behind it."""
    return found.held / found.capital if found.capital > 0 else 0.0


def flattered(found: Judged) -> float:
    """By how much the seeds of the search flatter a design's trade, where that is why it falls; 0 else."""
    low = found.kept.trade.low
    return max(0.0, found.design.trade - low) if low < KEPT else 0.0


def _whole(bench: Bench, trials: Sequence[Trial]) -> list[Result] | None:
    played = bench.play("judging", trials)
    return None if None in played else [one for one in played if one is not None]
