"""Study: how much goes through each channel, in a scenario that reaches it?

A row a channel: a bundled scenario (two of them with settings that make the channel matter, `changes`), the same with that one
channel cut, on the same draws, and what of one measure is gone or has come. The share is the paired difference over whichever of
the two means is the larger, and above 0 where the channel does harm: 1 where no harm is left without it, below 0 where it spares.
Of what is good to have (`GOODS`) harm is what is missing. Shares of different measures in different scenarios are not to be ranked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.cascades.channels import CHANNELS
from experiments.figures.channels import draw
from experiments.figures.style import stamp
from experiments.overrides import varied
from experiments.parallel import Workers, spread
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import difference, estimate, holm
from experiments.tables import write

NAME = "channels"
QUESTION = "How much goes through each channel, in a scenario that reaches it?"

SEEDS = 12
ARMS = ("as it is", "cut")


def _summed(name: str) -> Callable[[Record], float]:
    """A metric of every exchange, summed."""
    return lambda record: float(sum(value for key, value in record.metrics.items() if key.endswith(f".{name}")))


def _seized(record: Record) -> float:
    rows = record.events.loc[record.events["kind"] == "seizure", "numbers"]
    return float(sum(one["repaid"] for one in rows))


MEASURES: dict[str, Callable[[Record], float]] = {  # cash coins a run
    "liquidated": _summed("liquidated"),
    "liquidated on alpha": lambda record: float(record.metrics["alpha.liquidated"]),
    "loans written off": _summed("written_off"),
    "traded": _summed("volume"),
    "repaid by seizures": _seized,
    "left in the loan pool": _summed("loans.assets"),
}

GOODS = {  # measures of which there is better more, and what to call that which is missing
    "traded": "trade lost",
    "repaid by seizures": "repayment lost",
    "left in the loan pool": "taken out of the loan pool",
}


class Setting(NamedTuple):
    """Where a channel is reached, and what it is measured by. `changes` to the bundled scenario."""

    scenario: str
    measure: str
    changes: dict[str, Any] = {}


SETTINGS = {
    "price": Setting("fire-sale", "liquidated"),
    "losses": Setting("fire-sale", "liquidated"),
    "oracle": Setting("fire-sale", "liquidated"),
    "collateral": Setting("shared-collateral", "loans written off"),
    "holders": Setting("common-holders", "liquidated on alpha"),
    "feed": Setting("common-feed", "liquidated"),
    "liquidity": Setting("lending-run", "left in the loan pool"),
    "makers": Setting(
        "maker-book", "traded", {"duration": 600.0, "nature.volatility": [6.0], "cast.maker.flight": 8e-4}
    ),
    "keepers": Setting(
        "shared-collateral", "repaid by seizures", {"duration": 1_440.0, "cast.seizer.capital": 20_000.0}
    ),
}


class Task(NamedTuple):
    """One run."""

    channel: str
    arm: str
    seed: int


def scenario(task: Task) -> Scenario:
    """The setting of a channel, or its twin without it."""
    setting = SETTINGS[task.channel]
    base = varied(replace(find(setting.scenario), seed=task.seed), setting.changes)
    if task.arm == ARMS[0]:
        return base
    cut = next(channel.cut for channel in CHANNELS if channel.name == task.channel)(base)
    assert cut is not None
    return cut


def measure(task: Task) -> dict[str, Any]:
    """One run: its measure, cash coins."""
    record = run(scenario(task))
    return {**task._asdict(), "value": MEASURES[SETTINGS[task.channel].measure](record), "digest": record.digest}


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a channel: means of both arms, the paired difference, and the harm in it as a share of the larger mean; p by Holm."""
    rows = []
    for channel, group in runs.groupby("channel", sort=False):
        wide = group.pivot_table(index="seed", columns="arm", values="value")
        whole, cut = (wide[arm].tolist() for arm in ARMS)
        found = difference(whole, cut)
        one = SETTINGS[str(channel)]
        larger = max(estimate(whole).mean, estimate(cut).mean) or 1.0
        row: dict[str, Any] = {
            "channel": channel,
            "scenario": one.scenario,
            "changed": bool(one.changes),
            "measure": one.measure,
        }
        row |= {"seeds": len(wide), "whole": estimate(whole).mean, "cut": estimate(cut).mean}
        row |= {"through": found.estimate.mean, "low": found.estimate.low, "high": found.estimate.high}
        harm = difference(cut, whole).estimate if one.measure in GOODS else found.estimate
        row |= {"harm": GOODS.get(one.measure, one.measure)}
        row |= {"share": harm.mean / larger, "share_low": harm.low / larger, "share_high": harm.high / larger}
        rows.append(row | {"p": found.p})
    made = pd.DataFrame(rows)
    return made.assign(p=holm(made["p"].tolist()))


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    tasks = [Task(channel, arm, seed) for channel in SETTINGS for arm in ARMS for seed in seeds]
    return report(pd.DataFrame(spread(measure, tasks, workers=workers, title=NAME)), out)


def report(runs: pd.DataFrame, out: Path) -> str:
    """Tables, figure and summary of runs."""
    found = table(runs)
    write(out, {f"{NAME}-runs": runs, NAME: found})
    paths = draw(found, out, NAME, stamp(runs["digest"]))
    lines = [
        QUESTION,
        "",
        f"{'channel':>11}{'scenario':>20}{'measure':>21}{'as it is':>13}{'cut':>13}    harm, 95 %   p (Holm)",
    ]
    for row in found.to_dict("records"):
        share = f"{row['share']:>7.0%} [{row['share_low']:.0%}, {row['share_high']:.0%}]"
        name = row["scenario"] + ("*" if row["changed"] else "")
        lines.append(
            f"{row['channel']:>11}{name:>20}{row['measure']:>21}{row['whole']:>13,.0f}{row['cut']:>13,.0f}{share:>22}{row['p']:>8.3f}"
        )
    lines += [
        "",
        "Cash coins a run; * with settings changed (see the study). Harm: of the larger mean, below 0 where the channel spares.",
        f"{int(found['seeds'].max())} paired seeds (from 1).",
    ]
    lines.append(f"Written: {', '.join(map(str, paths))}")
    return "\n".join(lines)
