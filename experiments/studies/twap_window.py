"""Study 1: how long must a TWAP be before pushing it stops paying?

The same push attacker, with the same capital and the same dice, against windows and pool depths; each run beside its twin
without the attacker. The attacker sizes itself and stays at home where its own estimate says that it would lose.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.figures import push_phases
from experiments.figures.style import stamp
from experiments.figures.twap_window import draw
from experiments.overrides import vary
from experiments.parallel import Workers, spread
from experiments.scenario import Scenario, find
from experiments.statistics import estimate, share
from experiments.tables import write
from experiments.twins import twin_without

NAME = "twap-window"
QUESTION = "How long must a TWAP be before pushing it stops paying?"

FIGURES = (NAME, "push-phases")
WINDOWS = (12.0, 60.0, 180.0, 600.0, 1_800.0)  # seconds
DEPTHS = (2_000_000.0, 8_000_000.0, 32_000_000.0)  # cash coins on each side of the pool
SEEDS = 10


class Point(NamedTuple):
    """One run of the sweep."""

    window: float
    depth: float
    seed: int


def scenario(point: Point) -> Scenario:
    """The bundled `oracle-push` at a point."""
    base = find("oracle-push")
    base = vary(base, "exchange.markets.ETH-PERP.oracle.window", point.window)
    base = vary(base, "exchange.markets.ETH-USD.venue.liquidity", point.depth)
    return dataclasses.replace(base, seed=point.seed)


def measure(point: Point) -> dict[str, Any]:
    """Profit and damage at a point, against the twin; cash coins."""
    pair = twin_without(scenario(point), "attacker")
    losses = pair.losses()
    kinds = pair.run.events["kind"].value_counts()
    return {
        **point._asdict(),
        "profit": pair.gain("attacker"),
        "attacks": int(kinds.get("attack", 0)),
        "declined": int(kinds.get("attack declined", 0)),
        "providers": losses["founders"],
        "traders": losses["leveraged"],
        "arbitrageurs": losses["arbitrageur"],
        "digest": pair.run.digest,
        "twin": pair.twin.digest,
    }


def sweep(*, workers: Workers = None, quick: bool = False) -> pd.DataFrame:
    """One row a run."""
    windows, depths, seeds = (WINDOWS[::2], DEPTHS[:2], 3) if quick else (WINDOWS, DEPTHS, SEEDS)
    points = [Point(w, d, s) for w in windows for d in depths for s in range(1, seeds + 1)]
    return pd.DataFrame(spread(measure, points, workers=workers, title=NAME))


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a window and depth: profit with its interval, and how often the attacker attacked."""
    rows = []
    for (window, depth), group in runs.groupby(["window", "depth"]):
        profit, attacked = estimate(group["profit"].tolist()), share(int((group["attacks"] > 0).sum()), len(group))
        rows.append(
            {
                "window": window,
                "depth": depth,
                "profit": profit.mean,
                "profit_low": profit.low,
                "profit_high": profit.high,
                "attacked": attacked.mean,
                "attacked_low": attacked.low,
                "attacked_high": attacked.high,
                "providers": estimate(group["providers"].tolist()).mean,
                "seeds": profit.seeds,
            }
        )
    return pd.DataFrame(rows)


def break_even(points: pd.DataFrame) -> dict[float, float]:
    """The shortest window, of those tried, from which on the attack's interval is not above zero; by depth."""
    found = {}
    for depth, group in points.groupby("depth"):
        pays = group[group["profit_low"] > 0]["window"]
        longer = group[group["window"] > (pays.max() if len(pays) else -1.0)]["window"]
        found[float(str(depth))] = float(longer.min()) if len(longer) else float("inf")
    return found


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    runs = sweep(workers=workers, quick=quick)
    points = table(runs)
    write(out, {f"{NAME}-runs": runs, NAME: points})
    limits = break_even(points)
    stamped = stamp([*runs["digest"], *runs["twin"]])
    figure = draw(points, limits, out, NAME, stamped) + push_phases.draw(points, out, FIGURES[1], stamped)
    lines = [QUESTION, ""]
    lines.append(f"{'window':>9} {'pool depth':>12} {'profit, cash coins, with 95 % interval':>45} {'attacked':>9}")
    for row in points.to_dict("records"):
        interval = f"{row['profit']:>13,.0f}  [{row['profit_low']:>12,.0f}, {row['profit_high']:>12,.0f}]"
        lines.append(f"{row['window']:>7,.0f} s {row['depth']:>12,.0f} {interval:>45} {row['attacked']:>8.0%}")
    lines.append("")
    for depth, window in limits.items():
        verdict = (
            f"pushing stops paying from {window:,.0f} s on"
            if window < float("inf")
            else "it pays at every window tried"
        )
        lines.append(f"Pool of {depth:,.0f} a side: {verdict}.")
    seeds = int(points["seeds"].max())
    lines.append(f"{len(runs)} runs and their twins, {seeds} paired seeds (1 to {seeds}) a point.")
    lines.append(f"Written: {', '.join(map(str, figure))}")
    return "\n".join(lines)
