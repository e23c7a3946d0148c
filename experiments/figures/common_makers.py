"""Figure: what a common maker's loss on one exchange does to another: its spread there, and what taking costs, through time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.figures.style import line, panels, save

WORDS = {"spread": "full spread quoted (bp)", "cost": "cost of taking, off fair (bp)"}


def draw(arms: pd.DataFrame, stretch: float, late: float, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`arms`: the study's table, relative; `stretch` and `late` in seconds: how long a point is, and where the late part begins."""
    figure, axes = panels(1, 2, height=2.4)
    told = {row["arm"]: row for row in arms.to_dict("records")}
    for axis, (what, words) in zip(axes[0], WORDS.items(), strict=True):
        starts = sorted(int(one[1]) for column in arms.columns if (one := re.fullmatch(rf"{what}_(\d+)", column)))
        for number, arm in enumerate(list(told)[:2]):
            values = [[1e4 * told[arm][f"{what}_{at}{end}"] for at in starts] for end in ("", "_low", "_high")]
            minutes = [(at + 0.5 * stretch) / 60.0 + 0.25 * (number - 0.5) for at in starts]  # side by side
            line(axis, number, minutes, values, str(arm))
        axis.axvspan(late / 60.0, (starts[-1] + stretch) / 60.0, color="#dddddd", alpha=0.5, linewidth=0, zorder=0)
        axis.set_ylim(0.0, None)
        axis.set_xlabel("time (minutes)")
        axis.set_ylabel(words)
    axes[0][0].set_title(_verdict(told["difference"], "spread", "Ether falls, bitcoin is quoted", "wider"))
    axes[0][1].set_title(_verdict(told["difference"], "cost", "and taking it costs", "more"))
    axes[0][0].legend(loc="lower left", title="the maker on both has")
    return save(figure, out, name, f"95 %, {int(arms['seeds'].max())} paired seeds; grey: what is compared", stamped)


def _verdict(row: dict[Any, Any], what: str, words: str, more: str) -> str:
    """By how much, over the grey stretch."""
    gap = 1e4 * row[what]
    if not (row[f"{what}_low"] > 0.0 or row[f"{what}_high"] < 0.0):
        return f"{words} no {more}"
    return f"{words} {gap:.1f} bp {more}"
