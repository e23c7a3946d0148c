"""How much worse each channel makes it: runs beside their twins with one channel cut, with one after another, and with all of them.

Differences are paired by seed. Shares of single channels need not add up to what all of them do together: a loss may need two, or
one may stand in for another. Cut one after another (`Twins.steps`, in the order of `CHANNELS`) they do, but each step hangs on
what was cut before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from experiments.cascades.channels import CHANNELS, without_any
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario
from experiments.statistics import Difference, Estimate, difference, estimate, holm

MEASURES = {  # of every exchange, summed; and of each by itself where there are several, as EXCHANGE.liquidations
    "liquidations": "liquidations",
    "liquidated": "liquidated notional, cash coins",
    "seizures": "seizures, of synthetics' positions among them",
    "seized": "seized collateral, cash coins",
    "deficit": "deficits, cash coins",
    "written_off": "loans and mints written off, cash coins",
}
OPEN = "underwater"  # owed by accounts worth less than nothing, whom nobody has closed
ALL = "all channels"


class Amplified(NamedTuple):
    """One cut and one measure. `ratio`: of the run's mean to the twin's."""

    channel: str
    measure: str
    whole: Estimate  # as the scenario is
    cut: Estimate  # its twin
    through: Difference  # what went through the channel, paired
    p: float  # among all of the table (Holm 1979)

    @property
    def ratio(self) -> float:
        """Amplification; inf where nothing is left in the twin, nan where there is nothing at all."""
        if self.cut.mean:
            return self.whole.mean / self.cut.mean
        return float("inf") if self.whole.mean else float("nan")


class Twins(NamedTuple):
    """What cutting shows. Of a step `whole` is the twin with all channels before it cut, `cut` that with this one cut as well."""

    single: list[Amplified]
    steps: list[Amplified]


def measured(scenario: Scenario) -> dict[str, float]:
    """Every measure of one run: summed, and of each exchange."""
    metrics = run(scenario).metrics
    names = [exchange.name for exchange in scenario.world.exchanges]
    each = {f"{name}.{measure}": float(metrics[f"{name}.{measure}"]) for name in names for measure in (*MEASURES, OPEN)}
    return {measure: sum(each[f"{name}.{measure}"] for name in names) for measure in MEASURES} | each


def cuts(scenario: Scenario) -> dict[str, Scenario]:
    """The twins that there are, by channel."""
    single = {c.name: cut for c in CHANNELS if (cut := c.cut(scenario)) is not None}
    return single | ({ALL: without_any(scenario)} if len(single) > 1 else {})


def stairs(scenario: Scenario) -> dict[str, Scenario]:
    """Twins by the channel that is cut last: after the first, which is cut by itself, and before the last, which leaves none."""
    found: dict[str, Scenario] = {}
    for name in [name for name in cuts(scenario) if name != ALL][:-1]:
        scenario = next(c.cut for c in CHANNELS if c.name == name)(scenario) or scenario
        found[name] = scenario
    return dict(list(found.items())[1:])


def twins(scenario: Scenario, seeds: Sequence[int], *, workers: Workers = None) -> Twins:
    """A row for every channel that the scenario has and every measure there is any of; by exchange where several have some."""
    single, between = cuts(scenario), stairs(scenario)
    arms: dict[tuple[str, ...], Scenario] = {(): scenario} | {(name,): twin for name, twin in single.items()}
    arms |= {("after", name): twin for name, twin in between.items()}
    tasks = [replace(arm, seed=seed) for arm in arms.values() for seed in seeds]
    results = spread(measured, tasks, workers=workers, title="twins")
    rows = {key: results[k * len(seeds) : (k + 1) * len(seeds)] for k, key in enumerate(arms)}
    kept = [name for name in results[0] if any(result[name] for result in results)]
    many = [what for what in MEASURES if sum(name.endswith(f".{what}") for name in kept) > 1]
    kept = [name for name in kept if name in MEASURES or name.rpartition(".")[2] in many]
    alone = [_compared(name, measure, rows[()], rows[name,]) for name in single for measure in kept]
    path, names = [rows[()]], [name for name in single if name != ALL]
    for place, name in enumerate(names):
        last = place == len(names) - 1
        path.append(rows[name,] if place == 0 else rows[ALL,] if last else rows["after", name])
    down = [
        _compared(name, measure, path[place], path[place + 1])
        for place, name in enumerate(names)
        for measure in kept
        if measure in MEASURES
    ]
    return Twins(_corrected(alone), _corrected(down))


def _compared(name: str, measure: str, mine: list[dict[str, float]], theirs: list[dict[str, float]]) -> Amplified:
    one, other = ([row[measure] for row in rows] for rows in (mine, theirs))
    return Amplified(name, measure, estimate(one), estimate(other), difference(one, other), 1.0)


def _corrected(found: list[Amplified]) -> list[Amplified]:
    adjusted = holm([one.through.p for one in found])
    return [one._replace(p=p) for one, p in zip(found, adjusted, strict=True)]


def table(found: Sequence[Amplified]) -> pd.DataFrame:
    """As a table: a row a channel and measure."""
    return pd.DataFrame([_row(one) for one in found])


def _row(one: Amplified) -> dict[str, Any]:
    gap = one.through.estimate
    return {
        "channel": one.channel,
        "measure": one.measure,
        "whole": one.whole.mean,
        "whole_low": one.whole.low,
        "whole_high": one.whole.high,
        "cut": one.cut.mean,
        "cut_low": one.cut.low,
        "cut_high": one.cut.high,
        "through": gap.mean,
        "low": gap.low,
        "high": gap.high,
        "ratio": one.ratio,
        "p": one.p,
        "seeds": gap.seeds,
    }
