"""Figure: the shape of a cascade through time: fair, mid and index of its market, and what is liquidated of whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from experiments.cascades.episodes import Told
from experiments.cascades.trees import PHASES, Cluster, generations, phases, thrown
from experiments.figures.style import DASHES, SHADES, entitle, panels, save

AROUND = 0.6  # of the family's duration, shown before and after it
LEAST = 120.0  # seconds shown before and after it, at the least
ABOVE: Any = {"loc": "lower left", "bbox_to_anchor": (-0.02, 0.99), "columnspacing": 1.2}  # off the data


def _title(market: str, size: int, shown: int) -> str:
    if size == 1:
        return f"In {market} a closure sets off no other"
    return f"{shown} forced closures, " + (f"{size} of one family" if shown > size else "one family")


def draw(one: Told, family: Cluster, out: Path, name: str) -> list[Path]:
    """Around a family: prices above, forced sales below, by generation; phases as bands."""
    figure, axes = panels(2, 1, 1.9)
    above, below = axes[0][0], axes[1][0]
    first = one.why[family.root]
    margin = max(LEAST, AROUND * family.duration)
    start, end = max(0.0, first.time - margin), first.time + family.duration + margin
    blocks = one.record.blocks
    blocks = blocks[(blocks["time"] >= start) & (blocks["time"] <= end)]
    for k, price in enumerate(("fair", "mid", "index")):
        values = blocks[f"{first.market}.{price}"]
        above.plot(blocks["time"], values, color=SHADES[k], linestyle=DASHES[k], label=price)
    above.set_ylabel(f"{first.market}\n(cash coins a base coin)")
    above.legend(**ABOVE, ncols=3)

    depth, when = generations(thrown(one.why)), np.array(phases(one.why))
    shown = [why for why in one.why if start <= why.time <= end]
    entitle(figure, _title(first.market, family.size, len(shown)))
    names = ("not caused by another", "first generation", "second and later")
    widths = max(1.0, (end - start) / 120.0)
    moments = sorted({why.time for why in shown})
    base = dict.fromkeys(moments, 0.0)
    for k, label in enumerate(names):
        sums = dict.fromkeys(moments, 0.0)
        for why in shown:
            sums[why.time] += why.notional / 1_000.0 * (min(int(depth[why.number]), 2) == k)
        if moments:
            below.bar(
                moments, list(sums.values()), widths, list(base.values()), color=SHADES[(4, 3, 1)[k]], label=label
            )
        base = {moment: base[moment] + sums[moment] for moment in moments}
    below.set_ylabel("liquidated\n(thousand cash coins)")
    below.set_xlabel("time (seconds)")
    peak = [why.time for why in one.why if when[why.number] == PHASES[1]]
    for axis in (above, below):
        axis.set_xlim(start, end)
        if peak:
            axis.axvspan(peak[0], peak[-1], color="#dddddd", alpha=0.5, linewidth=0, zorder=0, label="peak")
    below.legend(**ABOVE, ncols=2)
    return save(figure, out, name, f"digest {one.record.digest}")
