"""Study: at which leverage, and how little depth, does a liquidation set off more than one other?

The bundled `fragile-pool` over leverage (initial margin is one over it, maintenance half of that, and members take 0.6 to 0.9 of
it) and the pool's liquidity. A large trader moves the pool once, by a share of the way to liquidation that is the same at every
leverage, so that somebody is liquidated where nobody would be by himself: without a first one there is nothing to estimate. The
critical line is where the estimated ratio is one: mean offspring of a liquidation that no other brought about, since of all of
them, in a cascade that ends, it can only be below.
Theory: a fall of x of the price liquidates the share x / d of one side's open interest O, if liquidation prices lie evenly over the
distance d from entry to liquidation, and selling O moves a constant product of Y cash by 2 O / Y; so n = 2 O / (Y d), which goes
with leverage squared over depth.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.roles.large_trader import LargeTrader
from experiments.cascades.episodes import told
from experiments.cascades.trees import clusters, shared
from experiments.figures.cascade_phases import draw
from experiments.figures.style import stamp
from experiments.overrides import varied
from experiments.parallel import Workers, spread
from experiments.scenario import Scenario, find
from experiments.tables import cell, means, write
from protocol.margins.cross import Cross
from protocol.venues.base import product_depth

NAME = "cascade-phases"
QUESTION = "At which leverage, and how little depth, does a liquidation set off more than one other?"

LEVERAGES = (4.0, 6.0, 9.0, 13.0, 20.0)
LIQUIDITY = (1e7, 2e7, 4e7, 8e7, 1.6e8, 3.2e8)  # cash coins a side
LEAST, MOST = 0.6, 0.9  # of the leverage that margin allows: what members take
KEPT = 0.5  # maintenance as a share of initial margin
SHARE = 0.85  # of `distance`: how far the large trader moves the pool; the nearest members are liquidated at 0.73 of it
ONSET = 900.0  # seconds, when it does
SEEDS = 5
PATH = "dex.ETH-PERP"
VALUES = ("root", "ratio", "size", "largest", "liquidations", "liquidated", "theory")


class Point(NamedTuple):
    """One run."""

    leverage: float
    liquidity: float
    seed: int


def scenario(point: Point) -> Scenario:
    """The bundled `fragile-pool` at a point, and whoever moves the pool once."""
    base = find("fragile-pool")
    base = replace(base, seed=point.seed, cast=(*base.cast, trigger(point)))
    initial = 1.0 / point.leverage
    return varied(
        base,
        {
            "exchange.margin": Cross(initial=initial, maintenance=KEPT * initial),
            "exchange.market.venue.liquidity": point.liquidity,
            "cast.leveraged.least_leverage": LEAST * point.leverage,
            "cast.leveraged.leverage": MOST * point.leverage,
        },
    )


def trigger(point: Point) -> LargeTrader:
    """One sale that moves a constant product's mid by `SHARE` of the way to liquidation, with money enough to stay in."""
    fall = SHARE * distance(point.leverage)
    notional = point.liquidity * (1.0 / math.sqrt(1.0 - fall) - 1.0)
    return LargeTrader(
        name="trigger",
        capital=3.0 * notional,
        base=0.0,
        notional=notional,
        slices=1,
        pause=60.0,
        rest=1e9,
        onset=ONSET,
        buys=0.0,
    )


def distance(leverage: float) -> float:
    """Relative fall from entry to liquidation of a member of mean leverage."""
    return 1.0 / (0.5 * (LEAST + MOST) * leverage) - KEPT / leverage


def measure(point: Point) -> dict[str, Any]:
    """Branching and sizes of one run; nan where nobody was liquidated. `capital`: what members brought, cash coins.

    Open interest is what members held when the pool was moved, or when the first of them was liquidated if that came before.
    """
    setting = scenario(point)
    run, crowd = told(setting), next(role for role in setting.cast if role.label == "leveraged")
    offspring, blocks = shared(run.why), run.record.blocks
    alone = np.array([1.0 - sum(one.parents().values()) for one in run.why])
    sizes = [one.size for one in clusters(run.why)]
    calm = blocks[(blocks["time"] < ONSET) & (blocks["dex.liquidations"] == 0)].iloc[-1]
    held = 0.5 * (calm[f"{PATH}.open_long"] + calm[f"{PATH}.open_short"]) * calm[f"{PATH}.index"]
    begun = float(alone.sum())
    return {
        **point._asdict(),
        "depth": product_depth(point.liquidity, 0.01) / (crowd.capital * crowd.count),
        "root": float((alone * offspring).sum()) / begun if begun > 0 else math.nan,
        "ratio": float(offspring.mean()) if len(sizes) else math.nan,
        "size": float(np.mean(sizes)) if sizes else math.nan,
        "largest": max(sizes, default=0),
        "liquidations": len(run.why),
        "liquidated": sum(one.notional for one in run.why) / (crowd.capital * crowd.count),
        "theory": 2.0 * float(held) / (point.liquidity * distance(point.leverage)),
        "digest": run.record.digest,
    }


def sweep(*, workers: Workers = None, quick: bool = False) -> pd.DataFrame:
    """One row a run."""
    leverages, depths, seeds = (LEVERAGES[1::2], LIQUIDITY[:4:3], 2) if quick else (LEVERAGES, LIQUIDITY, SEEDS)
    points = [Point(x, y, s) for x in leverages for y in depths for s in range(1, seeds + 1)]
    return pd.DataFrame(spread(measure, points, workers=workers, title=NAME))


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a point: every value with its interval."""
    return means(runs, ("leverage", "liquidity", "depth"), VALUES)


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    runs = sweep(workers=workers, quick=quick)
    points = table(runs)
    write(out, {f"{NAME}-runs": runs, NAME: points})
    figure = draw(points, out, NAME, stamp(runs["digest"]))
    lines = [QUESTION, ""]
    lines.append(
        f"{'leverage':>8} {'depth':>7} {'theory':>7} {'offspring of the first':>24} {'mean family':>22} {'largest':>20}"
        f" {'liquidations':>20}"
    )
    for row in points.to_dict("records"):
        lines.append(
            f"{row['leverage']:>8.0f} {row['depth']:>7.1%} {row['theory']:>7.2f} {cell(row, 'root', digits=2):>24}"
            f" {cell(row, 'size', digits=2):>22} {cell(row, 'largest', digits=1):>20} {cell(row, 'liquidations'):>20}"
        )
    lines += [
        "",
        "Depth: cash that moves the mid by 1 %, as a share of what traders brought.",
        f"{len(runs)} runs, {int(points['seeds'].max())} paired seeds a point (from 1).",
        f"Written: {', '.join(map(str, figure))}",
    ]
    return "\n".join(lines)
