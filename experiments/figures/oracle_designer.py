"""Figure: what a window pays its designer and who would push it, and what both play in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from experiments.figures.style import SHADES, line, panels, save

MOST_STYLES = 5  # of the attacker's, drawn


def draw(payoffs: pd.DataFrame, mixes: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """What both are paid, and where the designer ends.

    `payoffs`: window (s), attacker, designer_mean and attacker_mean with low and high (cash coins). `mixes`: round, part,
    strategy, chance, regret.
    """
    figure, axes = panels(1, 2, height=2.8)
    left, right = axes[0]
    _curves(left, payoffs, "designer")
    _curves(right, payoffs, "attacker")
    end = mixes[mixes["round"] == mixes["round"].max()]
    chosen = end[(end["part"] == "designer") & (end["chance"] > 0.005)]
    for axis in (left, right):
        for row in chosen.to_dict("records"):
            window = float(payoffs[payoffs["designer"] == row["strategy"]]["window"].iloc[0]) / 60.0
            axis.axvline(window, color="black", linewidth=0.7, linestyle=(0, (3, 2)), zorder=0)
            axis.annotate(
                f"played: {row['chance']:.0%}",
                (window, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(-3, -3),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="top",
                fontsize=5.5,
            )
    left.set_ylabel("gain of those behind the exchange\n(thousand cash coins, 95 % interval)")
    right.set_ylabel("gain of the attacker\n(thousand cash coins, 95 % interval)")
    usual = payoffs[(payoffs["attacker"] == "usual") & (payoffs["attacker_low"] > 0)]
    longest = float(usual["window"].max()) / 60.0 if len(usual) else 0.0
    right.set_title(f"Up to {longest:.2g} minutes the attack pays")
    left.set_title(_title(payoffs, chosen))
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=MOST_STYLES)
    regret = f"regret {end.iloc[0]['regret']:,.0f}, up to {end.iloc[0]['regret_high']:,.0f}"
    return save(figure, out, name, f"seeds a profile: {int(end.iloc[0]['seeds'])}; {regret}", stamped)


def _title(payoffs: pd.DataFrame, chosen: pd.DataFrame) -> str:
    """What is played, and which windows pay nothing that intervals tell from it, whatever the attacker does."""
    names = chosen.sort_values("chance", ascending=False)["strategy"]
    mine = payoffs[payoffs["designer"] == names.iloc[0]].set_index("attacker")
    played, alike = dict.fromkeys(names, 0.0), []
    for window, rows in payoffs.groupby("window"):
        minutes, theirs = float(str(window)) / 60.0, rows.set_index("attacker")
        apart = (theirs["designer_high"] < mine["designer_low"]) | (theirs["designer_low"] > mine["designer_high"])
        if theirs["designer"].iloc[0] in played:
            played[theirs["designer"].iloc[0]] = minutes
        elif not apart.any():
            alike.append(f"{minutes:.2g}")
    said = f"Played: {' or '.join(f'{one:.2g}' for one in played.values())} min"
    return f"{said}; not told from {', '.join(alike)} min" if alike else said


def _curves(axis: Any, payoffs: pd.DataFrame, part: str) -> None:
    """A line for each style of the attacker, over the windows."""
    for number, style in enumerate(list(dict.fromkeys(payoffs["attacker"]))[:MOST_STYLES]):
        group = payoffs[payoffs["attacker"] == style].sort_values("window")
        columns = [group[f"{part}_{c}"] / 1e3 for c in ("mean", "low", "high")]
        shift = 1.0 + 0.05 * (number - 1)  # so that intervals do not hide each other
        line(
            axis,
            number,
            shift * group["window"] / 60.0,
            columns,
            f"attacker: {str(style).replace('attacker-', 'new ')}",
        )
    axis.set_xscale("log")
    axis.set_yscale("symlog", linthresh=1.0)
    low, high = axis.get_ylim()
    ticks = [side * 10.0**k for side in (-1.0, 1.0) for k in range(4)]
    ticks = sorted([0.0, *(tick for tick in ticks if low <= tick <= high)])
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    windows = sorted(set(payoffs["window"]))
    axis.set_xticks([w / 60.0 for w in windows], [f"{w / 60.0:.2g}" for w in windows])
    axis.minorticks_off()
    axis.axhline(0.0, color=SHADES[5], linewidth=0.6)
    axis.set_xlabel("TWAP window (minutes)")
