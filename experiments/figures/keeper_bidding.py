"""Figure: how keepers bid where none would rather bid otherwise, and how much of the prize that burns, by rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, panels, save

HATCHES = ("", "////", "....", "xxxx")


def draw(splits: pd.DataFrame, mixes: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`splits`: rule, prize and burned (cash coins a run) with intervals. `mixes`: rule, style, rest (share)."""
    figure, axes = panels(1, 2)
    play, paid = axes[0]
    rules = list(splits["rule"])
    for x, rule in enumerate(rules):
        bottom = 0.0
        for order, (_, row) in enumerate(mixes[mixes["rule"] == rule].iterrows()):
            share = float(row["rest"])
            if share < 0.005:
                continue
            play.bar(x, share, 0.6, bottom, color="white", edgecolor=SHADES[0], hatch=HATCHES[order % 4], linewidth=0.7)
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            middle = bottom + share / 2
            play.annotate(f"{row['style']} {share:.0%}", (x, middle), ha="center", va="center", fontsize=6, bbox=box)
            bottom += share
    play.grid(visible=False)
    play.set_ylabel("share of keepers, at rest")
    play.set_title("Where keepers who copy success end")
    places = np.arange(len(rules))
    for number, (what, label) in enumerate((("prize", "prize"), ("burned", "paid for gas by both"))):
        errors = np.array([splits[what] - splits[f"{what}_low"], splits[f"{what}_high"] - splits[what]])
        paid.bar(
            places + 0.38 * (number - 0.5),
            splits[what],
            0.36,
            yerr=errors,
            color=SHADES[number],
            hatch=("", "///")[number],
            edgecolor="white",
            ecolor="black",
            capsize=2,
            error_kw={"elinewidth": 0.7},
            label=label,
        )
    for axis in (play, paid):
        axis.set_xticks(places, rules)
    paid.set_yscale("log")
    paid.set_ylabel("cash coins a run (95 % interval)")
    ratios = splits["burned"] / splits["prize"]
    most = int(ratios.to_numpy().argmax())
    paid.set_title(f"{rules[most].capitalize()}: {ratios.iloc[most]:.0%} of the prize is burned")
    paid.legend(loc="upper left")
    return save(figure, out, name, f"seeds a profile: {int(splits['seeds'].max())}", stamped)
