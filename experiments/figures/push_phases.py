"""Figure: where pushing a TWAP pays, by window and pool depth, with the line on which it stops."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import SymLogNorm

from experiments.figures.style import panels, save


def draw(points: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`points`: window (s), depth (cash coins a side), profit with low and high (cash coins)."""
    figure, axes = panels(1, 1, 2.7)
    panel = axes[0][0]
    windows, depths = sorted(points["window"].unique()), sorted(points["depth"].unique())
    cells = points.set_index(["depth", "window"])
    profit = np.array([[float(cells["profit"][d, w]) for w in windows] for d in depths])
    most = float(np.abs(profit).max())
    sure = np.array([[cells["profit_low"][d, w] > 0.0 for w in windows] for d in depths])
    norm = SymLogNorm(1_000.0, vmin=-most, vmax=most)
    shown = np.where(sure, profit, np.nan)  # what cannot be told from nothing is left white
    panel.pcolormesh(np.arange(len(windows) + 1), np.arange(len(depths) + 1), shown, cmap="RdGy", norm=norm, alpha=0.75)
    for row, depth in enumerate(depths):
        for column, window in enumerate(windows):
            mean, low, high = (float(cells[c][depth, window]) / 1e3 for c in ("profit", "profit_low", "profit_high"))
            text = f"{mean:,.3g}\n[{low:,.3g}, {high:,.3g}]"
            ink = "white" if 1e3 * mean > 0.3 * most else "black"
            panel.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=5.5, color=ink)
    edges = [max([k + 1 for k, w in enumerate(windows) if cells["profit_low"][d, w] > 0], default=0) for d in depths]
    for row, edge in enumerate(edges):
        panel.plot([edge, edge], [row, row + 1], color="black", linewidth=2.0)
        if row:
            panel.plot([edges[row - 1], edge], [row, row], color="black", linewidth=2.0)
    panel.set_xticks(np.arange(len(windows)) + 0.5, [f"{w:g}" for w in windows])
    panel.set_yticks(np.arange(len(depths)) + 0.5, [f"{d / 1e6:g}" for d in depths])
    panel.grid(visible=False)
    panel.set_xlabel("TWAP window (s)\nprofit, thousand cash coins (95 %); grey: above 0")
    panel.set_ylabel("pool depth (million cash coins a side)")
    longest = max((windows[edge] if edge < len(windows) else math.inf) for edge in edges)
    said = (
        f"From {longest:g} s on, a push pays on no pool" if math.isfinite(longest) else "No window stops it everywhere"
    )
    panel.set_title(said)
    panel.annotate("break-even", (edges[-1] + 0.08, len(depths) - 0.12), fontsize=6.5, va="center")
    return save(figure, out, name, f"seeds a point: {int(points['seeds'].max())}", stamped)
