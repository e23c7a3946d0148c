"""Study: what does it cost to keep one's margin on another chain than one's position?

In `stuck-margin` eight longs pledge half of their coins where the perpetual is and keep the other half at home, where the chain
is down half of the time; called, they send for it over a bridge. Twins: the chain never down, with the same bridge, a slow and a
quick one; and all coins pledged where the position is. Same path, same positions. Counted as liquidated though solvent: whoever
was closed out and, when it last looked before that, would have met maintenance with all its coins pledged at their haircut. Direct
cost: reward, penalty, and what the forced sale fetched below fair. What a position would have earned after that is in the gain as
well: at a drift of zero that is noise.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from experiments.figures.stuck_margin import draw
from experiments.figures.style import stamp
from experiments.overrides import varied
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import difference
from experiments.tables import cell, means, write
from protocol.blocks.fixed import Fixed

NAME = "stuck-margin"
QUESTION = "What does it cost to keep one's margin on another chain than one's position?"

ALWAYS_UP: dict[str, Any] = {"world.chains.l1.blocks": Fixed(12.0)}
ARMS: dict[str, dict[str, Any]] = {
    "chain goes down": {},
    "slow bridge": ALWAYS_UP | {"world.bridges.bridge.delay": 600.0},
    "never down": ALWAYS_UP,
    "quick bridge": ALWAYS_UP | {"world.bridges.bridge.depth": 1, "world.bridges.bridge.delay": 0.0},
    "margin at hand": {"cast.remote.reserve": 0.0},  # and all of it pledged: see `scenario`
}
MEASURES = ("called", "liquidated", "solvent", "wait", "cost", "gain", "deficit")
SEEDS = 24


class Point(NamedTuple):
    """One run."""

    arm: str
    seed: int


def scenario(point: Point) -> Scenario:
    """The bundled `stuck-margin`, or a twin of it."""
    base = dataclasses.replace(find(NAME), seed=point.seed)
    role: Any = next(role for role in base.cast if role.label == "remote")
    changes = dict(ARMS[point.arm])
    if "cast.remote.reserve" in changes:
        whole = role.pledged + role.reserve
        changes |= {"cast.remote.pledged": whole, "cast.remote.leverage": role.leverage * role.pledged / whole}
    return varied(base, changes)


def measure(point: Point) -> dict[str, Any]:
    """Shares of traders; seconds from a call to its margin's arrival; cash coins a trader. nan: nobody was called, or answered."""
    chosen = scenario(point)
    record = run(chosen)
    role: Any = next(role for role in chosen.cast if role.label == "remote")
    told = {kind: list(rows["numbers"]) for kind, rows in record.events.groupby("kind")}
    called = record.events[record.events["kind"] == "margin called"]["who"].nunique()
    out = told.get("closed out", [])
    haircut = 1.0 - chosen.world.exchanges[1].collateral[0].maintenance
    solvent = [one for one in out if one["equity"] + haircut * one["spare"] >= one["needs"]]
    waits = [one["since"] for one in told.get("margin arrived", [])]
    sold = record.events[record.events["kind"] == "liquidation"]
    prices = record.blocks.drop_duplicates("time", keep="last").set_index("time")["rollup.ETH-PERP.fair"]
    penalty: float = chosen.world.exchanges[1].liquidation.penalty  # type: ignore[attr-defined]
    cost = sum(
        one["reward"] + penalty * one["notional"] + abs(one["size"]) * prices[time] - one["notional"]
        for time, one in zip(sold["time"], sold["numbers"], strict=True)
        if one["group"] == "remote"
    )
    return {
        **point._asdict(),
        "called": called / role.count,
        "liquidated": len(out) / role.count,
        "solvent": len(solvent) / role.count,
        "wait": float(np.mean(waits)) if waits else np.nan,
        "cost": cost / role.count,
        "gain": record.metrics["gain.remote"] / role.count,
        "deficit": record.metrics["rollup.deficit"],
        "digest": record.digest,
    }


def differences(runs: pd.DataFrame) -> pd.DataFrame:
    """Each arm less `margin at hand`, paired by seed: direct cost and gain a trader, with intervals."""
    wide = runs.pivot_table(index="seed", columns="arm", values=["cost", "gain"])
    rows = []
    for arm in list(ARMS)[:-1]:
        row: dict[str, Any] = {"arm": arm}
        for name in ("cost", "gain"):
            found = difference(wide[name, arm].tolist(), wide[name, "margin at hand"].tolist()).estimate
            row |= {"seeds": found.seeds, name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
        rows.append(row)
    return pd.DataFrame(rows)


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    points = [Point(arm, seed) for seed in range(1, (2 if quick else SEEDS) + 1) for arm in ARMS]
    return report(pd.DataFrame(spread(measure, points, workers=workers, title=NAME)), out)


def report(runs: pd.DataFrame, out: Path) -> str:
    """Tables, figure and summary of runs."""
    table, less = means(runs, ("arm",), MEASURES), differences(runs)
    table = table.set_index("arm").loc[list(ARMS)].reset_index()
    write(out, {f"{NAME}-runs": runs, NAME: table, f"{NAME}-differences": less})
    paths = draw(table, out, NAME, stamp(runs["digest"]))
    heads = ("called, %", "liquidated, %", "though solvent, %", "wait, s", "direct cost")
    lines = [QUESTION, "", "With 95 % interval, by seed:", f"{'':>16}" + "".join(f"{head:>24}" for head in heads)]
    scales = ((1e2, 1), (1e2, 1), (1e2, 1), (1.0, 0), (1.0, 0))
    for row in table.to_dict("records"):
        cells = [cell(row, name, *scale) for name, scale in zip(MEASURES, scales, strict=False)]
        lines.append(f"{row['arm']:>16}" + "".join(f"{one:>24}" for one in cells))
    lines += ["", "Less `margin at hand`, paired, cash coins a trader: direct cost; gain"]
    lines += [f"{row['arm']:>16}{cell(row, 'cost'):>24}{cell(row, 'gain'):>24}" for row in less.to_dict("records")]
    lines += [
        "",
        f"{len(runs)} runs, {int(table['seeds'].max())} paired seeds (from 1).",
        f"Written: {', '.join(map(str, paths))}",
    ]
    return "\n".join(lines)
