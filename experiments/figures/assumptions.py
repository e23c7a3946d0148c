"""Figure: what a headline number becomes where one assumption is set otherwise; those that matter most on top."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from experiments.figures.style import MARKS, SHADES, entitle, panels, save


def draw(table: pd.DataFrame, measures: Mapping[str, str], out: Path, name: str, stamped: str = "") -> list[Path]:
    """`table`: a row a knob and end, with the change in cash coins. `measures`: what each scenario's number is.

    Changes are drawn as shares of the number as it stands. Beside each knob stand the two values that it was set to.
    """
    most = max(len(some) // 2 for _, some in table.groupby("scenario"))
    figure, axes = panels(len(measures), 1, 0.8 + 0.17 * most)
    told = []
    for axis, (scenario, what) in zip(axes[:, 0], measures.items(), strict=True):
        some = table[table["scenario"] == scenario]
        base = float(some["as it stands"].iloc[0])
        reach = some.groupby("what")["change"].apply(lambda change: change.abs().max()).sort_values()
        labels = []
        for place, knob in enumerate(reach.index):
            values = []
            for number, end in enumerate(("low", "high")):
                row = some[(some["what"] == knob) & (some["end"] == end)].iloc[0]
                mean, low, high = (100.0 * row[column] / base for column in ("change", "change_low", "change_high"))
                axis.errorbar(
                    [mean],
                    [place + 0.16 * (1 - 2 * number)],
                    xerr=[[mean - low], [high - mean]],
                    color=SHADES[number],
                    marker=MARKS[number],
                    markersize=3,
                    capsize=2,
                    elinewidth=0.7,
                    linestyle="none",
                    label=f"set {end}" if place == 0 else None,
                )
                values.append(f"{row['set to']:g}".replace("e+", "e").replace("e0", "e").replace("e-0", "e-"))
            labels.append(f"{_short(knob)} ({', '.join(values)})")
        axis.set_yticks(range(len(reach)), labels, fontsize=6)
        axis.axvline(0.0, color="black", linewidth=0.6)
        axis.set_xlabel(f"change of {what}, % of {base:,.0f} cash coins ({scenario})", fontsize=6.5, loc="right")
        told.append(f"{what} most by {_short(reach.index[-1])}")
    axes[0, 0].legend(loc="lower left")
    entitle(figure, textwrap.fill(f"What was assumed moves {', '.join(told)}", 50))
    return save(figure, out, name, f"seeds: {int(table['seeds'].max())}; bars: 95 %", stamped)


def _short(what: str) -> str:
    return what.split(",")[0]
