"""Figure: the shape of a cascade through time: fair, mid and index of its market, and what is liquidated of whom.

Where another market strays further from fair meanwhile, as one that is pushed does, it stands above.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.cascades.episodes import Told
from experiments.cascades.trees import PHASES, Cluster, generations, phases, thrown
from experiments.figures.style import DASHES, SHADES, entitle, panels, save

AROUND = 0.6  # of the family's duration, shown before and after it
LEAST = 120.0  # seconds shown before and after it, at the least
HEADROOM = 1.12  # of the highest bar
ABOVE: Any = {"loc": "lower left", "bbox_to_anchor": (-0.02, 0.99), "columnspacing": 1.2}  # off the data
PRICES = ("fair", "mid", "index")


def _title(market: str, size: int, shown: int) -> str:
    if size == 1:
        return f"In {market} a closure sets off no other"
    return f"{shown} forced closures, " + (f"{size} of one family" if shown > size else "one family")


def markets(blocks: pd.DataFrame, closed: str) -> list[str]:
    """Which to show: the one that strayed furthest from fair, if that is not where was closed; and that, if it is a market."""
    every = [name.removesuffix(".fair") for name in blocks.columns if name.endswith(".fair")]
    every = [name for name in every if {f"{name}.{price}" for price in PRICES} <= set(blocks.columns)]

    def strayed(name: str) -> float:
        fair = blocks[f"{name}.fair"].to_numpy(float)
        gaps = [np.abs(np.log(blocks[f"{name}.{price}"].to_numpy(float) / fair)) for price in PRICES[1:]]
        return float(np.nanmax(gaps, initial=0.0))

    furthest = max(every, key=strayed)
    return [furthest, closed] if closed in every and furthest != closed else [furthest]


def draw(one: Told, family: Cluster, out: Path, name: str) -> list[Path]:
    """Around a family: prices above, forced sales below, by generation; phases as bands."""
    first = one.why[family.root]
    margin = max(LEAST, AROUND * family.duration)
    start, end = max(0.0, first.time - margin), first.time + family.duration + margin
    blocks = one.record.blocks
    end = min(end, float(blocks["time"].iloc[-1]))
    blocks = blocks[(blocks["time"] >= start) & (blocks["time"] <= end)]
    told = markets(blocks, first.market)
    figure, axes = panels(len(told) + 1, 1, 1.9 if len(told) == 1 else 1.6)
    above, below = [row[0] for row in axes[:-1]], axes[-1][0]
    for axis, market in zip(above, told, strict=True):
        for k, price in enumerate(PRICES):
            axis.plot(blocks["time"], blocks[f"{market}.{price}"], color=SHADES[k], linestyle=DASHES[k], label=price)
        axis.set_ylabel(f"{market}\n(cash coins\na base coin)")
    above[0].legend(**ABOVE, ncols=3)

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
    below.set_ylim(0.0, HEADROOM * max(base.values(), default=0.0) or None)
    below.set_ylabel("closed by force\n(thousand\ncash coins)")
    below.set_xlabel("time (seconds)")
    peak = [why.time for why in one.why if when[why.number] == PHASES[1]]
    for axis in (*above, below):
        axis.set_xlim(start, end)
        if peak:
            axis.axvspan(peak[0], peak[-1], color="#dddddd", alpha=0.5, linewidth=0, zorder=0, label="peak")
    below.legend(**ABOVE, ncols=2)
    return save(figure, out, name, f"digest {one.record.digest}")
