"""Which single failure hurts most, and which exchange should have been isolated: each node taken out in a twin of its own.

Who is missed is said by playing without him. An exchange is taken out in two ways: *removed*, with everybody who lives on it, or
*isolated*: it goes on, but what it issues counts abroad as at the start, its index is read nowhere else, and nobody's purse there
answers for another's. What is measured is bad debt (deficits passed on, loans written off, and what is still owed by accounts worth
less than nothing) on all other exchanges; of a player, on all. Differences are paired by seed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from agents.player import Role
from agents.roles.common_holder import CommonHolder
from agents.roles.keeper import Keeper
from agents.roles.loan_keeper import LoanKeeper
from agents.roles.maker import Maker
from agents.roles.provider import Provider
from agents.roles.share_keeper import ShareKeeper
from agents.roles.share_pledger import ShareBull
from agents.roles.supplier import Supplier
from experiments.cascades.amplification import OPEN, measured
from experiments.cascades.channels import own_feeds, set_apart
from experiments.parallel import spread
from experiments.scenario import Scenario, without
from experiments.statistics import Difference, Estimate, difference, estimate, holm
from protocol.appraisal import issued

REMOVED, ISOLATED, MISSING = "removed", "isolated", "taken out"
KINDS: dict[type[Role], str] = {
    Keeper: "keeper",
    LoanKeeper: "keeper",
    Maker: "maker",
    Provider: "provider",
    Supplier: "provider",
    CommonHolder: "holder",
}


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
    """Every node that can fail, in a twin of its own: exchanges where there are several, keepers, makers, providers, holders."""
    names = tuple(exchange.name for exchange in scenario.world.exchanges)
    found = []
    for name in names if len(names) > 1 else ():
        others = tuple(other for other in names if other != name)
        for how, twin in ((REMOVED, removed(scenario, name)), (ISOLATED, isolated(scenario, name))):
            if twin is not None:
                found.append(Twin(name, "exchange", how, twin, others))
    for role in scenario.cast:
        kind = next((word for cls, word in KINDS.items() if isinstance(role, cls)), None)
        if kind is not None:
            found.append(Twin(role.label, kind, MISSING, without(scenario, role.label), names))
    return found


def isolated(scenario: Scenario, name: str) -> Scenario | None:
    """The scenario in which what happens on an exchange is felt nowhere else; None where it never was."""
    twin = set_apart(scenario, (name,)) or scenario
    twin = own_feeds(twin, (name,)) or twin
    names = [exchange.name for exchange in scenario.world.exchanges]
    cast = tuple(
        replace(role, pooled=0.0) if isinstance(role, CommonHolder) and name in (role.exchanges or names) else role
        for role in twin.cast
    )
    twin = replace(twin, cast=cast)
    return None if twin == scenario else twin


def removed(scenario: Scenario, name: str) -> Scenario:
    """The scenario without an exchange, without what it issues, and without whoever lives on it or needs it."""
    scenario = own_feeds(scenario, (name,)) or scenario
    first = scenario.world.exchanges[0].name
    gone = next(exchange for exchange in scenario.world.exchanges if exchange.name == name)
    rest = tuple(
        replace(one, collateral=tuple(taken for taken in one.collateral if taken.token not in issued(gone)))
        for one in scenario.world.exchanges
        if one.name != name
    )
    takes = {one.name for one in rest if any(c.token not in one.priced() | issued(one) for c in one.collateral)}
    cast = []
    for role in scenario.cast:
        if (role.exchange or first) == name and not isinstance(role, CommonHolder | ShareKeeper):
            continue
        if isinstance(role, ShareBull) and (role.exchange or first) not in takes:
            continue
        if isinstance(role, CommonHolder | ShareKeeper):
            left = tuple(one for one in role.exchanges or [e.name for e in scenario.world.exchanges] if one != name)
            left = tuple(one for one in left if one in takes) if isinstance(role, ShareKeeper) else left
            if len(left) < (1 if isinstance(role, ShareKeeper) else 2):
                continue
            role = replace(role, exchanges=left, exchange=left[0])
        elif not role.exchange:
            role = replace(role, exchange=first)
        cast.append(role)
    world = dataclasses.replace(scenario.world, exchanges=rest)
    return replace(scenario, world=world, cast=tuple(cast))


def failures(scenario: Scenario, seeds: Sequence[int], *, workers: int | None = None) -> list[Failure]:
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
    """What is found, in a line: of isolated exchanges the one that should have been, else the failure that hurts most."""
    apart = [one for one in found if one.how == ISOLATED and one.change.estimate.high < 0]
    if apart:
        best = min(apart, key=lambda one: one.change.estimate.mean)
        return f"{best.node} should have been isolated"
    hurts = [one for one in found if one.change.estimate.low > 0]
    return f"{hurts[0].node} is missed most" if hurts else "No single failure can be told from none"


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
