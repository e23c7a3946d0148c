"""Figure: how much is closed by force over leverage and depth, with the line on which a liquidation sets off one other.

The mean size of a family would not show where cascades begin: far beyond the line one side is soon gone, and families end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.patheffects
import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, line, panels, save

CRITICAL = 1.0  # offspring


def title(sold: Any, root: Any) -> str:
    """What the plane shows. `sold`: times traders' capital; `root`: offspring of a first. Shapes [leverages, depths]."""
    beyond = sold[root >= CRITICAL]
    if len(beyond) and beyond.min() > 1.0:
        return "Beyond the line more is sold than traders brought"
    return "The more leverage and the less depth, the more is sold"


def draw(points: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`points`: leverage, depth and liquidated (shares of capital), root, theory, with low and high, as the study has them."""
    points = points.sort_values(["leverage", "depth"])
    figure, axes = panels(1, 2, height=2.7)
    plane, curve = axes[0]
    x, y = np.sort(points["depth"].unique()), np.sort(points["leverage"].unique())

    def over(column: str) -> np.ndarray:
        grid: np.ndarray = points.set_index(["leverage", "depth"])[column].to_numpy(float).reshape(len(y), len(x))
        return grid

    sold, root = over("liquidated"), np.nan_to_num(over("root"))  # of no liquidation there are no offspring
    least = float(sold[sold > 0.0].min(initial=1.0))
    greys = matplotlib.colormaps["Greys"](np.linspace(0.03, 0.7, 256))  # lines must be seen on the darkest
    shown = plane.pcolormesh(
        x,
        y,
        np.maximum(sold, least),
        cmap=matplotlib.colors.ListedColormap(greys),
        norm=matplotlib.colors.LogNorm(least, max(float(sold.max()), 1.01 * least)),
        shading="nearest",
    )
    bar = figure.colorbar(shown, ax=plane)
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.set_label("closed by force, times traders' capital")
    for grid, shade, dash in ((root, SHADES[1], "-"), (over("theory"), SHADES[0], "--")):
        if grid.min() < CRITICAL < grid.max():
            drawn = plane.contour(x, y, grid, levels=[CRITICAL], colors=[shade], linestyles=[dash], linewidths=1.6)
            drawn.set_path_effects([matplotlib.patheffects.withStroke(linewidth=3.2, foreground="white")])
    handles = [
        matplotlib.lines.Line2D([], [], color=SHADES[1], label="sets off one other: estimate"),
        matplotlib.lines.Line2D([], [], color=SHADES[0], linestyle="--", label="theory, 2 O / (Y d) = 1"),
    ]
    plane.legend(handles=handles, loc="lower right", facecolor="white", frameon=True, framealpha=0.9, fontsize=5.8)
    plane.set_xscale("log")
    plane.set_yscale("log")
    plane.set_xticks(x)
    plane.set_xticklabels([f"{value:.0%}" for value in x])
    plane.set_yticks(y)
    plane.set_yticklabels([f"{value:g}" for value in y])
    plane.minorticks_off()
    plane.grid(False)
    plane.set_xlabel("depth: cash that moves the mid by 1 %, % of traders' capital")
    plane.set_ylabel("leverage that margin allows")
    plane.set_title(title(sold, root))

    for number, leverage in enumerate(y.tolist()):
        rows = points[(points["leverage"] == leverage) & points["root"].notna()].sort_values("theory")
        if len(rows):
            values = [rows[column] for column in ("root", "root_low", "root_high")]
            line(curve, number, rows["theory"], values, f"leverage {leverage:g}")
    told = np.geomspace(float(points["theory"].min()), 1.5 * CRITICAL, 50)
    curve.plot(told, told, color="black", linewidth=0.8, linestyle=":", label="estimate = theory")
    curve.axhline(CRITICAL, color="black", linewidth=0.8)
    curve.set_xscale("log")
    curve.xaxis.set_major_formatter("{x:g}")
    curve.set_ylim(bottom=0.0)
    curve.set_xlabel("2 O / (Y d): offspring by theory")
    curve.set_ylabel("offspring of a liquidation that\nno other brought about (95 % interval)")
    curve.set_title("Up to the line it goes with theory")
    curve.legend(fontsize=5.8)
    return save(figure, out, name, f"seeds a point: {int(points['seeds'].max())}", stamped)
