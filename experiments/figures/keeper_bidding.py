"""Figure: where keepers who copy success rest, whether that is an equilibrium of all bids, and how much it burns, by rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, panels, save

HATCHES = ("", "////", "....", "xxxx")


def draw(
    splits: pd.DataFrame, mixes: pd.DataFrame, profiles: pd.DataFrame, out: Path, name: str, stamped: str = ""
) -> list[Path]:
    """Shares of styles and what they come to.

    `splits`: rule, prize and burned (cash coins a run) with intervals. `mixes`: rule, style, rest (share). `profiles`: rule, and
    the style of `a` and of `b`; where one is there that `mixes` does not know, a search has found it to be better.
    """
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
            words = f"{row['style']}:\n{100 * share:.0f} % of keepers"
            play.annotate(words, (x, middle), ha="center", va="center", fontsize=6, bbox=box)
            bottom += share
    play.grid(visible=False)
    play.set_ylabel("share of keepers, at rest")
    known = set(zip(mixes["rule"], mixes["style"], strict=True))
    met = [*zip(profiles["rule"], profiles["a"], strict=True), *zip(profiles["rule"], profiles["b"], strict=True)]
    beaten = [rule for rule in rules if {one for one in met if one[0] == rule} - known]
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
    play.set_xticks(places, [f"{rule}\n(a better bid was found)" if rule in beaten else rule for rule in rules])
    paid.set_xticks(places, rules)
    paid.set_yscale("log")
    paid.set_ylabel("cash coins a run (95 % interval)")
    ratios = splits["burned"] / splits["prize"]
    most = int(ratios.to_numpy().argmax())
    paid.set_title(f"{rules[most].capitalize()}: {100 * ratios.iloc[most]:.0f} % of the prize is burned")
    paid.legend(loc="upper left")
    return save(figure, out, name, f"seeds a profile: {int(splits['seeds'].max())}", stamped)
