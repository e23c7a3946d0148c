"""Figure: the share of one measure that goes through each channel, where a scenario reaches it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.figures.style import SHADES, entitle, panels, save

LEVEL = 0.05  # of p after Holm


def draw(table: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """A bar a channel, by share; grey: not told from 0.

    `table`: channel, scenario, changed, measure, share with low and high, p, as the study has them.
    """
    rows = table.sort_values("share").to_dict("records")
    figure, axes = panels(1, 1, 0.9 + 0.3 * len(rows))
    axis = axes[0][0]
    for place, row in enumerate(rows):
        mean, low, high = (100.0 * row[f"share{end}"] for end in ("", "_low", "_high"))
        look = (
            {"color": SHADES[1]}
            if low > 0
            else {"color": SHADES[2], "hatch": "///"}
            if high < 0
            else {"color": SHADES[4]}
        )
        axis.barh(place, mean, edgecolor="white", **look)
        axis.errorbar([mean], [place], xerr=[[max(0.0, mean - low)], [max(0.0, high - mean)]], color="black", capsize=2)
    places = [f"{row['channel']}\n{row['measure']}, {row['scenario']}{'*' if row['changed'] else ''}" for row in rows]
    axis.set_yticks(range(len(rows)), places, fontsize=5.5)
    axis.axvline(0.0, color="black", linewidth=0.6)
    axis.grid(False, axis="y")
    seeds = int(table["seeds"].max())
    words = (
        f"run less twin without the channel, % of the larger\n(95 %, {seeds} paired seeds; red: carried by it,"
        "\ngreen: spared by it; * settings changed)"
    )
    figure.supxlabel(words, fontsize=7.5)
    entitle(figure, f"Cutting it tells for {int((table['p'] < LEVEL).sum())} of {len(table)} channels")
    return save(figure, out, name, "", stamped)
