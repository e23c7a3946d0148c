"""Figure: what snipers take from stale quotes, and how much of it they keep, under each ordering."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, panels, save

NAMES = {"quicker": "kept by the quicker", "second": "kept by the second", "fees": "paid in fees by both"}


def draw(table: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`table`: rule, and quicker, second and fees (cash coins an hour) with their intervals."""
    figure, axes = panels(1, 1)
    panel, places = axes[0][0], np.arange(len(table))
    for number, (what, label) in enumerate(NAMES.items()):
        low, high = table[what] - table[f"{what}_low"], table[f"{what}_high"] - table[what]
        panel.bar(
            places + 0.27 * (number - 1),
            table[what],
            0.25,
            yerr=np.array([low, high]),
            color=SHADES[number],
            hatch=("", "///", "...")[number],
            edgecolor="white",
            ecolor="black",
            capsize=2,
            error_kw={"elinewidth": 0.7},
            label=label,
        )
    panel.axhline(0.0, color="black", linewidth=0.6)
    panel.set_xticks(places)
    panel.set_xticklabels([f"{rule}" for rule in table["rule"]])
    panel.set_ylabel("cash coins an hour (95 % interval)")
    panel.set_title("Speed takes it, fees tax it, batches end it")
    panel.set_ylim(top=1.3 * float(table[[f"{what}_high" for what in NAMES]].to_numpy().max()))
    panel.legend(loc="upper right")
    return save(figure, out, name, f"seeds a bar: {int(table['seeds'].max())}", stamped)
