"""How a search converges: every candidate's profit, the best so far, and what the best is worth on seeds it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.figures.style import DASHES, SHADES, entitle, panels, save, stamp
from experiments.search import Found
from protocol.ledger import Floats, Ints

STILL = 0.1  # growth of the best over the second half of a budget from which on a search has not converged


def draw(found: Found, seeds: int, attack: str, out: Path, name: str) -> list[Path]:
    """`seeds` a candidate; cash coins."""
    figure, axes = panels(1, 1, height=2.9)
    axis = axes[0][0]
    runs = np.array([(trial.number + 1) * seeds for trial in found.trials])
    profit = np.array([trial.worth for trial in found.trials]) / 1_000.0
    axis.plot(runs, profit, ".", color=SHADES[4], markersize=3, label="candidates, on the search's seeds")
    best = np.fmax.accumulate(profit)
    axis.step(runs, best, where="post", color=SHADES[0], label="best so far, on the search's seeds")
    for k, (label, value) in enumerate((("the best", found.held), ("as in the scenario", found.plain))):
        low, mean, high = (x / 1_000.0 for x in (value.low, value.mean, value.high))
        axis.axhspan(low, high, color=SHADES[(1, 2)[k]], alpha=0.2, linewidth=0)
        axis.axhline(mean, color=SHADES[(1, 2)[k]], linestyle=DASHES[k + 1], label=f"{label}, on held-out seeds, 95 %")
    axis.axhline(0.0, color="black", linewidth=0.6)
    top = np.nanmax(np.append(profit, found.held.high / 1_000.0))
    low = min(0.0, float(np.nanpercentile(profit, 20)), found.plain.low / 1_000.0, found.held.low / 1_000.0)
    axis.set_ylim(low - 0.05 * (top - low), top + 0.05 * (top - low))
    axis.set_xlabel("runs spent")
    axis.set_ylabel("profit (thousand cash coins)")
    entitle(figure, f"{_title(found, attack)}{_settled(best, runs)}")
    figure.legend(loc="outside lower center", fontsize=6)
    best_is = ", ".join(f"{key} {value:.4g}" for key, value in found.best.parameters.items())
    note = f"seeds a candidate: {seeds}; held out: {found.held.seeds}; best: {best_is}"
    return save(figure, out, name, note, stamp(found.digests))


def _title(found: Found, attack: str) -> str:
    """What the held-out seeds say of it."""
    if not found.better.estimate.low > 0.0:
        return f"No better settings of {attack} were found"
    if not found.plain.low > 0.0:
        return f"Searched, {attack} earns {found.held.mean / 1_000.0:,.0f} thousand"
    return f"Searched, {attack} earns {found.held.mean / found.plain.mean:.1f} times as much"


def _settled(best: Floats, runs: Ints) -> str:
    """Whether the best on the search's seeds still grew by much in the second half of the budget."""
    half, last = float(best[int(np.searchsorted(runs, runs[-1] / 2.0))]), float(best[-1])
    if half > 0.0 and last <= (1.0 + STILL) * half:
        return f"\n(its best grew by {last / half - 1.0:.0%} in the second half)".replace("%", " %")
    return "\n(and its best was still growing: not converged)"
