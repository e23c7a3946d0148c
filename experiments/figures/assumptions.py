"""Figure: what a headline number becomes where one assumption is set otherwise; those that matter most on top."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from experiments.figures.style import MARKS, SHADES, panels, save


def draw(table: pd.DataFrame, measures: Mapping[str, str], out: Path, name: str, stamped: str = "") -> list[Path]:
    """`table`: a row a knob and end, with the change in cash coins. `measures`: what each scenario's number is."""
    most = max(len(some) // 2 for _, some in table.groupby("scenario"))
    figure, axes = panels(1, len(measures), 0.9 + 0.2 * most)
    for axis, (scenario, what) in zip(axes[0], measures.items(), strict=True):
        some = table[table["scenario"] == scenario]
        reach = some.groupby("what")["change"].apply(lambda change: change.abs().max()).sort_values()
        for place, knob in enumerate(reach.index):
            for number, end in enumerate(("low", "high")):
                row = some[(some["what"] == knob) & (some["end"] == end)].iloc[0]
                mean, low, high = (row[column] / 1e3 for column in ("change", "change_low", "change_high"))
                axis.errorbar(
                    [mean],
                    [place + 0.14 * (1 - 2 * number)],
                    xerr=[[mean - low], [high - mean]],
                    color=SHADES[number],
                    marker=MARKS[number],
                    capsize=2,
                    elinewidth=0.7,
                    linestyle="none",
                    label=f"set {end}" if place == 0 else None,
                )
        axis.set_yticks(range(len(reach)), list(reach.index))
        axis.axvline(0.0, color="black", linewidth=0.6)
        base = float(some["as it stands"].iloc[0]) / 1e3
        axis.set_xlabel(f"change of {what} (thousand cash coins, 95 %)\n{scenario} as it stands: {base:,.0f}")
        axis.set_title(f"{what.capitalize()}: most by {_short(reach.index[-1])}")
        axis.legend(loc="lower right")
    return save(figure, out, name, f"seeds: {int(table['seeds'].max())}", stamped)


def _short(what: str) -> str:
    return what.split(",")[0]
