"""Figure 3: five generations side by side, one small panel a measure, one bar of 95 % a generation."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.figures.style import COLUMN, MARKS, SHADES, entitle, panels, save

PANELS = (  # measure, axis, whether its scale must hold both small and large
    ("attack", "attack profit (thousand)", True),
    ("bad_debt", "bad debt (thousand)", True),
    ("slippage", "slippage (bp)", True),
    ("efficiency", "open interest per\ncapital (%)", False),
    ("wait", "time below\nmaintenance (s)", True),
    ("liquidity", "return of who stands\nbehind (%)", False),
)


def draw(points: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`points`: generation, measure, mean with low and high in the measure's unit, seeds."""
    figure, axes = panels(3, 2, height=1.25)
    figure.set_size_inches(COLUMN, 4.4)
    names = list(points["generation"].unique())
    for axis, (measure, label, wide) in zip(axes.flat, PANELS, strict=True):
        for place, generation in enumerate(names):
            row = points[(points["generation"] == generation) & (points["measure"] == measure)]
            if row.empty:
                axis.annotate("none", (place, 0.0), ha="center", va="bottom", fontsize=5.5)
                continue
            mean, low, high = (float(row[column].iloc[0]) for column in ("mean", "low", "high"))
            axis.errorbar(
                [place],
                [mean],
                yerr=[[mean - low], [high - mean]],
                color=SHADES[place],
                marker=MARKS[place],
                capsize=2,
                elinewidth=0.8,
            )
        if wide:
            axis.set_yscale("symlog", linthresh=1.0)
            axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            axis.set_ylim(bottom=-0.5)
        axis.axhline(0.0, color="black", linewidth=0.6)
        axis.set_xlim(-0.5, len(names) - 0.5)
        axis.set_xticks(range(len(names)))
        axis.set_xticklabels([str(place) for place in range(len(names))])
        axis.set_ylabel(label, fontsize=6.5)
    for axis in axes[-1]:
        axis.set_xlabel("generation")
    entitle(figure, _title(points, names))
    return save(figure, out, name, f"seeds a point: {int(points['seeds'].max())}", stamped)


def _title(points: pd.DataFrame, names: list[str]) -> str:
    """What the intervals carry: in which generations the attackers earn, and whether each closes faster than the one before."""
    rows = points.set_index(["measure", "generation"])
    earn = [
        str(k) for k, name in enumerate(names) if ("attack", name) in rows.index and rows["low"]["attack", name] > 0
    ]
    waits = [name for name in names if ("wait", name) in rows.index]
    pairs = zip(waits[:-1], waits[1:], strict=True)
    faster = all(rows["high"]["wait", later] < rows["low"]["wait", one] for one, later in pairs)
    where = f"in generation {', '.join(earn)} only" if earn else "in none"
    return (
        f"Attackers earn for sure {where};\n{'closing gets faster' if faster else 'closing does not always get faster'}"
    )
