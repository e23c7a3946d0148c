"""The house style: column width, readable in grey, the same bytes every time.

Lines differ by marker and dash as well as by shade, intervals are drawn, and the title says what the figure shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLUMN = 3.4  # inches
SHADES = ("#08306b", "#b2182b", "#41ab5d", "#f4a582", "#7a7a7a", "#222222")  # dark to light also in grey
MARKS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (5, 1.5, 1, 1.5)), "-", (0, (3, 1)))

SETTINGS: Any = {
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 7.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.linewidth": 0.3,
    "grid.color": "#cccccc",
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "svg.hashsalt": "undertow",
    "figure.constrained_layout.use": True,
}


def panels(rows: int = 1, columns: int = 1, height: float = 2.5) -> tuple[Any, Any]:
    """A figure of `columns` column widths, and its axes."""
    matplotlib.rcParams.update(SETTINGS)  # for all that is drawn from here on
    return plt.subplots(rows, columns, figsize=(COLUMN * columns, height * rows), squeeze=False)


def entitle(figure: Any, words: str) -> None:
    """A title from the left edge of the whole figure on, where long labels beside the axes would push it out on the right."""
    figure.suptitle(words, x=0.01, ha="left", fontsize=SETTINGS["axes.titlesize"], fontweight="bold")


def line(axes: Any, number: int, x: Any, values: Any, label: str) -> None:
    """One series (mean, low, high) with its intervals, in the shade, mark and dash of its number."""
    k = number % len(SHADES)
    mean, low, high = (list(map(float, column)) for column in values)
    errors = [[m - a for m, a in zip(mean, low, strict=True)], [b - m for m, b in zip(mean, high, strict=True)]]
    axes.errorbar(
        x,
        mean,
        yerr=errors,
        color=SHADES[k],
        marker=MARKS[k],
        linestyle=DASHES[k],
        capsize=2,
        elinewidth=0.7,
        label=label,
    )


def symlog(axes: Any, linear: float, low: float, high: float) -> None:
    """A horizontal axis even near nothing, logarithmic beyond `linear` either way, whose ticks are plain numbers."""
    axes.set_xscale("symlog", linthresh=linear)
    decades = [linear * 10.0**k for k in range(12)]
    ticks = sorted([-x for x in decades] + [0.0] + decades)
    inside = [x for x in ticks if min(low, 0.0) * 1.001 <= x <= max(high, linear) * 1.001]
    axes.set_xticks(inside, [f"{x:,.4g}" for x in inside])
    axes.minorticks_off()


def stamp(digests: Iterable[str]) -> str:
    """What a figure says about the runs it shows: how many, and SHA-256 over their digests in alphabetical order."""
    every = sorted(digests)
    return f"{len(every)} runs, digest {hashlib.sha256(' '.join(every).encode()).hexdigest()[:32]}"


def save(figure: Any, folder: Path, name: str, note: str = "", stamped: str = "") -> list[Path]:
    """Write PDF and PNG, byte-identical for equal figures; `note` and what `stamp` says go into the metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.pdf", folder / f"{name}.png"]
    told = "; ".join(filter(None, (note, stamped)))
    figure.savefig(paths[0], metadata={"CreationDate": None, "Subject": told})
    figure.savefig(paths[1], metadata={"Software": None, "Description": told})
    plt.close(figure)
    return paths
