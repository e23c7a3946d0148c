"""Study: how long a bridge has to wait for its chain, and who pays where it does not.

In `wrapped-depeg` the source chain forgets up to six blocks. Left: how often coins are spent twice, by the bridge's depth. Right:
who bears it at a depth of one, in the runs where it happened, where loans count wrapped coins at the market, and at par.
Theory: no message is forgotten after it was believed once depth is as much as the deepest reorganisation; below that the
chance a message is `chance` times the sum of `again` to the depth and above.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.figures.bridge_finality import draw
from experiments.figures.style import stamp
from experiments.overrides import vary
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import share
from experiments.tables import cell, means, write

NAME = "bridge-finality"
QUESTION = "How long must a bridge wait, and who pays where it does not?"

DEPTHS = (0, 1, 3, 6)
PAR: dict[str, Any] = {"kind": "Median", "reporters": 3, "quorum": 2, "deviation": 0.002, "heartbeat": 600.0}
BEARERS = {
    "founders": "pool's providers",
    "between": "arbitrageur",
    "there": "holders",
    "looper": "borrowers",
    "lending": "lenders",
}
MEASURES = ("spender", "spent_twice", "shortfall", "depeg", *BEARERS)
SEEDS = 12


class Point(NamedTuple):
    """One run. `counted`: how the wrapped token counts as collateral: "market" or "par"."""

    depth: int
    counted: str
    seed: int


def points(seeds: range) -> list[Point]:
    """Every depth at the market, and a depth of one at par."""
    arms = [*((depth, "market") for depth in DEPTHS), (1, "par")]
    return [Point(depth, counted, seed) for depth, counted in arms for seed in seeds]


def scenario(point: Point) -> Scenario:
    """The bundled `wrapped-depeg` at a depth; at par, reporters say what a coin is worth and not what its wrapper trades at."""
    base = dataclasses.replace(find("wrapped-depeg"), seed=point.seed)
    base = vary(base, "world.bridges.0.depth", point.depth)
    if point.counted == "par":
        base = vary(base, "world.exchanges.rollup.markets.WETH-USD.oracle", PAR)
        reporter = {"kind": "Reporter", "exchange": "rollup", "count": 3}
        base = vary(base, "cast", [*base.cast, reporter])
    return base


def measure(point: Point) -> dict[str, Any]:
    """Gains in cash coins, shortfall in coins, the deepest discount of the wrapped token relative."""
    record = run(scenario(point))
    blocks, gains = record.blocks, record.metrics
    mid, fair = (blocks[f"rollup.WETH-USD.{name}"] for name in ("mid", "fair"))
    lending = gains["gain.supplier"] + sum(
        v for k, v in gains.items() if k.startswith("gain.") and k.endswith("lender")
    )
    return {
        **point._asdict(),
        "spender": gains["gain.spender"],
        "spent_twice": float((record.events["kind"] == "attack over").any()),
        "shortfall": gains["bridge.bridge.shortfall"],
        "depeg": float((1.0 - mid / fair).max()),
        **{name: gains[f"gain.{name}"] for name in BEARERS if name not in ("lending", "founders")},
        "founders": sum(v for k, v in gains.items() if k.startswith("gain.") and k.endswith("founders")),
        "lending": lending,
        "digest": record.digest,
    }


def chances(runs: pd.DataFrame) -> pd.DataFrame:
    """Share of runs at the market in which coins were spent twice, by depth, with its exact interval."""
    rows = []
    for depth, group in runs[runs["counted"] == "market"].groupby("depth"):
        found = share(int(group["spent_twice"].sum()), len(group))
        rows.append({"depth": depth, "share": found.mean, "low": found.low, "high": found.high, "seeds": found.seeds})
    return pd.DataFrame(rows)


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    return report(pd.DataFrame(spread(measure, points(seeds), workers=workers, title=NAME)), out)


def report(runs: pd.DataFrame, out: Path) -> str:
    """Tables, figure and summary of runs. Who bears it is asked of those in which coins were spent twice."""
    chance = chances(runs)
    happened = runs[(runs["depth"] == 1) & (runs["spent_twice"] > 0)]
    borne = means(happened, ("counted",), MEASURES)
    write(out, {f"{NAME}-runs": runs, f"{NAME}-chance": chance, f"{NAME}-borne": borne})
    paths = draw(chance, borne, BEARERS, out, NAME, stamp(runs["digest"]))
    lines = [QUESTION, "", "Coins spent twice, % of runs, with 95 % interval (exact):"]
    for row in chance.to_dict("records"):
        told = f"{1e2 * row['share']:.0f} [{1e2 * row['low']:.0f}, {1e2 * row['high']:.0f}], {row['seeds']} runs"
        lines.append(f"  depth {row['depth']}: {told}")
    for row in borne.to_dict("records"):
        lines.append(
            f"Where they were, at a depth of 1, collateral at {row['counted']} ({row['seeds']} runs), thousands:"
        )
        lines.append(f"  short of {cell(row, 'shortfall')} coins, deepest discount {cell(row, 'depeg', 1e2, 1)} %")
        lines.append(f"  spender: {cell(row, 'spender', 1e-3)}")
        lines += [f"  {told}: {cell(row, name, 1e-3, 1)}" for name, told in BEARERS.items()]
    lines += ["", f"{len(runs)} runs.", f"Written: {', '.join(map(str, paths))}"]
    return "\n".join(lines)
