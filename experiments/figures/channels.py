"""Figure: the harm that goes through each channel, by one measure, where a scenario reaches it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd

from experiments.figures.style import SHADES, entitle, panels, save

LEVEL = 0.05  # of p after Holm
LOOKS: dict[str, dict[str, Any]] = {
    "does harm": {"facecolor": SHADES[1], "edgecolor": "white"},
    "spares": {"facecolor": SHADES[2], "edgecolor": "white", "hatch": "///"},
    "not told from 0": {"facecolor": "#d0d0d0", "edgecolor": SHADES[4]},
}


def look(share: float, p: float) -> str:
    """What may be said of a channel."""
    return "not told from 0" if p >= LEVEL else "does harm" if share > 0 else "spares"


def draw(table: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """A bar a channel, by share of harm; grey: p after Holm is `LEVEL` or more.

    `table`: channel, scenario, changed, harm, share with low and high, p, as the study has them.
    """
    rows = table.sort_values("share").to_dict("records")
    figure, axes = panels(1, 1, 0.9 + 0.3 * len(rows))
    axis = axes[0][0]
    for place, row in enumerate(rows):
        mean, low, high = (100.0 * row[f"share{end}"] for end in ("", "_low", "_high"))
        axis.barh(place, mean, linewidth=0.5, **LOOKS[look(mean, row["p"])])
        axis.errorbar([mean], [place], xerr=[[max(0.0, mean - low)], [max(0.0, high - mean)]], color="black", capsize=2)
    places = [f"{row['channel']}\n{row['harm']}, {row['scenario']}{'*' if row['changed'] else ''}" for row in rows]
    axis.set_yticks(range(len(rows)), places, fontsize=5.5)
    axis.axvline(0.0, color="black", linewidth=0.6)
    axis.grid(False, axis="y")
    seeds = int(table["seeds"].max())
    words = (
        f"harm in the run less harm without the channel, % of the larger\n(95 %, {seeds} paired seeds; told: p < {LEVEL}"
        " after Holm;\n* settings changed)"
    )
    figure.supxlabel(words, fontsize=6.5)
    used = {look(row["share"], row["p"]) for row in rows}
    handles = [matplotlib.patches.Patch(label=key, **LOOKS[key]) for key in LOOKS if key in used]
    axis.legend(handles=handles, loc="upper left", fontsize=5.5, handlelength=1.4)
    entitle(figure, f"Cutting it tells for {int((table['p'] < LEVEL).sum())} of {len(table)} channels")
    return save(figure, out, name, "", stamped)
