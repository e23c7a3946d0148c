"""Figure: how long a pair over two chains stands on one leg, and how much its cost varies, by how its legs are brought together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, panels, save

WEATHERS = {"outages": "one chain goes down", "calm": "no chain goes down"}
PANELS = (  # measure, scale, label, title
    ("alone", 1.0, "time on one leg\n(s a pair, 95 % interval)", "At once is slow only where a chain goes down"),
    ("spread", 1e4, "standard deviation of a pair's cost\n(bp of a leg, 95 % interval)", "there its cost varies most"),
)


def draw(table: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`table`: weather, way, and each measure with its interval."""
    figure, axes = panels(1, len(PANELS), height=2.4)
    ways = list(dict.fromkeys(table["way"]))
    places = np.arange(len(ways))[::-1]
    for panel, (what, scale, label, title) in zip(axes[0], PANELS, strict=True):
        for number, (weather, told) in enumerate(WEATHERS.items()):
            rows = table[table["weather"] == weather].set_index("way").loc[ways]
            mean, low, high = (scale * rows[f"{what}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
            panel.barh(
                places + 0.2 - 0.4 * number,
                mean,
                0.36,
                xerr=np.array([mean - low, high - mean]),
                color=SHADES[number],
                hatch=("", "///")[number],
                edgecolor="white",
                ecolor="black",
                capsize=2,
                error_kw={"elinewidth": 0.7},
                label=told,
            )
        panel.set_yticks(places)
        panel.set_yticklabels(ways)
        panel.set_xlim(left=0.0)
        panel.set_xlabel(label)
        panel.set_title(title)
        panel.grid(axis="y", visible=False)
    axes[0][0].legend(loc="lower right")
    return save(figure, out, name, f"seeds a point: {int(table['seeds'].max())}", stamped)
