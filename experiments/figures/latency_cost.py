"""Figure 2: the rent of a stale index with its closed form, and what latency does to a maker's spread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import DASHES, line, panels, save
from experiments.theory import stale_value


def draw(values: pd.DataFrame, spreads: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`values`: cost, blocks, age (s), value with low and high. `spreads`: interval (s), delay (s), spread with low and high."""
    figure, axes = panels(1, 2)
    rent, maker = axes[0]
    for number, ((cost, blocks), group) in enumerate(values.groupby(["cost", "blocks"])):
        ways = "last block only" if blocks == 1 else f"any of {blocks} blocks"
        columns = [1e4 * group[c] for c in ("value", "low", "high")]
        line(rent, number, group["age"], columns, f"{1e4 * float(str(cost)):g} bp cost, {ways}")
    ages = np.geomspace(values["age"].min(), values["age"].max(), 60)
    for number, cost in enumerate(sorted(values["cost"].unique())):
        theory = [1e4 * stale_value(0.6, age, float(cost)) for age in ages]
        rent.plot(
            ages,
            theory,
            color="black",
            linewidth=0.8,
            linestyle=DASHES[number],
            zorder=0,
            label=f"{1e4 * float(cost):g} bp cost, closed form",
        )
    rent.set_xscale("log")
    rent.set_yscale("log")
    rent.set_ylim(max(1e-2, 5e3 * values["value"][values["value"] > 0].min()), 8e4 * values["value"].max())
    rent.yaxis.set_major_formatter("{x:g}")
    ticks = sorted(values["age"].unique())
    rent.set_xticks(ticks)
    rent.set_xticklabels([f"{age:g}" for age in ticks])
    rent.minorticks_off()
    rent.set_xlabel("age of the index at its update (s)")
    rent.set_ylabel("sniper's gain per update\n(bp of notional, 95 % interval)")
    rent.set_title("An old index pays, less where trading costs")
    rent.legend(loc="upper left", fontsize=5.5, ncols=2)
    for number, (interval, group) in enumerate(spreads.groupby("interval")):
        columns = [1e4 * group[c] for c in ("spread", "low", "high")]
        line(maker, number, group["delay"], columns, f"{float(str(interval)):g} s blocks")
    maker.set_xlabel("delay until a quote stands (s)")
    maker.set_ylabel("maker's quoted spread\n(bp of its centre, 95 % interval)")
    maker.set_title("Slow blocks, slow quotes: wider spreads")
    maker.set_ylim(bottom=0)
    maker.legend(title="block time", title_fontsize=6.5)
    return save(figure, out, name, f"seeds a point: {int(values['seeds'].max())}", stamped)
