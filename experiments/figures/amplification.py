"""Figure: a cascade's size by channel, as a waterfall: as it is, less what goes through each, to what is left without any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.cascades.amplification import ALL, Amplified
from experiments.figures.style import SHADES, panels, save

MOST_ACROSS = 5  # labels that stand side by side


def draw(found: Sequence[Amplified], measure: str, words: str, out: Path, name: str, stamped: str = "") -> list[Path]:
    """One measure; bars hang from where the last one ended. What single channels do not explain is drawn as their interplay."""
    rows = [one for one in found if one.measure == measure]
    single = [
        one for one in rows if one.channel != ALL and any(one.through.estimate[:3])
    ]  # through others nothing goes
    together = next((one for one in rows if one.channel == ALL), None)
    figure, axes = panels(1, 1, 2.7)
    axis = axes[0][0]
    level = rows[0].whole.mean / 1_000.0
    labels = ["as it is"]
    axis.bar(0, level, color=SHADES[0])
    _interval(axis, 0, *(x / 1_000.0 for x in rows[0].whole[:3]))
    for one in single:
        part = one.through.estimate
        mean, low, high = (x / 1_000.0 for x in part[:3])
        look = {"color": SHADES[1]} if mean > 0 else {"color": SHADES[2], "hatch": "///", "edgecolor": "white"}
        axis.bar(len(labels), -mean, bottom=level, linewidth=0.0, **look)
        axis.plot([len(labels) - 1.4, len(labels) + 0.4], [level, level], color=SHADES[4], linewidth=0.6)
        _interval(axis, len(labels), level - mean, level - high, level - low)
        labels.append(f"{'through' if mean >= 0 else 'spared'}\n{'' if mean >= 0 else 'by '}{one.channel}")
        level -= mean
    last = together or (single[0] if len(single) == 1 else None)
    if last is not None:
        left = last.cut.mean / 1_000.0
        if together is not None:
            axis.bar(len(labels), left - level, bottom=level, color=SHADES[3])
            labels.append("interplay")
        axis.bar(len(labels), left, color=SHADES[0])
        _interval(axis, len(labels), *(x / 1_000.0 for x in last.cut[:3]))
        labels.append("all cut" if together is not None else f"{last.channel}\ncut")
    axis.axhline(0.0, color="black", linewidth=0.6)
    axis.set_xticks(range(len(labels)))
    axis.set_xticklabels(labels, rotation=0 if len(labels) <= MOST_ACROSS else 40)
    axis.grid(False, axis="x")
    axis.set_ylabel(f"{words}\n(thousands)")
    axis.set_title(f"What each channel adds or spares\n(95 %, {rows[0].whole.seeds} paired seeds)")
    return save(figure, out, name, "", stamped)


def _interval(axis: object, x: float, mean: float, low: float, high: float) -> None:
    """A 95 % interval."""
    axis.errorbar(  # type: ignore[attr-defined]
        [x], [mean], yerr=[[max(0.0, mean - low)], [max(0.0, high - mean)]], color="black", capsize=2, elinewidth=0.7
    )
