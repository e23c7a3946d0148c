"""Figure: one incident, as it went and under each cure, beside how near the replay's numbers are to the published ones."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

import numpy as np

from experiments.figures.style import DASHES, SHADES, panels, save, stamp
from experiments.incidents.base import ADVERSARY, HISTORY
from experiments.incidents.report import GOOD, Graded, Line
from experiments.validation.base import Range

WIDEST = 3.0  # tolerances: what is further off is drawn at the edge


def off(line: Line, value: float) -> float:
    """How far off a number is, in tolerances: -1 to 1 is within. Of a range: 0 in its middle, or wherever it has no end."""
    if not isinstance(line.published, Range):
        return (value - line.published) / (line.tolerance or max(1e-9, 1e-6 * abs(line.published)))
    low, high = line.published.low - line.tolerance, line.published.high + line.tolerance
    if math.isinf(low):
        return max(0.0, value / high) if high > 0.0 else 1.0 + value - high
    if math.isinf(high):
        return min(0.0, value / low - 2.0) if low > 0.0 else low - value - 1.0
    return (2.0 * value - low - high) / (high - low)


def draw(found: Graded, out: Path, name: str) -> list[Path]:
    """Left: the track of the first seed. Right: each grade's distance from the published value, in tolerances."""
    one, first = found.incident, found.courses[0]
    figure, axes = panels(1, 2, max(2.5, 0.9 + 0.24 * len(found.lines)))
    track, near = axes[0]
    for number, (course, played) in enumerate(first.items()):
        times = played.track.index.to_numpy() / (60.0 if one.picture.minutes else 1.0)
        track.step(
            times,
            played.track[one.picture.column],
            where="post",
            color=SHADES[number % len(SHADES)],
            linestyle=DASHES[number % len(DASHES)],
            label={HISTORY: "as it went", ADVERSARY: "the project's attacker"}.get(course, f"cure: {course}"),
        )
    track.set_yscale(one.picture.scale)
    track.set_xlabel("minutes" if one.picture.minutes else "seconds")
    track.set_ylabel(one.picture.label)
    track.legend(loc="best")
    track.set_title("\n".join(textwrap.wrap(one.picture.message, 46)))

    labels = []
    for place, line in enumerate(reversed(found.lines)):
        mean, low, high = (np.clip(off(line, x), -WIDEST, WIDEST) for x in line.ours[:3])
        good = line.verdict in GOOD
        near.errorbar(
            [mean],
            [place],
            xerr=[[mean - low], [high - mean]],
            color=SHADES[0 if line.verdict == "met" else 1],
            marker="o" if line.verdict == "met" else "x",
            markersize=4 if good else 6,
            capsize=2,
        )
        given = str(line.published) if isinstance(line.published, Range) else f"{line.published:,.5g}"
        labels.append(f"{line.id}  {given}")
    near.axvspan(-1.0, 1.0, color="#dddddd", zorder=0, linewidth=0)
    near.axvline(0.0, color="black", linewidth=0.6)
    near.set_yticks(range(len(labels)), labels)
    near.set_xlim(-WIDEST - 0.2, WIDEST + 0.2)
    near.set_xlabel("ours less published, in tolerances\n(shaded: within)")
    met = sum(line.verdict == "met" for line in found.lines)
    graded = sum(line.verdict != "calibrated" for line in found.lines)
    near.set_title(
        f"{met} of {graded} numbers within tolerance" + (", others calibrated" if graded < len(found.lines) else "")
    )
    return save(figure, out, name, one.source, stamp(found.digests))
