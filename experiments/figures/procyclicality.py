"""Figure: what margin that scales with volatility saves, against its twins, and the liquidations that it calls itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from experiments.figures.style import MARKS, SHADES, panels, save


def draw(arms: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`arms`: nature, arm, most, and the columns of the study's table; cash coins."""
    figure, axes = panels(1, 2, height=2.7)
    saved, calls = axes[0]
    places, labels = [], []
    for block, (nature, group) in enumerate(arms.groupby("nature", sort=False)):
        for step, row in enumerate(_ordered(group)):
            x = block * (len(group) + 1) + step
            places.append(x)
            labels.append(_label(row))
            if row["arm"] != "fixed":
                _point(saved, x, row, "debt_over_fixed", 1e-3, ("flat", "scaled").index(row["arm"]))
            _bar(calls, x, row, legend=not block and step == len(group) - 1)
        for axis in (saved, calls):
            axis.annotate(
                str(nature),
                (block * (len(group) + 1) + (len(group) - 1) / 2, 0.99),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="top",
                fontsize=7,
            )
    for axis in (saved, calls):
        axis.set_xticks(places)
        axis.set_xticklabels(labels, fontsize=6)
        low, high = axis.get_ylim()
        axis.set_ylim(low, high + (0.15 if axis is saved else 0.4) * (high - low))
        axis.grid(axis="x", visible=False)
    saved.axhline(0.0, color="black", linewidth=0.8)
    saved.set_ylabel("bad debt over the unscaled twin's\n(thousand cash coins, 95 % interval)")
    saved.set_title(_verdict(arms))
    calls.set_ylabel("liquidations a run")
    calls.set_title(_causes(arms))
    calls.legend(loc="upper center", bbox_to_anchor=(0.5, 0.94))
    return save(figure, out, name, f"seeds an arm: {int(arms['seeds'].max())}", stamped)


def _ordered(group: pd.DataFrame) -> list[dict[Any, Any]]:
    order = group.assign(rank=group["arm"].map({"fixed": 0, "flat": 1, "scaled": 2}))
    return order.sort_values(["most", "rank"]).to_dict("records")


def _label(row: dict[Any, Any]) -> str:
    if row["arm"] == "fixed":
        return "as\nit is"
    return f"{row['arm']}\n{row['factor']:.2f}" if row["arm"] == "flat" else f"scaled\nto {row['most']:g}"


def _point(axes: Any, x: float, row: dict[Any, Any], name: str, scale: float, number: int) -> None:
    mean, low, high = (scale * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    axes.errorbar(
        [x], [mean], yerr=[[mean - low], [high - mean]], color=SHADES[number], marker=MARKS[number], capsize=2
    )


def _bar(axes: Any, x: float, row: dict[Any, Any], *, legend: bool) -> None:
    """Liquidations in all; of the scaled, those that the twin without scaling has too, and those it called alone."""
    idle = row["idle"] if row["arm"] == "scaled" else 0.0
    names = ("all others", "called by the scaling alone") if legend else (None, None)
    axes.bar([x], [row["liquidations"] - idle], color="#9aa5b1", width=0.8, label=names[0])
    axes.bar([x], [idle], bottom=[row["liquidations"] - idle], color=SHADES[1], width=0.8, hatch="///", label=names[1])
    mean, low, high = (row[f"liquidations{end}"] for end in ("", "_low", "_high"))
    axes.errorbar([x], [mean], yerr=[[mean - low], [high - mean]], color="black", capsize=2, linewidth=0.8)


def _verdict(arms: pd.DataFrame) -> str:
    """What the left panel says, of the scaled arms."""
    scaled = arms[arms["arm"] == "scaled"]
    if (scaled["debt_over_fixed_high"] < 0).all():
        return "Scaling saves bad debt"
    if (scaled["debt_over_fixed_low"] > 0).all():
        return "Scaling adds bad debt"
    if not (scaled["debt_over_fixed_high"] < 0).any():
        return "Scaling saves no bad debt that shows"
    return "Scaling saves bad debt in some markets"


def _causes(arms: pd.DataFrame) -> str:
    """What the right panel says: the share of the scaled arms' liquidations that nobody else would have called."""
    scaled = arms[arms["arm"] == "scaled"]
    shares = sorted(round(100 * share) for share in scaled["idle"] / scaled["liquidations"].clip(lower=1e-9))
    return f"{shares[0]} to {shares[-1]} % of its liquidations are its own"
