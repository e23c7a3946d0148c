"""Figure: a cascade taken apart, channel after channel: each bar hangs where the last ended, and the last stands on what is left.

Bars add up to what goes through all channels together. Each hangs on what was cut before it: what a channel carries by itself is in
the figure `amplification`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.cascades.amplification import Amplified
from experiments.figures.amplification import LOOKS, look
from experiments.figures.style import SHADES, entitle, panels, save

LEVEL = 0.05  # of p after Holm


def title(rows: Sequence[Amplified]) -> str:
    """What is left of the whole when nothing is left to cut."""
    first, last = rows[0].whole.mean, rows[-1].cut.mean
    if first <= 0.0:
        return "There is nothing to take apart"
    return f"With every channel cut {last / first:.0%} is left".replace("%", " %")


def draw(steps: Sequence[Amplified], measure: str, words: str, out: Path, name: str, stamped: str = "") -> list[Path]:
    """One measure: mean of the runs, what each further cut takes away or adds, with the paired interval, and what is left."""
    rows = [one for one in steps if one.measure == measure]
    figure, axes = panels(1, 1, 2.7)
    axis = axes[0][0]
    whole, left = rows[0].whole, rows[-1].cut
    axis.bar(0, whole.mean / 1e3, color=SHADES[0])
    for place, one in enumerate(rows, 1):
        start, end = one.whole.mean / 1e3, one.cut.mean / 1e3
        _, low, high, _ = (number / 1e3 for number in one.through.estimate)
        axis.bar(place, end - start, bottom=start, linewidth=0.5, **LOOKS[look(one)])
        axis.plot([place - 1.4, place + 0.4], [start, start], color="black", linewidth=0.5)
        reach = [[max(0.0, high - (start - end))], [max(0.0, (start - end) - low)]]
        axis.errorbar([place], [end], yerr=reach, color="black", capsize=2, elinewidth=0.7)
    axis.bar(len(rows) + 1, left.mean / 1e3, color=SHADES[0])
    axis.plot([len(rows) - 0.4, len(rows) + 1.4], [left.mean / 1e3] * 2, color="black", linewidth=0.5)
    labels = ["as it is", *(f"{one.channel}{'*' if one.p < LEVEL else ''}" for one in rows), "all cut"]
    axis.set_xticks(range(len(labels)), labels, rotation=40, fontsize=6.5)
    axis.axhline(0.0, color="black", linewidth=0.6)
    axis.set_ylim(top=1.08 * max(0.0, *(one.whole.mean / 1e3 for one in rows)) or 1.0)
    axis.grid(False, axis="x")
    what, _, unit = words.rpartition(", ")
    axis.set_ylabel(f"{what}\n(thousand {unit} a run)" if what else f"{words}\n(thousands a run)")
    note = f"cut one after another, from the left\n95 % of each step, {whole.seeds} paired seeds\n"
    axis.set_xlabel(f"{note}*: p < {LEVEL} after Holm's correction", fontsize=6)
    entitle(figure, title(rows))
    return save(figure, out, name, "", stamped)
