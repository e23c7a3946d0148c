"""Figure: what each single failure does to bad debt elsewhere: right of zero where a node is missed, left where it harms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.cascades.failures import Failure, headline
from experiments.figures.style import SHADES, entitle, panels, save


def draw(found: Sequence[Failure], out: Path, name: str, stamped: str = "") -> list[Path]:
    """A bar a failure, the one that is missed most on top."""
    figure, axes = panels(1, 1, 0.9 + 0.22 * len(found))
    axis = axes[0][0]
    for place, one in enumerate(reversed(found)):
        mean, low, high = (number / 1_000.0 for number in one.change.estimate[:3])
        axis.barh(place, mean, color=SHADES[1 if mean > 0 else 0])
        axis.errorbar([mean], [place], xerr=[[max(0.0, mean - low)], [max(0.0, high - mean)]], color="black", capsize=2)
    axis.set_yticks(range(len(found)), [f"{one.node} {one.how}" for one in reversed(found)])
    axis.axvline(0.0, color="black", linewidth=0.6)
    axis.grid(False, axis="y")
    seeds = found[0].change.estimate.seeds
    where = " elsewhere" if any(one.kind == "exchange" for one in found) else ""
    words = f"bad debt{where}, twin less run\n(thousand cash coins; 95 %, {seeds} paired seeds)"
    figure.supxlabel(words, fontsize=7.5)  # amid the whole figure: names on the left leave the axes too narrow for it
    entitle(figure, headline(found))
    return save(figure, out, name, "", stamped)
