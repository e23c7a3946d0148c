"""Figure: what a full chain leaves standing, by the rule of liquidation and the gas that one liquidation costs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.figures.style import line, panels, save


def draw(table: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`table`: rule, gas (cash coins), and standing and debt (cash coins) with their intervals."""
    figure, axes = panels(1, 2)
    for place, (what, title, label) in enumerate(
        (
            (
                "standing",
                "Congestion hits a fixed prize hardest",
                "notional below maintenance\n(thousands, mean over time, 95 %)",
            ),
            ("debt", "What nobody closes ends as debt", "owed beyond all at the end\n(thousands, 95 % interval)"),
        )
    ):
        panel = axes[0][place]
        for number, (rule, group) in enumerate(table.groupby("rule", sort=False)):
            columns = [group[column] / 1e3 for column in (what, f"{what}_low", f"{what}_high")]
            line(panel, number, group["gas"], columns, str(rule))
        panel.set_xscale("log")
        panel.set_xlabel("gas of one liquidation (cash coins)")
        panel.set_ylabel(label)
        panel.set_title(title)
        panel.set_ylim(bottom=0, top=(1.5 - 0.45 * place) * float(table[f"{what}_high"].max()) / 1e3)
    axes[0][0].legend(loc="upper left")
    return save(figure, out, name, f"seeds a point: {int(table['seeds'].max())}", stamped)
