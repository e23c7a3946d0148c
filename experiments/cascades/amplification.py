"""How much worse each channel makes it: runs beside their twins with one channel cut, and with all of them.

Differences are paired by seed. Shares of single channels need not add up to what all of them do together: a loss may need two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from experiments.cascades.channels import CHANNELS, without_any
from experiments.parallel import spread
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


def amplification(scenario: Scenario, seeds: Sequence[int], *, workers: int | None = None) -> list[Amplified]:
    """A row for every channel that the scenario has and every measure there is any of; by exchange where several have some."""
    arms = {"": scenario} | cuts(scenario)
    tasks = [replace(arm, seed=seed) for arm in arms.values() for seed in seeds]
    results = spread(measured, tasks, workers=workers, title="twins")
    rows = {name: results[k * len(seeds) : (k + 1) * len(seeds)] for k, name in enumerate(arms)}
    kept = [name for name in results[0] if any(result[name] for result in results)]
    many = [what for what in MEASURES if sum(name.endswith(f".{what}") for name in kept) > 1]
    kept = [name for name in kept if name in MEASURES or name.rpartition(".")[2] in many]
    found = [_compared(name, measure, rows) for name in rows if name for measure in kept]
    adjusted = holm([one.through.p for one in found])
    return [one._replace(p=p) for one, p in zip(found, adjusted, strict=True)]


def _compared(name: str, measure: str, rows: dict[str, list[dict[str, float]]]) -> Amplified:
    mine, theirs = ([row[measure] for row in rows[arm]] for arm in ("", name))
    return Amplified(name, measure, estimate(mine), estimate(theirs), difference(mine, theirs), 1.0)


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
