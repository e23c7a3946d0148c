"""Figure 1: profit of pushing a TWAP, by window and pool depth, and how often the attacker chooses to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from experiments.figures.style import line, panels, save


def draw(points: pd.DataFrame, limits: Mapping[float, float], out: Path, name: str, stamped: str = "") -> list[Path]:
    """`points`: window (s), depth, profit with low and high (cash coins), attacked with low and high (share)."""
    figure, axes = panels(1, 2)
    profit, decision = axes[0]
    unit = 1_000.0
    for number, (depth, group) in enumerate(points.groupby("depth")):
        label = f"{float(str(depth)) / 1e6:g}M pool"
        x = [
            window / 60.0 * 1.06 ** (number - 1) for window in group["window"]
        ]  # side by side, not on top of each other
        columns = [group[c] / unit for c in ("profit", "profit_low", "profit_high")]
        line(profit, number, x, columns, label)
        line(decision, number, x, [group[c] for c in ("attacked", "attacked_low", "attacked_high")], label)
    profit.axhline(0.0, color="black", linewidth=0.8)
    profit.annotate("break-even", (0.98, 0.0), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=6)
    profit.set_ylabel("attacker's profit against its twin\n(thousand cash coins, 95 % interval)")
    profit.set_yscale("symlog", linthresh=1.0)
    decision.set_ylabel("share of runs in which it attacks\n(exact 95 % interval)")
    decision.set_ylim(-0.05, 1.05)
    thinnest = limits[min(limits)]
    profit.set_title(
        f"{thinnest / 60:g} minutes stop it on every pool"
        if math.isfinite(thinnest)
        else "Depth and window stop the push"
    )
    decision.set_title("Where it cannot pay, it stays home")
    profit.set_ylim(bottom=-3.0)
    profit.set_yticks([-1, 0, 1, 10, 100, 1_000])
    profit.set_yticklabels(["-1", "0", "1", "10", "100", "1,000"])
    for axis in (profit, decision):
        axis.set_xscale("log")
        axis.set_xticks([window / 60.0 for window in sorted(points["window"].unique())])
        axis.set_xticklabels([f"{window / 60.0:g}" for window in sorted(points["window"].unique())])
        axis.minorticks_off()
        axis.set_xlabel("TWAP window (minutes)")
    profit.legend(title="depth, each side", title_fontsize=6.5)
    return save(figure, out, name, f"seeds a point: {int(points['seeds'].max())}", stamped)
