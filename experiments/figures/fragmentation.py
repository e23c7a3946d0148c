"""Figure: slippage, and how far mids stray, by how many pools share the liquidity and how orders are routed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.figures.style import line, panels, save

PANELS = (
    (
        "slippage",
        "slippage of noise traders\n(bp against fair, 95 % interval)",
        "Splitting is dear, unless orders split too",
    ),
    ("stray", "distance of a mid from fair\n(bp, rms, 95 % interval)", "Mids stray apart, and from fair"),
)


def draw(table: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`table`: routing, pools, and each measure in basis points with its interval."""
    figure, axes = panels(1, 2)
    for axis, (measure, label, title) in zip(axes[0], PANELS, strict=True):
        for number, (routing, group) in enumerate(table.groupby("routing", sort=False)):
            group = group.sort_values("pools")
            line(
                axis, number, group["pools"], [group[f"{measure}{end}"] for end in ("", "_low", "_high")], str(routing)
            )
        axis.set_xscale("log", base=2)
        axis.set_xticks(sorted(set(table["pools"])))
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
        axis.set_xlabel("pools that share the liquidity")
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0.0)
        axis.set_title(title)
    axes[0][0].legend(loc="upper left")
    return save(figure, out, name, f"seeds a point: {int(table['seeds'].max())}", stamped)
