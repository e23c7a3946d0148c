"""Figure: who is liquidated though solvent, and what that costs, by how far his margin is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, panels, save

PANELS = (  # measure, scale, label, title
    (
        "solvent",
        1e2,
        "traders liquidated though solvent\n(%, 95 % interval)",
        "Margin that is elsewhere comes too late",
    ),
    (
        "cost",
        1.0,
        "direct cost of it: fees and slippage\n(cash coins a trader, 95 % interval)",
        "Fees are sure, slippage is not",
    ),
)


def draw(table: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`table`: arm, and each measure with its interval, from the farthest margin to the nearest."""
    figure, axes = panels(1, len(PANELS), height=2.0)
    places = np.arange(len(table))[::-1]
    for panel, (what, scale, label, title) in zip(axes[0], PANELS, strict=True):
        mean, low, high = (scale * table[f"{what}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
        panel.barh(
            places,
            mean,
            0.6,
            xerr=np.array([mean - low, high - mean]),
            color=SHADES[0],
            ecolor="black",
            capsize=2,
            error_kw={"elinewidth": 0.7},
        )
        panel.set_yticks(places)
        panel.set_yticklabels(table["arm"])
        panel.axvline(0.0, color="black", linewidth=0.6)
        panel.set_xlabel(label)
        panel.set_title(title)
        panel.grid(axis="y", visible=False)
    return save(figure, out, name, f"seeds a point: {int(table['seeds'].max())}", stamped)
