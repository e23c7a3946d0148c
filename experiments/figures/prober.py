"""Figure: probes until a planted flaw is found, and the most that anything earned on sound variants."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import SHADES, panels, save
from experiments.statistics import Estimate

LEAST = 1e-3  # cash coins: what a find must earn
FLOOR = 1e-7  # cash coins: where nothing earned is drawn


def words(name: str) -> str:
    """A class name as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def draw(runs: pd.DataFrame, budget: int, rate: Estimate, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`runs`: kind, name, seed, found, probes, best (cash coins), one row a search. `rate`: the false-positive rate."""
    figure, axes = panels(1, 2, 3.0)
    flaws, sound = axes[0]
    planted = runs[runs["kind"] == "flaw"]
    order = planted.groupby("name")["probes"].median().sort_values(ascending=False).index
    for row, flaw in enumerate(order):
        group = planted[planted["name"] == flaw]
        hits, misses = group[group["found"]], group[~group["found"]]
        spread = np.linspace(-0.22, 0.22, max(1, len(group)))
        flaws.plot(hits["probes"], row + spread[: len(hits)], "o", color=SHADES[0], markersize=2.2, linestyle="none")
        flaws.plot(
            misses["probes"], row + spread[: len(misses)], "x", color=SHADES[1], markersize=3.0, linestyle="none"
        )
        if len(hits):
            flaws.plot([group["probes"].median()], [row], "|", color="black", markersize=9, zorder=3)
        flaws.text(
            1.03, row, f"{len(hits)}/{len(group)}", transform=flaws.get_yaxis_transform(), va="center", fontsize=6
        )
    flaws.axvline(budget, color="black", linewidth=0.7, linestyle=(0, (2, 2)))
    flaws.set_xscale("log")
    flaws.set_xlim(1, budget * 1.3)
    flaws.set_yticks(range(len(order)))
    flaws.set_yticklabels([words(str(flaw)) for flaw in order], fontsize=6)
    flaws.set_xlabel("probes until found, a dot a seed, bar: median\n(cross: not within the budget, dashed)")
    flaws.set_title("Planted flaws are found unaided")

    clean = runs[runs["kind"] == "sound"]
    names = list(dict.fromkeys(clean["name"]))[::-1]
    for row, variant in enumerate(names):
        group = clean[clean["name"] == variant]
        for found, colour, mark in ((False, SHADES[0], "o"), (True, SHADES[1], "x")):
            part = group[group["found"] == found]
            best = np.maximum(part["best"].to_numpy(float), FLOOR)
            sound.plot(
                best, row + np.linspace(-0.15, 0.15, max(1, len(part)))[: len(part)], mark, color=colour, markersize=2.5
            )
    sound.axvline(LEAST, color="black", linewidth=0.7, linestyle=(0, (2, 2)))
    sound.set_xscale("log")
    sound.set_xlim(FLOOR / 3, 1e3)
    sound.set_xticks([FLOOR, 1e-5, 1e-3, 1e-1, 1e1, 1e3])
    sound.set_xticklabels(["0", "$10^{-5}$", "$10^{-3}$", "0.1", "10", "1,000"])
    sound.minorticks_off()
    sound.set_yticks(range(len(names)))
    sound.set_yticklabels(names, fontsize=6)
    sound.set_xlabel("most that any probe earned (cash coins)\ndashed: what a find must exceed")
    hits = round(rate.mean * rate.seeds)
    sound.set_title(f"Sound variants: {hits} of {rate.seeds} searches,\nrate at most {rate.high:.1%} (exact, 95 %)")
    return save(
        figure,
        out,
        name,
        f"budget {budget}, seeds a flaw {planted['seed'].nunique()}, a variant {clean['seed'].nunique()}",
        stamped,
    )
