"""Figure: the frontier of open interest per margin against bad debt, and what the vault earns along it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from experiments.figures.style import DASHES, MARKS, SHADES, line, panels, save


def draw(points: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`points`: demand, kept, initial, and each of leverage, debt, vault, fees, losses with low and high, as the study has them."""
    figure, axes = panels(1, 2, height=2.7)
    frontier, vault = axes[0]
    for number, ((demand, kept), group) in enumerate(points.groupby(["demand", "kept"], sort=False)):
        who = "take what they get" if demand == "takers" else "stay out"
        _curve(frontier, number, group, f"maint. {float(str(kept)):.0%} of initial, {who}")
    main = points[(points["demand"] == "takers") & (points["kept"] == 0.5)].sort_values("leverage")
    for row in main.to_dict("records"):
        frontier.annotate(
            f"{row['initial']:.0%}",
            (row["leverage"], 1e4 * row["debt"]),
            xytext=(-4, 5) if row["debt"] > 0 else (0, 5),
            ha="right" if row["debt"] > 0 else "center",
            textcoords="offset points",
            fontsize=6,
        )
    frontier.set_xlabel("notional held per coin of margin posted")
    frontier.set_ylabel("bad debt, basis points of notional held\n(six hours of jumps, 95 % interval)")
    frontier.set_yscale("symlog", linthresh=1.0)
    ticks = [0, 1, 10, 100]
    frontier.set_yticks(ticks)
    frontier.set_yticklabels([f"{tick}" for tick in ticks])
    frontier.set_ylim(bottom=-0.2)
    frontier.set_title("More positions per margin, more bad debt")
    frontier.set_xlim(right=24.0)
    frontier.legend(fontsize=5.8, loc="lower right", bbox_to_anchor=(1.0, 0.06))
    labels = {"fees": "trading fees", "losses": "bad debts borne", "vault": "return in all"}
    for number, (column, label) in enumerate(labels.items()):
        values = [1e2 * main[c] for c in (column, f"{column}_low", f"{column}_high")]
        line(vault, number, main["initial"], values, label)
    vault.axhline(0.0, color="black", linewidth=0.8)
    vault.set_xscale("log")
    vault.set_xticks(sorted(main["initial"]))
    vault.set_xticklabels([f"{level:.0%}" for level in sorted(main["initial"])])
    vault.minorticks_off()
    vault.set_xlabel("initial margin (maintenance is half of it)")
    vault.set_ylabel("% of the vault's capital\n(six hours, 95 % interval)")
    vault.set_title(_verdict(main))
    vault.legend()
    return save(figure, out, name, f"seeds a point: {int(points['seeds'].max())}", stamped)


def _verdict(main: pd.DataFrame) -> str:
    """What the right panel says: from which margin on fees cover the debts, with the whole interval."""
    covered = main[main["net_low"] >= 0]["initial"]
    if covered.empty:
        return "Fees cover the vault's debts at no margin"
    if len(covered) == len(main):
        return "Fees cover the vault's debts at every margin"
    return f"Fees cover the vault's debts from {covered.min():.0%} up"


def _curve(axes: Any, number: int, group: pd.DataFrame, label: str) -> None:
    """One series with intervals on both axes, from the tightest margin to the loosest."""
    group, k = group.sort_values("initial", ascending=False), number % len(SHADES)
    x, y = group["leverage"], 1e4 * group["debt"]
    axes.errorbar(
        x,
        y,
        xerr=[x - group["leverage_low"], group["leverage_high"] - x],
        yerr=[y - 1e4 * group["debt_low"], 1e4 * group["debt_high"] - y],
        color=SHADES[k],
        marker=MARKS[k],
        linestyle=DASHES[k],
        capsize=1.5,
        elinewidth=0.6,
        label=label,
    )
