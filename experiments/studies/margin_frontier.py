"""Study: what does looser margin buy, and who pays for it?

The bundled `margined-pool`, leveraged traders against a vault through jumps, under initial margins and maintenance as shares
of them, on the same draws. Efficiency is open interest a coin of margin carries, and what margin and vault earn; safety is
bad debt against the open interest that made it. Traders want leverage up to forty: those whom the margin refuses either take
nine tenths of what it allows (`takers`) or stay out (`leavers`), the two ends of what real ones do.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.figures.margin_frontier import draw
from experiments.figures.style import stamp
from experiments.overrides import vary
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.tables import cell, columns, means, write
from protocol.margins.cross import Cross

NAME = "margin-frontier"
QUESTION = "What does looser margin buy, and who pays for it?"

INITIAL = (0.02, 0.03, 0.05, 0.07, 0.10, 0.20)  # share of notional
KEPT = (0.25, 0.5, 0.8)  # maintenance as a share of initial
DEMANDS = ("takers", "leavers")
SEEDS = 12
MOST = 40.0  # leverage that the boldest trader wants
VALUES = (
    "leverage",
    "debt",
    "debt_volume",
    "traders",
    "vault",
    "fees",
    "losses",
    "net",
    "rest",
    "held",
    "liquidations",
)


class Point(NamedTuple):
    """One run of the sweep."""

    demand: str
    kept: float
    initial: float
    seed: int


def scenario(point: Point) -> Scenario:
    """The bundled `margined-pool` at a point."""
    base = find("margined-pool")
    base = vary(base, "exchange.margin", Cross(initial=point.initial, maintenance=point.kept * point.initial))
    if point.demand == "takers":
        base = vary(base, "cast.leveraged.leverage", min(MOST, 0.9 / point.initial))
    return dataclasses.replace(base, seed=point.seed)


def measure(point: Point) -> dict[str, Any]:
    """Efficiency and safety at a point; shares of margin, of vault capital, of notional held, of volume; of the whole run."""
    record = run(scenario(point))
    row, flows = record.metrics, record.flows
    capital = float(row["dex.vault_capital"])

    def vault(reason: str, side: str) -> float:
        return float(flows.loc[(flows["reason"] == reason) & (flows[side] == "vault"), "cash"].sum()) / capital

    fees, losses = vault("fee", "target"), -vault("loss_vault", "source")
    return {
        **point._asdict(),
        "leverage": row["dex.leverage"],
        "debt": row["dex.bad_debt_per_held"],
        "debt_volume": row["dex.bad_debt"] / row["dex.ETH-PERP.volume"],
        "traders": row["return.leveraged"],
        "vault": row["dex.return_on_vault"],
        "fees": fees,
        "losses": losses,
        "net": fees + losses,
        "rest": row["dex.return_on_vault"] - fees - losses,
        "held": row["dex.held"],
        "liquidations": row["dex.liquidations"],
        "digest": record.digest,
    }


def sweep(*, workers: Workers = None, quick: bool = False) -> pd.DataFrame:
    """One row a run."""
    initial, kept, seeds = ((0.02, 0.05, 0.20), KEPT[1:2], 2) if quick else (INITIAL, KEPT, SEEDS)
    each = [(demand, k) for demand in DEMANDS for k in kept if demand == "takers" or k == KEPT[1]]
    points = [Point(demand, k, i, s) for demand, k in each for i in initial for s in range(1, seeds + 1)]
    return pd.DataFrame(spread(measure, points, workers=workers, title=NAME))


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a point: every value with its interval."""
    by = ["demand", "kept", "initial"]
    return means(runs.sort_values(by, kind="stable"), by, VALUES)


def steps(runs: pd.DataFrame) -> pd.DataFrame:
    """What each loosening by one step changes, paired by seed, for takers at the middle maintenance."""
    mine = runs[(runs["demand"] == "takers") & (runs["kept"] == KEPT[1])]
    rows = []
    levels = sorted(mine["initial"].unique(), reverse=True)
    for tight, loose in zip(levels[:-1], levels[1:], strict=True):
        before, after = (mine[mine["initial"] == level].set_index("seed") for level in (tight, loose))
        row = {"tight": tight, "loose": loose}
        for name in ("leverage", "debt", "traders", "vault"):
            row |= columns(name, after[name] - before[name])
        rows.append(row)
    return pd.DataFrame(rows)


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    runs = sweep(workers=workers, quick=quick)
    points, changes = table(runs), steps(runs)
    write(out, {f"{NAME}-runs": runs, NAME: points, f"{NAME}-steps": changes})
    figure = draw(points, out, NAME, stamp(runs["digest"]))

    lines = [QUESTION, ""]
    lines.append(
        f"{'traders':>8} {'initial':>8} {'maint.':>7} {'held / margin':>20} {'bad debt / held, bp':>22}"
        f" {'return on margin, %':>22} {'return on vault, %':>22} {'fees - debts, %':>22}"
    )
    for row in points.to_dict("records"):
        lines.append(
            f"{row['demand']:>8} {row['initial']:>8.0%} {row['initial'] * row['kept']:>7.1%}"
            f" {cell(row, 'leverage', 1, 1):>20} {cell(row, 'debt', 1e4, 1):>22} {cell(row, 'traders', 1e2, 1):>22}"
            f" {cell(row, 'vault', 1e2, 2):>22} {cell(row, 'net', 1e2, 2):>22}"
        )
    lines += ["", "A step looser, takers, maintenance half of initial; differences paired by seed:"]
    for row in changes.to_dict("records"):
        lines.append(
            f"{row['tight']:>6.0%} to {row['loose']:>3.0%}: held / margin {cell(row, 'leverage', 1, 1)},"
            f" bad debt {cell(row, 'debt', 1e4, 1)} bp of held, vault {cell(row, 'vault', 1e2, 2)} %"
        )
    lines.append(f"{len(runs)} runs, {int(points['seeds'].max())} paired seeds a point (from 1).")
    lines.append(f"Written: {', '.join(map(str, figure))}")
    return "\n".join(lines)
