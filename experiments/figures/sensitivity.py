"""Which parameters matter: effects and indices with their intervals, and how both settle as the sample grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.ticker import FuncFormatter

from experiments.figures.style import DASHES, MARKS, SHADES, panels, save
from experiments.sensitivity import Found


def draw(screen: Found, attribution: Found | None, of: str, out: Path, name: str, note: str) -> list[Path]:
    """Top: Morris; below, if there is one: Sobol. Left: the values; right: their convergence."""
    figure, axes = panels(1 if attribution is None else 2, 2)
    order = screen.table.sort_values("mu_star")["parameter"].tolist()
    style = {parameter: k for k, parameter in enumerate(reversed(order))}
    _bars(axes[0][0], screen.table.set_index("parameter").loc[order], [("mu_star", "half_width", "")])
    axes[0][0].set_xlabel(f"mean size of the effect (95 % interval)\n{of}")
    axes[0][0].set_title("Screening (Morris)")
    _lines(axes[0][1], screen.convergence, "trajectories", "mu_star", "half_width", style)
    axes[0][1].set_title("... as trajectories are added")
    axes[0][1].set_ylabel("mean size of the effect")
    if attribution is not None:
        rows = attribution.table.sort_values("total").set_index("parameter")
        pairs = [("total", "total_half_width", "total"), ("first", "first_half_width", "alone")]
        _bars(axes[1][0], rows, pairs)
        axes[1][0].set_xlabel(f"share of the variance (95 % interval)\n{of}")
        axes[1][0].set_title("Attribution (Sobol)")
        axes[1][0].legend(loc="lower right")
        _lines(axes[1][1], attribution.convergence, "samples", "total", "total_half_width", style)
        axes[1][1].set_title("... as samples are added")
        axes[1][1].set_ylabel("total index")
        axes[1][0].set_xlim(-0.25, 1.5)
        axes[1][1].set_ylim(-0.25, 1.5)
    axes[0][0].set_xlim(left=0.0)
    axes[0][1].set_ylim(0.0, 1.3 * axes[0][1].get_ylim()[1])  # room for the legend
    axes[0][0].xaxis.set_major_formatter(FuncFormatter(_plain))
    axes[0][1].yaxis.set_major_formatter(FuncFormatter(_plain))
    return save(figure, out, name, note)


def _bars(axis: Any, rows: pd.DataFrame, columns: list[tuple[str, str, str]]) -> None:
    height = 0.7 / len(columns)
    for k, (value, width, label) in enumerate(columns):
        at = [n + height * ((len(columns) - 1) / 2 - k) for n in range(len(rows))]
        shade = ("#08306b", "#9ecae1")[k]
        axis.barh(
            at, rows[value], height, xerr=rows[width], color=shade, ecolor="black", capsize=2, label=label or None
        )
    axis.set_yticks(range(len(rows)), [_short(str(name)) for name in rows.index])
    axis.grid(axis="y", visible=False)
    axis.axvline(0.0, color="black", linewidth=0.6)


def _lines(axis: Any, steps: pd.DataFrame, x: str, value: str, width: str, style: dict[str, int]) -> None:
    for parameter, group in steps.groupby("parameter", sort=False):
        k = style[str(parameter)]
        shift = 1.03 ** (k - len(style) / 2)  # side by side, not on top of each other
        look = {"color": SHADES[k % 6], "marker": MARKS[k % 6], "linestyle": DASHES[k % 6]}
        label = _short(str(parameter))
        axis.errorbar(group[x] * shift, group[value], yerr=group[width], capsize=2, elinewidth=0.7, label=label, **look)
    axis.set_xscale("log", base=2)
    sizes = sorted(steps[x].unique())
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.minorticks_off()
    axis.set_xlabel(x)
    handles, labels = axis.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda n: [_short(p) for p in style].index(labels[n]))
    axis.legend([handles[n] for n in order], [labels[n] for n in order], fontsize=5.5, loc="upper right", ncols=2)


def _plain(value: float, _: object) -> str:
    size, letter = next(((s, c) for s, c in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if abs(value) >= s), (1.0, ""))
    return f"{value / size:g}{letter}"


def _short(name: str) -> str:
    return name if len(name) <= 24 else "..." + name[-22:]
