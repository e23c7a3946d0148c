"""Figure: slippage, resilience and price discovery of liquidity on one, two and four chains, with and without splitting."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.figures.style import line, panels, save

WAYS = {"home": "traders stay at home", "split": "traders split their orders"}
PANELS = (  # measure, weather, scale, label, title
    (
        "slippage",
        "calm",
        1e4,
        "slippage against the reference mid\n(bp, fees in, 95 % interval)",
        "Split orders find the depth of one pool",
    ),
    (
        "prompt",
        "outages",
        1e2,
        "orders filled within a minute\n(%, 95 % interval)",
        "One chain in k goes down: splitters go round it",
    ),
    (
        "gap",
        "calm",
        1e4,
        "rms gap of a pool's mid to fair\n(bp, 95 % interval)",
        "Small pools stray, unless orders are split",
    ),
)


def draw(table: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`table`: weather, chains, way, and each measure with its interval. One chain stands for both ways."""
    figure, axes = panels(1, len(PANELS))
    for panel, (what, weather, scale, label, title) in zip(axes[0], PANELS, strict=True):
        for number, (way, told) in enumerate(WAYS.items()):
            rows = table[(table["weather"] == weather) & ((table["way"] == way) | (table["chains"] == 1))]
            line(panel, number, rows["chains"], [scale * rows[f"{what}{end}"] for end in ("", "_low", "_high")], told)
        panel.set_xticks(sorted(table["chains"].unique()))
        panel.set_xlabel("chains that share the liquidity")
        panel.set_ylabel(label)
        panel.set_title(title)
        panel.set_ylim(bottom=0, top=105 if what == "prompt" else None)
    axes[0][0].legend(loc="upper left")
    return save(figure, out, name, f"seeds a point: {int(table['seeds'].max())}", stamped)
