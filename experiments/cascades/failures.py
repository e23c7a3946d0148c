"""Which single failure hurts most, and which exchange should have been isolated: each node taken out in a twin of its own.

Who is missed is said by playing without him. An exchange is taken out in two ways: *removed*, with everybody who lives on it, or
*isolated*: it goes on, but what it issues counts abroad as at the start, its index is read nowhere else, and it is left out of
everybody's purse, which stays whole between the others. What is measured is bad debt (deficits passed on, loans written off, and
what is still owed by accounts worth less than nothing) on all other exchanges; of a player, on all. Differences are paired by seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from agents.lost import Lost
from experiments.cascades.amplification import OPEN, measured
from experiments.cascades.channels import own_feeds, set_apart
from experiments.parallel import Workers, spread
from experiments.scenario import Scenario, without
from experiments.statistics import Difference, Estimate, difference, estimate, holm

LEVEL = 0.05  # of p, adjusted: what is above is not told from none
REMOVED, ISOLATED, MISSING = "removed", "isolated", "taken out"


class Failure(NamedTuple):
    """One node, how it fails, and what that does to bad debt elsewhere, cash coins."""

    node: str
    kind: str
    how: str
    whole: Estimate  # as the scenario is
    twin: Estimate  # without it
    change: Difference  # twin less run, paired: above 0 where it is missed
    p: float  # among all failures (Holm 1979)


class Twin(NamedTuple):
    """A scenario in which a node has failed. `counted`: names of the exchanges whose losses are looked at."""

    node: str
    kind: str
    how: str
    scenario: Scenario
    counted: tuple[str, ...]


def twins(scenario: Scenario) -> list[Twin]:
    """Every node that can fail, in a twin of its own: exchanges where there are several, keepers, makers, providers, holders.

    An exchange that cannot be removed has no such twin: see `irremovable`.
    """
    names = tuple(exchange.name for exchange in scenario.world.exchanges)
    stays, found = irremovable(scenario), []
    for name in names if len(names) > 1 else ():
        others = tuple(other for other in names if other != name)
        gone = None if name in stays else removed(scenario, name)
        for how, twin in ((REMOVED, gone), (ISOLATED, isolated(scenario, name))):
            if twin is not None:
                found.append(Twin(name, "exchange", how, twin, others))
    for role in scenario.cast:
        if role.kind:
            found.append(Twin(role.label, role.kind, MISSING, without(scenario, role.label), names))
    return found


def isolated(scenario: Scenario, name: str) -> Scenario | None:
    """The scenario in which what happens on an exchange is felt nowhere else; None where it never was."""
    twin = set_apart(scenario, (name,)) or scenario
    twin = own_feeds(twin, (name,)) or twin
    names = [exchange.name for exchange in scenario.world.exchanges]
    twin = replace(twin, cast=tuple(role.cut_off(name, names) for role in twin.cast))
    return None if twin == scenario else twin


def irremovable(scenario: Scenario) -> dict[str, str]:
    """Exchanges, of several, without which the rest is no scenario, and why, in a line."""
    found = {}
    names = [exchange.name for exchange in scenario.world.exchanges]
    for name in names if len(names) > 1 else ():
        try:
            removed(scenario, name)
        except ValueError as error:
            found[name] = "; ".join(str(error).splitlines())
    return found


def removed(scenario: Scenario, name: str) -> Scenario:
    """The scenario without an exchange, without what it issues, and without whoever lives on it or needs it.

    What goes with it is said by `Lost`, and what becomes of the others by their roles. Raises ValueError where the rest is no
    scenario.
    """
    scenario = own_feeds(scenario, (name,)) or scenario
    lost = Lost(name, scenario.world)
    cast = tuple(stays for role in scenario.cast if (stays := role.without(lost)) is not None)
    return replace(scenario, world=lost.after, cast=cast)


def failures(scenario: Scenario, seeds: Sequence[int], *, workers: Workers = None) -> list[Failure]:
    """Every failure, the one that is missed most first."""
    found = twins(scenario)
    arms = [scenario, *(one.scenario for one in found)]
    tasks = [replace(arm, seed=seed) for arm in arms for seed in seeds]
    results = spread(measured, tasks, workers=workers, title="failures") if found else []
    rows = [results[k * len(seeds) : (k + 1) * len(seeds)] for k in range(len(arms))]
    told = []
    for one, theirs in zip(found, rows[1:], strict=False):
        mine, other = ([bad_debt(row, one.counted) for row in arm] for arm in (rows[0], theirs))
        told.append(Failure(one.node, one.kind, one.how, estimate(mine), estimate(other), difference(other, mine), 1.0))
    adjusted = holm([one.change.p for one in told])
    told = [one._replace(p=p) for one, p in zip(told, adjusted, strict=True)]
    return sorted(told, key=lambda one: -one.change.estimate.mean)


def bad_debt(row: dict[str, float], counted: Sequence[str]) -> float:
    """Deficits passed on, loans written off, and what is still owed beyond all there is, on the exchanges counted, cash coins."""
    return sum(row[f"{name}.{what}"] for name in counted for what in ("deficit", "written_off", OPEN))


def headline(found: Sequence[Failure]) -> str:
    """What is found, in a line: of isolated exchanges the one that should have been, else who is missed most, else who is not.

    Only what stands among all failures (`p` below `LEVEL`) is said.
    """
    if not any(one.whole.mean or one.twin.mean for one in found):
        return "Nothing is lost, whoever fails"
    sure = [one for one in found if one.p < LEVEL]
    apart = [one for one in sure if one.how == ISOLATED and one.change.estimate.mean < 0]
    if apart:
        best = min(apart, key=lambda one: one.change.estimate.mean)
        return f"{best.node} should have been isolated"
    hurts = [one for one in sure if one.change.estimate.mean > 0]
    if hurts:
        return f"{max(hurts, key=lambda one: one.change.estimate.mean).node} is missed most"
    if sure:
        return f"Less bad debt without {min(sure, key=lambda one: one.change.estimate.mean).node}"
    seeds = max((one.change.estimate.seeds for one in found), default=0)
    return f"No single failure can be told from none at {seeds} seeds"


def table(found: Sequence[Failure]) -> pd.DataFrame:
    """As a table: a row a failure."""
    return pd.DataFrame([_row(one) for one in found])


def _row(one: Failure) -> dict[str, Any]:
    gap = one.change.estimate
    return {
        "node": one.node,
        "kind": one.kind,
        "how": one.how,
        "whole": one.whole.mean,
        "twin": one.twin.mean,
        "change": gap.mean,
        "low": gap.low,
        "high": gap.high,
        "p": one.p,
        "seeds": gap.seeds,
    }
