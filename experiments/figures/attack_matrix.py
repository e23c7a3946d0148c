"""Figure: attacks against defences; what each attack still earns, and where a defence stops honest trade instead.

An open cell: nothing that can be told from zero is left; with a question mark where more than a tenth may be. A shaded cell with
a number: what is left for sure, in per cent of the profit under the rules as they are. A dot: the cheapest defence that stops the
attack. Hatching: honest trade fell below the share that a defence must keep. Rules stand in the order of the attacks they stop.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from experiments.figures.style import COLUMN, entitle, panels, save

HARMLESS = 0.1  # of the profit without the rule: what may be left without a question mark
EMPTY: dict[str, Any] = {"facecolor": "white", "edgecolor": "#444444", "linewidth": 0.5}


def draw(
    cells: pd.DataFrame, paying: Iterable[str], out: Path, name: str, note: str = "", stamped: str = ""
) -> list[Path]:
    """One row a cell: attack, defence, left (share of profit) with low and high, counts (bool), best (bool).

    `paying`: every attack that pays, those included that no defence was tried against: they have a column, and are not stopped.
    """
    rows, columns = _order(cells, {*cells["attack"], *paying})
    figure, axes = panels(1, 1)
    axis = axes[0, 0]
    figure.set_size_inches(max(COLUMN, 1.1 + 0.115 * len(columns)), 2.1 + 0.115 * len(rows))
    for row in cells.to_dict("records"):
        _cell(axis, columns.index(row["attack"]), rows.index(row["defence"]), row)
    axis.set_xlim(-0.5, len(columns) - 0.5)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xticks(range(len(columns)), columns, rotation=90, fontsize=6)
    axis.set_yticks(range(len(rows)), rows, fontsize=6)
    axis.tick_params(length=0)
    axis.set_axisbelow(True)
    stopped = int(cells.groupby("attack")["best"].any().sum())
    entitle(figure, f"Rules that honest trade survives stop\n{stopped} of the {len(columns)} attacks that pay here")
    doubtful = bool(((cells["left low"] <= 0.0) & (cells["left high"] > HARMLESS)).any())
    doubt = [Line2D([], [], marker="$?$", color="black", linestyle="", markersize=4, label="but may be above 10 %")]
    figure.legend(
        handles=[
            Patch(**EMPTY, label="left: not told from 0"),
            *(doubt if doubtful else ()),
            Patch(facecolor="#999999", edgecolor="#444444", linewidth=0.5, label="left, % (interval above 0)"),
            Line2D([], [], marker="o", color="black", linestyle="", markersize=3, label="cheapest that stops it"),
            Patch(**EMPTY, hatch="/////", label="honest trade below 80 %"),
        ],
        loc="outside lower left",
        ncols=2,
        fontsize=6,
        handlelength=1.0,
        columnspacing=1.0,
    )
    return save(figure, out, name, note, stamped)


def _order(cells: pd.DataFrame, attacks: set[str]) -> tuple[list[str], list[str]]:
    """Rules and attacks, so that those of which one stops the other stand along a diagonal; the busiest rule first."""
    best = dict(zip(cells[cells["best"]]["attack"], cells[cells["best"]]["defence"], strict=True))
    stops, tried = pd.Series(list(best.values())).value_counts(), cells["defence"].value_counts()
    rows = sorted(tried.index, key=lambda rule: (-int(stops.get(rule, 0)), -int(tried[rule]), str(rule)))
    columns = sorted(attacks, key=lambda one: (rows.index(best[one]) if one in best else len(rows), one))
    return rows, columns


def _cell(axis: Any, x: int, y: int, row: dict[Any, Any]) -> None:
    """One cell, in the grey of what is left for sure."""
    sure = row["left low"] > 0.0
    shade = {"facecolor": str(1.0 - 0.6 * min(1.0, row["left"]))} if sure else {}
    hatch = "" if row["counts"] else "/////"
    axis.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **{**EMPTY, **shade}, hatch=hatch))
    if sure:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.3} if hatch else None
        ink = "white" if row["left"] > 0.6 and not hatch else "black"
        axis.annotate(f"{100 * row['left']:.0f}", (x, y), ha="center", va="center", fontsize=5, bbox=box, color=ink)
    elif row["best"]:
        axis.plot([x], [y], "o", color="black", markersize=3)
    if not sure and row["left high"] > HARMLESS:
        place = (x + 0.28, y - 0.12) if row["best"] else (x, y)
        axis.annotate("?", place, ha="center", va="center", fontsize=5 if row["best"] else 6)
