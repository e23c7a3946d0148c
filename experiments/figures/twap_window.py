"""Figure 1: profit of pushing a TWAP, by window and pool depth, and how often the attacker chooses to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from experiments.figures.style import line, panels, save


def draw(points: pd.DataFrame, limits: Mapping[float, float], out: Path, name: str) -> list[Path]:
    """`points`: window (s), depth, profit with low and high (cash coins), attacked with low and high (share)."""
    figure, axes = panels(1, 2)
    profit, decision = axes[0]
    unit = 1_000.0
    for number, (depth, group) in enumerate(points.groupby("depth")):
        label = f"{float(str(depth)) / 1e6:g}M pool"
        x = [window / 60.0 for window in group["window"]]
        columns = [group[c] / unit for c in ("profit", "profit_low", "profit_high")]
        line(profit, number, x, columns, label)
        line(decision, number, x, [group[c] for c in ("attacked", "attacked_low", "attacked_high")], label)
    profit.axhline(0.0, color="black", linewidth=0.8)
    profit.annotate("break-even", (0.98, 0.0), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=6)
    profit.set_ylabel("attacker's profit against its twin\n(thousand cash coins, 95 % interval)")
    profit.set_yscale("symlog", linthresh=1.0)
    decision.set_ylabel("share of runs in which it attacks\n(exact 95 % interval)")
    decision.set_ylim(-0.05, 1.05)
    stops = [window for window in limits.values() if math.isfinite(window)]
    deep = max(limits)
    title = "A longer window stops the push"
    if stops and math.isfinite(limits[min(limits)]):
        title = f"A {limits[min(limits)] / 60:g} min window stops it even on the thinnest pool"
    profit.set_title(title)
    decision.set_title(f"Where it cannot pay, the attacker stays home ({deep / 1e6:g}M: deepest)")
    for axis in (profit, decision):
        axis.set_xscale("log")
        axis.set_xticks([window / 60.0 for window in sorted(points["window"].unique())])
        axis.set_xticklabels([f"{window / 60.0:g}" for window in sorted(points["window"].unique())])
        axis.minorticks_off()
        axis.set_xlabel("TWAP window (minutes)")
    profit.legend(title="depth, each side", title_fontsize=6.5)
    return save(figure, out, name, f"seeds a point: {int(points['seeds'].max())}")
