"""Figure: the mean size of a cascade over leverage and depth, with the line on which a liquidation sets off one other."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, line, panels, save

CRITICAL = 1.0  # offspring


def draw(points: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`points`: leverage, depth (share of capital), root, size, theory, with low and high, as the study has them."""
    points = points.sort_values(["leverage", "depth"])
    figure, axes = panels(1, 2, height=2.7)
    plane, curve = axes[0]
    x, y = np.sort(points["depth"].unique()), np.sort(points["leverage"].unique())

    def over(column: str) -> np.ndarray:
        grid: np.ndarray = points.set_index(["leverage", "depth"])[column].to_numpy(float).reshape(len(y), len(x))
        return grid

    sizes, root = over("size"), over("root")
    shown = plane.pcolormesh(
        x,
        y,
        np.where(np.isnan(sizes), 0.0, sizes),
        cmap="Greys",
        norm=matplotlib.colors.Normalize(0.0, float(np.nanmax(sizes))),
        shading="nearest",
    )
    bar = figure.colorbar(shown, ax=plane)
    bar.set_label("mean size of a family, liquidations")
    # From deep to thin the line is where one is first reached: far beyond it so few are left that the estimate may fall again.
    reached = np.maximum.accumulate(np.where(np.isnan(root), 0.0, root)[:, ::-1], axis=1)[:, ::-1]
    for grid, shade, dash in ((reached, SHADES[1], "-"), (over("theory"), SHADES[0], "--")):
        if grid.min() < CRITICAL < grid.max():
            plane.contour(x, y, grid, levels=[CRITICAL], colors=[shade], linestyles=[dash], linewidths=1.6)
    handles = [
        matplotlib.lines.Line2D([], [], color=SHADES[1], label="offspring of the first reaches 1"),
        matplotlib.lines.Line2D([], [], color=SHADES[0], linestyle="--", label="2 O / (Y d) = 1"),
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
    plane.set_title("Cascades begin where theory says")

    for number, leverage in enumerate(y.tolist()):
        rows = points[(points["leverage"] == leverage) & points["root"].notna()].sort_values("theory")
        if len(rows):
            values = [rows[column] for column in ("root", "root_low", "root_high")]
            line(curve, number, rows["theory"], values, f"leverage {leverage:g}")
    told = np.geomspace(float(points["theory"].min()), 1.5 * CRITICAL, 50)
    curve.plot(told, told, color="black", linewidth=0.8, linestyle=":", label="estimate = theory")
    curve.axhline(CRITICAL, color="black", linewidth=0.8)
    curve.set_xscale("log")
    curve.set_ylim(bottom=0.0)
    curve.set_xlabel("2 O / (Y d): offspring by theory")
    curve.set_ylabel("offspring of a liquidation that\nno other brought about (95 % interval)")
    curve.set_title("Up to the line theory tells how many")
    curve.legend(fontsize=5.8)
    return save(figure, out, name, f"seeds a point: {int(points['seeds'].max())}", stamped)
