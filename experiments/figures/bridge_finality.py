"""Figure: what a bridge loses by believing a chain too early, and who bears it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, line, panels, save


def draw(table: pd.DataFrame, bearers: Mapping[str, str], out: Path, name: str) -> list[Path]:
    """`table`: counted, depth, shortfall (coins), and each bearer's gain (cash coins), with their intervals."""
    figure, axes = panels(1, 2)
    short, borne = axes[0]
    rows = table[table["counted"] == "market"]
    line(short, 0, rows["depth"], [rows[f"shortfall{end}"] for end in ("", "_low", "_high")], "")
    short.axvline(float(rows["depth"].max()), color="black", linewidth=0.6, linestyle=":")
    short.annotate("as deep as the chain forgets", (0.98, 0.9), xycoords="axes fraction", ha="right", fontsize=6.5)
    short.set_xticks(sorted(rows["depth"]))
    short.set_xlabel("blocks that the bridge waits for")
    short.set_ylabel("shortfall of escrow at the end\n(coins of 2,000 spent, 95 % interval)")
    short.set_title("Waiting as deep as the chain forgets ends it")
    places = np.arange(len(bearers))
    for number, counted in enumerate(("market", "par")):
        row = table[(table["counted"] == counted) & (table["depth"] == 1)].iloc[0]
        mean, low, high = (np.array([-1e-6 * row[f"{who}{end}"] for who in bearers]) for end in ("", "_high", "_low"))
        borne.bar(
            places + 0.38 * (number - 0.5),
            mean,
            0.36,
            yerr=np.array([mean - low, high - mean]),
            color=SHADES[number],
            hatch=("", "///")[number],
            edgecolor="white",
            ecolor="black",
            capsize=2,
            error_kw={"elinewidth": 0.7},
            label=f"collateral at {counted}",
        )
    borne.axhline(0.0, color="black", linewidth=0.6)
    borne.set_xticks(places)
    borne.set_xticklabels(list(bearers.values()), rotation=20, ha="right")
    borne.set_ylabel("loss at a depth of one\n(million cash coins, 95 % interval)")
    borne.set_title("Who holds the wrapped coin pays")
    borne.legend()
    return save(figure, out, name, f"seeds a point: {int(table['seeds'].max())}")
