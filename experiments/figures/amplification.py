"""Figure: how much of a cascade goes through each channel.

Bars stand side by side from 0, and do not add up: channels may stand in for one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from experiments.cascades.amplification import ALL, Amplified
from experiments.figures.style import SHADES, entitle, panels, save

MOST_ACROSS = 5  # labels that stand side by side
LEVEL = 0.05  # of p after Holm
LOOKS: dict[str, dict[str, Any]] = {
    "carried by it": {"facecolor": SHADES[1], "edgecolor": "white"},
    "spared by it": {"facecolor": SHADES[2], "edgecolor": "white", "hatch": "///"},
    "interval holds 0": {"facecolor": "#d0d0d0", "edgecolor": SHADES[4]},
}


def look(one: Amplified) -> str:
    """Whether the interval of what goes through a channel lies above 0, below it, or holds it."""
    _, low, high, _ = one.through.estimate
    return "carried by it" if low > 0 else "spared by it" if high < 0 else "interval holds 0"


def title(rows: Sequence[Amplified]) -> str:
    """Through which single channels most goes, and how much of the whole that is."""
    single = [one for one in rows if one.channel != ALL and look(one) == "carried by it"]
    most = max((one.through.estimate.mean for one in single), default=0.0)
    if most <= 0.0:
        return "No single channel is told to carry it"
    first = [one for one in single if one.through.estimate.mean == most]
    share = f"{most / first[0].whole.mean:.0%}".replace("%", " %")
    return f"{share} goes through {' as through '.join(one.channel for one in first)}"


def draw(found: Sequence[Amplified], measure: str, words: str, out: Path, name: str, stamped: str = "") -> list[Path]:
    """One measure: mean of the runs, and by channel what is missing in the twins without it, with the paired interval."""
    rows = [one for one in found if one.measure == measure]
    idle = [one.channel for one in rows if one.channel != ALL and not any(one.through.estimate[:3])]
    shown = [one for one in rows if one.channel not in idle]
    figure, axes = panels(1, 1, 2.7)
    axis = axes[0][0]
    whole = rows[0].whole
    axis.axhline(whole.mean / 1e3, color=SHADES[0], linewidth=0.6, linestyle=":")
    axis.bar(0, whole.mean / 1e3, color=SHADES[0])
    _interval(axis, 0, whole.mean, whole.low, whole.high)
    for place, one in enumerate(shown, 1):
        mean, low, high, _ = one.through.estimate
        axis.bar(place, mean / 1e3, linewidth=0.5, **LOOKS[look(one)])
        _interval(axis, place, mean, low, high)
    labels = ["as it is", *(_label(one) for one in shown)]
    axis.axhline(0.0, color="black", linewidth=0.6)
    axis.margins(y=0.1)
    axis.set_xticks(range(len(labels)))
    axis.set_xticklabels(labels, rotation=0 if len(labels) <= MOST_ACROSS else 40, fontsize=6.5)
    axis.grid(False, axis="x")
    what, _, unit = words.rpartition(", ")
    axis.set_ylabel(f"{what}\n(thousand {unit} a run)" if what else f"{words}\n(thousands a run)")
    notes = [f"run less twin without it; 95 %, {whole.seeds} paired seeds", f"*: p < {LEVEL} after Holm's correction"]
    notes += [f"nothing goes through {', '.join(idle)}"] if idle else []
    axis.set_xlabel("\n".join(notes), fontsize=6)
    used = [key for key in LOOKS if any(look(one) == key for one in shown)]
    handles = [matplotlib.patches.Patch(label=key, **LOOKS[key]) for key in used]
    axis.legend(handles=handles, loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=3, columnspacing=1.2)
    entitle(figure, title(rows))
    return save(figure, out, name, "", stamped)


def _label(one: Amplified) -> str:
    """Under its bar."""
    return ("all\ntogether" if one.channel == ALL else f"through\n{one.channel}") + ("*" if one.p < LEVEL else "")


def _interval(axis: Any, x: float, mean: float, low: float, high: float) -> None:
    """A 95 % interval, of cash coins."""
    reach = [[max(0.0, mean - low) / 1e3], [max(0.0, high - mean) / 1e3]]
    axis.errorbar([x], [mean / 1e3], yerr=reach, color="black", capsize=2, elinewidth=0.7)
