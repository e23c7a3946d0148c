"""Figure: facts of real and of simulated prices: memory of sizes, tails by horizon, impact by size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.figures.style import DASHES, MARKS, SHADES, line, panels, save
from experiments.realism.facts import LAGS, SUMS
from experiments.statistics import Estimate

MARKETS = ("calibrated", "without followers and borrowers")


def _facts(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    return table.set_index("fact").loc[names]


def _both(axis: Any, x: Any, rows: pd.DataFrame) -> None:
    """Recorded with its band, and each market with its interval."""
    value, error = rows["recorded"].to_numpy(float), 1.96 * rows["error"].to_numpy(float)
    axis.fill_between(x, value - error, value + error, color="#dddddd", linewidth=0, label="ether, May 2022 (95 %)")
    axis.plot(x, value, color=SHADES[5], linestyle=DASHES[0], marker=MARKS[3])
    axis.plot(
        x,
        rows["other"].to_numpy(float),
        color=SHADES[4],
        linestyle=DASHES[2],
        marker=MARKS[4],
        label="ether, November 2022",
    )
    for number, market in enumerate(MARKETS):
        line(axis, number, x, (rows[market], rows[f"{market}_low"], rows[f"{market}_high"]), market)


def draw(
    table: pd.DataFrame, moves: pd.DataFrame, steep: Estimate, out: Path, name: str, stamped: str = ""
) -> list[Path]:
    """`table`: a row a fact. `moves`: size (cash coins) and mean move (bp) with its interval."""
    figure, axes = panels(1, 3, 2.6)
    memory, tails, impact = axes[0]
    rows = _facts(table, ["size memory, 1 bar", *(f"size memory, {lag} bars" for lag in LAGS[1:])])
    _both(memory, np.array(LAGS), rows)
    memory.set_xscale("log")
    memory.set_xticks(LAGS, [str(lag) for lag in LAGS])
    memory.axhline(0.0, color="black", linewidth=0.6)
    memory.set_xlabel("lag (hours)")
    memory.set_ylabel("autocorrelation of the size of returns")
    inside = sum(abs(row["calibrated"] - row["recorded"]) <= 1.96 * row["error"] for _, row in rows.iterrows())
    memory.set_title(f"Clustering: {inside} of {len(rows)} lags as recorded")
    memory.legend(loc="upper right")

    rows = _facts(table, ["excess kurtosis", *(f"excess kurtosis, {bars} bars" for bars in SUMS)])
    _both(tails, np.array([1, *SUMS]), rows)
    tails.set_xscale("log", base=2)
    tails.set_xticks([1, *SUMS], [str(bars) for bars in (1, *SUMS)])
    tails.set_xlabel("horizon (hours)")
    tails.set_ylabel("excess kurtosis of returns")
    far = abs(rows["calibrated"] - rows["recorded"]) > 1.96 * rows["error"]
    missed = [f"{bars} h" for bars, off in zip((1, *SUMS), far, strict=True) if off]
    tails.set_title(f"Tails: as recorded{' but at ' + ', '.join(missed) if missed else ''}")

    line(impact, 0, moves["size"] / 1e3, (moves["moved"], moves["moved_low"], moves["moved_high"]), "large orders")
    x = moves["size"].to_numpy(float)
    middle = len(x) // 2
    for power, number in ((0.5, 4), (1.0, 5)):
        scale = float(moves["moved"].iloc[middle]) / x[middle] ** power
        impact.plot(
            x / 1e3,
            scale * x**power,
            color=SHADES[number],
            linestyle=DASHES[2 if power < 1 else 1],
            label=f"power {power:g}",
        )
    impact.set_xscale("log")
    impact.set_yscale("log")
    impact.set_xticks(x / 1e3, [f"{size:g}" for size in x / 1e3])
    impact.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    impact.set_xlabel("size of the order (thousand cash coins)")
    impact.set_ylabel("move of the mid its way (bp)")
    root = "a root" if steep.high < 1.0 else "no root"
    impact.set_title(f"Impact: {root}, power {steep.mean:.1f} [{steep.low:.1f}, {steep.high:.1f}]")
    impact.legend(loc="upper left")
    return save(figure, out, name, f"seeds: {int(table['seeds'].max())}", stamped)
