"""What the trials come to: a row an attack, a cell an attack and defence, and the cheapest defence that stops each.

Profit and damage are paired by seed: the attacked run less the benign one under the same rules and dice. A defence counts
only while it keeps `KEPT` of the open interest and the volume that honest traders had under the rules as they were; stopping
trade is no defence. The cheapest of those that stop an attack loses least open interest, then least provider return, then
least slippage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.crowds.base import Crowd
from experiments.arsenal.trials import ATTACKER, Result
from experiments.scenario import Scenario
from experiments.statistics import Estimate, estimate, share

KEPT = 0.8  # of honest open interest and volume: below it a defence does not count
DEARER = (
    1.0 / KEPT
)  # times what honest trade cost: crowds trade on at any price, and whoever looked at it would trade as much less
HARMLESS = 0.1  # of the profit under the rules as they were: what a stopped attack may still earn
MINE = {ATTACKER}


class Cost(NamedTuple):
    """What a defence costs honest users, against the rules as they were: ratios and differences of benign means."""

    open_interest: float  # share kept
    volume: float  # share kept
    provider_return: float  # difference
    slippage: float  # difference
    fees: float = 0.0  # difference, per coin traded
    dearer: float = 1.0  # what a coin traded costs, slippage and fees, times what it did; nan: nobody traded

    @property
    def counts(self) -> bool:
        """Whether honest trade goes on."""
        return min(self.open_interest, self.volume) >= KEPT

    @property
    def bearable(self) -> bool:
        """Whether honest trade goes on, and at a price at which it would."""
        return self.counts and not self.dearer > DEARER


class Cell(NamedTuple):
    """One attack under one set of rules. Cash in coins."""

    attack: str
    defence: str  # "": the rules as they were
    profit: Estimate
    attacked: Estimate  # share of seeds in which it decided to
    succeeded: Estimate | None  # of those, the share with a profit; None where it never attacked
    declined: str  # why it stayed at home, where it always did
    expected: float  # mean over attacked seeds of the sum of its own estimates; nan: none
    cost: float  # the same of its costs
    stake: float  # mean of the largest capital at risk at once
    damage: Estimate  # what all others together lost
    victims: dict[str, float]  # mean loss by class, the largest first
    noticed: float  # median seconds to a public alarm; nan: never
    bad_debt: float  # mean, beyond the benign runs'
    stopped: (
        bool  # neither its profit nor, on average, the damage is more than `HARMLESS` of what it was without the rule
    )

    @property
    def pays(self) -> bool:
        """Whether the interval of its profit lies above zero."""
        return self.profit.low > 0

    def within(self, bound: float) -> bool:
        """Whether it is stopped, and no part of its interval is worth an attack, cash coins: where some is, that is not known."""
        return self.stopped and self.profit.high <= bound

    @property
    def gain_on_stake(self) -> float:
        """Profit per coin at risk; nan where nothing was."""
        return self.profit.mean / self.stake if self.stake > 0 else math.nan


def cost_of(before: Sequence[Result], after: Sequence[Result]) -> Cost:
    """What honest users lose by a defence: both benign, under the rules as they were and under the defence."""

    def ratio(name: str) -> float:
        old = float(np.mean([getattr(one, name) for one in before]))
        return float(np.mean([getattr(one, name) for one in after])) / old if old > 0 else 1.0

    def change(name: str) -> float:
        old, new = ([getattr(one, name) for one in some] for some in (before, after))
        return float(np.mean(np.subtract(new, old)))

    differences = change("provider_return"), change("slippage"), change("fees")
    return Cost(ratio("open_interest"), ratio("volume"), *differences, dearer(paid(before), paid(after)))


def paid(played: Sequence[Result]) -> float:
    """What a coin traded cost honest traders: slippage and fees, a mean over runs."""
    return float(np.mean([one.slippage + one.fees for one in played]))


def dearer(before: float, after: float) -> float:
    """How many times as much trade costs; where it cost nothing, anything more is out of all proportion."""
    if before > 0:
        return after / before
    return math.nan if math.isnan(after - before) else math.inf if after > before else 1.0


def classes(scenario: Scenario) -> dict[str, str]:
    """Who belongs together when one asks who paid: by group of accounts."""
    known = {"founders": "providers", "vault": "providers", "venue": "providers", "lender": "providers"}
    for role in scenario.cast:
        known[role.label] = "traders" if isinstance(role, Crowd) else f"{type(role).__name__.lower()}s"
    known["provider"] = "providers"
    return known


def cell(
    attack: Attack,
    defence: str,
    mine: Sequence[Result],
    twins: Sequence[Result],
    kinds: Mapping[str, str],
    bare: Cell | None = None,
) -> Cell:
    """One attack under one set of rules, from its runs and their twins, in the order of the seeds. `bare`: without a defence."""
    profits = [one.gains[ATTACKER] for one in mine]
    losses: dict[str, list[float]] = {}
    for one, twin in zip(mine, twins, strict=True):
        for group, gain in one.gains.items():
            if group not in MINE:
                losses.setdefault(kinds.get(group, kinds.get(group.rpartition(".")[2], group)), []).append(
                    twin.gains.get(group, 0.0) - gain
                )
    count = len(mine)
    victims = {kind: math.fsum(values) / count for kind, values in losses.items()}
    totals = [
        sum(twin.gains.get(g, 0.0) - v for g, v in one.gains.items() if g not in MINE)
        for one, twin in zip(mine, twins, strict=True)
    ]
    acting = [one for one in mine if one.attacked]
    profit, damage = estimate(profits), estimate(totals)
    return Cell(
        attack=type(attack).__name__,
        defence=defence,
        profit=profit,
        attacked=share(len(acting), count),
        succeeded=share(sum(one.gains[ATTACKER] > 0 for one in acting), len(acting)) if acting else None,
        declined=next((one.declined for one in mine if one.declined), "") if not acting else "",
        expected=_mean([one.estimate for one in acting]),
        cost=_mean([one.cost for one in acting]),
        stake=_mean([one.stake for one in acting]),
        damage=damage,
        victims=dict(sorted(victims.items(), key=lambda item: (-item[1], item[0]))),
        noticed=_median([one.noticed for one in acting]),
        bad_debt=_mean([one.bad_debt - twin.bad_debt for one, twin in zip(mine, twins, strict=True)]),
        stopped=bare is not None and _harmless(profit, damage, bare),
    )


def _harmless(profit: Estimate, damage: Estimate, bare: Cell) -> bool:
    """Whether little is left of what an attack earned, with its whole interval, and of what others lost."""
    earns = profit.high <= max(HARMLESS * bare.profit.mean, 1.0)
    hurts = damage.mean > max(HARMLESS * bare.damage.mean, 1.0)
    return earns and not hurts


def cheapest(cells: Sequence[Cell], costs: Mapping[str, Cost]) -> str:
    """Of the defences that stop an attack and count, the one that costs honest users least; "" where there is none."""
    fit = [one.defence for one in cells if one.defence and one.stopped and costs[one.defence].counts]
    return min(fit, key=lambda name: (*burden(costs[name]), name), default="")


def burden(cost: Cost) -> tuple[float, float, float]:
    """What honest users lose, to be compared: open interest first, then provider return, then slippage and fees."""
    return (-round(cost.open_interest, 3), -round(_or(cost.provider_return), 6), _or(cost.slippage) + _or(cost.fees))


def _or(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _median(values: Sequence[float]) -> float:
    """The median, those that were never noticed counting as longest; nan where that is never."""
    if not values:
        return math.nan
    found = float(np.median(np.nan_to_num(np.asarray(values, float), nan=math.inf)))
    return found if math.isfinite(found) else math.nan
