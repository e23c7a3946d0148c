"""Figure: attacks against defences; what each attack still earns, and where a defence stops honest trade instead.

A cell's shade and number are the profit left, as a share of the profit under the rules as they are. Hatching: honest open
interest or volume fell below the share that a defence must keep. A frame: the cheapest defence that stops the attack.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.patches import Rectangle

from experiments.figures.style import COLUMN, panels, save


def draw(
    cells: pd.DataFrame, paying: Iterable[str], out: Path, name: str, note: str = "", stamped: str = ""
) -> list[Path]:
    """`cells`: attack, defence, left (share of profit, nan: has no place), counts (bool), best (bool). One row a cell.

    `paying`: every attack that pays, those included that no defence was tried against: they have a column, and are not stopped.
    """
    left = cells.set_index(["attack", "defence"])["left"]
    rows, columns = sorted(set(cells["defence"])), sorted({*cells["attack"], *paying})
    grid = [[float(left[a, d]) if (a, d) in left.index else math.nan for a in columns] for d in rows]
    figure, axes = panels(1, 1)
    axis = axes[0, 0]
    figure.set_size_inches(max(COLUMN, 1.4 + 0.27 * len(columns)), 1.8 + 0.17 * len(rows))
    axis.imshow(grid, cmap="Greys", vmin=0.0, vmax=1.4, aspect="auto")
    flags = cells.set_index(["attack", "defence"])
    for i, defence in enumerate(rows):
        for j, attack in enumerate(columns):
            value = grid[i][j]
            if math.isnan(value):
                continue
            shade = "white" if value > 0.7 else "black"
            axis.annotate(f"{value:.0%}", (j, i), ha="center", va="center", fontsize=5.5, color=shade)
            row = flags.loc[(attack, defence)]
            if not bool(row["counts"]):
                axis.add_patch(
                    Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch="////", linewidth=0.0, edgecolor="#888888")
                )
            if bool(row["best"]):
                axis.add_patch(
                    Rectangle((j - 0.46, i - 0.44), 0.92, 0.88, fill=False, linewidth=1.6, edgecolor="black")
                )
    axis.set_xticks(range(len(columns)), columns, rotation=45, ha="right", fontsize=6.5)
    axis.set_yticks(range(len(rows)), rows, fontsize=6.5)
    axis.grid(visible=False)
    stopped = int(cells.groupby("attack")["best"].any().sum())
    figure.suptitle(
        f"Rules that honest trade survives stop\n{stopped} of the {len(columns)} attacks that pay here",
        fontsize=8,
        fontweight="bold",
        x=0.02,
        ha="left",
    )
    told = "profit left, of what it is without the rule (empty: not meant for it)\n"
    told += "hatched: below 80 % of honest trade; framed: the cheapest that stops it"
    axis.set_xlabel(told, fontsize=6.5)
    return save(figure, out, name, note, stamped)
