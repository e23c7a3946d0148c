"""Figure: how a calibration converges, and how far off each matched fact is before and after, in standard errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.figures.style import MARKS, SHADES, panels, save
from experiments.statistics import estimate

FARTHEST = 8.0  # standard errors: what is further off is drawn at the edge


def draw(tried: pd.DataFrame, gaps: pd.DataFrame, out: Path, name: str, note: str, stamped: str = "") -> list[Path]:
    """`tried`: candidate and distance. `gaps`: market, fact, gap (standard errors), seed."""
    figure, axes = panels(1, 2, 2.8)
    search, facts = axes[0]
    search.plot(tried["candidate"] + 1, tried["distance"], ".", color=SHADES[4], markersize=3, label="candidates")
    best = np.fmin.accumulate(tried["distance"].to_numpy(float))
    search.step(tried["candidate"] + 1, best, where="post", color=SHADES[0], label="best so far")
    search.set_yscale("log")
    search.set_xlabel("candidates tried")
    search.set_ylabel("distance (sum of squared standard errors)")
    search.set_title(f"{len(tried)} candidates: from {tried['distance'].iloc[0]:.0f} to {best[-1]:.0f}")
    search.legend(loc="upper right")

    names = list(dict.fromkeys(gaps["fact"]))[::-1]
    for number, (market, some) in enumerate(gaps.groupby("market", sort=False)):
        for place, fact in enumerate(names):
            found = estimate(some[some["fact"] == fact]["gap"].tolist())
            mean, low, high = (float(np.clip(x, -FARTHEST, FARTHEST)) for x in found[:3])
            facts.errorbar(
                [mean],
                [place + 0.16 * (1 - 2 * number)],
                xerr=[[mean - low], [high - mean]],
                color=SHADES[1 - number],
                marker=MARKS[1 - number],
                capsize=2,
                elinewidth=0.7,
                label=str(market) if place == 0 else None,
            )
    facts.axvspan(-1.96, 1.96, color="#dddddd", zorder=0, linewidth=0)
    facts.axvline(0.0, color="black", linewidth=0.6)
    facts.set_yticks(range(len(names)), names)
    facts.set_xlim(-FARTHEST - 0.3, FARTHEST + 0.3)
    facts.set_xlabel("simulated less recorded\n(standard errors; shaded: 95 %)")
    after = gaps[gaps["market"] == "calibrated"].groupby("fact")["gap"].mean()
    facts.set_title(f"{int((after.abs() <= 1.96).sum())} of {len(after)} facts as recorded, on new seeds")
    facts.legend(loc="lower right")
    return save(figure, out, name, note, stamped)
