"""Study: does a maker that loses on one exchange quote wider on another?

`common-makers` with one purse for both exchanges (the scenario), and with a purse for each (the channel `holders` cut), on the same
draws. Of beta, whose bitcoin has nothing to do with alpha's ether, it is measured how wide the common maker quotes and what trading
costs those who take, both by stretches of time and over the last third.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.cascades.channels import CHANNELS
from experiments.figures.common_makers import draw
from experiments.figures.style import stamp
from experiments.parallel import Workers, spread
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import difference
from experiments.tables import cell, columns, write

NAME = "common-makers"
QUESTION = "Does a maker that loses on one exchange quote wider on another?"

MARKET = "beta.BTC-PERP"
ARMS = ("one purse", "a purse each")
STRETCH = 180.0  # seconds
LATE = 1_200.0  # seconds from which on it counts as after the loss
SEEDS = 12


def scenario(arm: str, seed: int) -> Scenario:
    """The bundled scenario, or its twin without the channel."""
    base = find("common-makers")
    cut = next(channel.cut for channel in CHANNELS if channel.name == "holders")(base)
    assert cut is not None
    return replace(base if arm == ARMS[0] else cut, seed=seed)


def measure(task: tuple[str, int]) -> dict[str, Any]:
    """One run: relative spread that the maker quotes, cost of taking relative to fair, and what it and others gained."""
    record = run(scenario(*task))
    gains = {who.replace("-", "_"): record.metrics[f"gain.{who}"] for who in ("maker", "beta-maker", "beta-takers")}
    row: dict[str, Any] = {"arm": task[0], "seed": task[1], "spread": quoted(record, LATE), "cost": paid(record, LATE)}
    for start in np.arange(0.0, record.scenario.duration, STRETCH):
        row[f"spread_{start:.0f}"] = quoted(record, start, start + STRETCH)
        row[f"cost_{start:.0f}"] = paid(record, start, start + STRETCH)
    return row | gains | {"digest": record.digest}


def quoted(record: Record, start: float, end: float = np.inf) -> float:
    """Median full spread of the common maker's new quotes in MARKET between two times, relative; nan where it made none."""
    events = record.events
    chosen = events[(events["kind"] == "quote") & (events["time"] >= start) & (events["time"] < end)]
    found = [one["spread"] / one["centre"] for one in chosen["numbers"] if one.get("market") == MARKET]
    return float(np.median(found)) if found else float("nan")


def paid(record: Record, start: float, end: float = np.inf) -> float:
    """How far off fair crowds traded there, relative to what they traded."""
    blocks = record.blocks[(record.blocks["time"] >= start) & (record.blocks["time"] < end)]
    return float(blocks[f"{MARKET}.run_off"].sum() / max(blocks[f"{MARKET}.run_volume"].sum(), 1e-9))


def sweep(*, workers: Workers = None, quick: bool = False) -> pd.DataFrame:
    """One row a run."""
    tasks = [(arm, seed) for arm in ARMS for seed in range(1, (2 if quick else SEEDS) + 1)]
    return pd.DataFrame(spread(measure, tasks, workers=workers, title=NAME))


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """One row an arm, and one for the first less the second, by seed: every value with its interval."""
    arms = {arm: group.set_index("seed") for arm, group in runs.groupby("arm", sort=False)}
    rows = []
    values = [name for name in runs.columns if name not in ("arm", "seed", "digest")]
    for arm, group in arms.items():
        row: dict[str, Any] = {"arm": arm, "seeds": len(group)}
        for name in values:
            row |= columns(name, group[name])
        rows.append(row)
    row = {"arm": "difference", "seeds": len(arms[ARMS[0]])}
    for name in values:
        mine, theirs = (arms[arm][name] for arm in ARMS)
        row |= columns(name, mine - theirs)
        row[f"{name}_p"] = difference(list(mine), list(theirs)).p
    return pd.DataFrame([*rows, row])


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    runs = sweep(workers=workers, quick=quick)
    arms = table(runs)
    write(out, {f"{NAME}-runs": runs, NAME: arms})
    figure = draw(arms, STRETCH, LATE, out, NAME, stamp(runs["digest"]))
    lines = [QUESTION, ""]
    for row in arms.to_dict("records"):
        lines.append(
            f"{row['arm']}: spread on beta {cell(row, 'spread', 1e4, 1)} bp, cost of taking there"
            f" {cell(row, 'cost', 1e4, 1)} bp; the maker gains {cell(row, 'maker')}, beta's own maker"
            f" {cell(row, 'beta_maker')}, its takers {cell(row, 'beta_takers')}"
        )
    last = arms.iloc[-1]
    lines.append(f"p of the difference: spread {last['spread_p']:.2g}, cost {last['cost_p']:.2g}.")
    lines.append(f"{len(runs)} runs, paired seeds 1 to {int(last['seeds'])}; from {LATE:g} s on. Gains in cash coins.")
    lines.append(f"Written: {', '.join(map(str, figure))}")
    return "\n".join(lines)
