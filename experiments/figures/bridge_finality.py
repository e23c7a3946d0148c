"""Figure: what a bridge loses by believing a chain too early, and who bears it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, line, panels, save


def draw(
    chance: pd.DataFrame, table: pd.DataFrame, bearers: Mapping[str, str], out: Path, name: str, stamped: str = ""
) -> list[Path]:
    """`chance`: depth, share, low, high, seeds. `table`: counted, seeds, and each bearer's gain (cash coins), with its interval."""
    figure, axes = panels(1, 2)
    often, borne = axes[0]
    line(often, 0, chance["depth"], [1e2 * chance[column] for column in ("share", "low", "high")], "")
    often.axvline(float(chance["depth"].max()), color="black", linewidth=0.6, linestyle=":")
    often.annotate("as deep as\nthe chain forgets ", (0.93, 0.85), xycoords="axes fraction", ha="right", fontsize=6.5)
    often.set_xticks(sorted(chance["depth"]))
    often.set_ylim(-3, 103)
    often.set_xlabel("blocks that the bridge waits for")
    often.set_ylabel("runs in which coins are spent twice\n(%, exact 95 % interval)")
    often.set_title("Waiting ends it only at full depth")
    places = np.arange(len(bearers))
    for number, counted in enumerate(("market", "par")):
        row = table[table["counted"] == counted].iloc[0]
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
    borne.set_ylabel("loss where it happened, depth of one\n(million cash coins, 95 % interval)")
    borne.set_title("Who holds the wrapped coin pays")
    borne.legend()
    told = f"seeds a point: {int(chance['seeds'].max())} left; right those where it happened, {_counts(table['seeds'])}"
    return save(figure, out, name, told, stamped)


def _counts(seeds: pd.Series) -> str:
    """One number, or from the least to the most."""
    least, most = int(seeds.min()), int(seeds.max())
    return f"{least}" if least == most else f"{least} to {most}"
