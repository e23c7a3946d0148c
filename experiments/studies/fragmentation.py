"""Study: what does it cost to split one pool's liquidity over several exchanges, and what does an aggregator save of that?

The same members of the bundled `split-pools`, on the same seed, trade on one pool, or on two, four and eight that have as much
together, each at home, each where the whole order costs least, or through an aggregator. Nobody else is there: no arbitrageur puts
a pool right, so what links the pools is how orders are routed, and what brings the news is the informed. Slippage is what noise
traders pay beyond fair, fee in and gas apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.crowds.base import Crowd
from agents.routings.aggregated import Aggregated
from agents.routings.at_home import AtHome
from agents.routings.base import Routing
from agents.routings.best_venue import BestVenue
from experiments.execution import Execution
from experiments.figures.fragmentation import draw
from experiments.figures.style import stamp
from experiments.metrics import half_life
from experiments.parallel import Workers, spread
from experiments.run import build, play
from experiments.scenario import Scenario, find
from experiments.statistics import difference
from experiments.tables import cell, means, write
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Exchange

NAME = "fragmentation"
QUESTION = "What does splitting liquidity over several exchanges cost, and what does an aggregator save?"

POOLS = (1, 2, 4, 8)
LIQUIDITY = 2_000_000.0  # cash coins a side, over all pools
DURATION = 1_800.0
SEEDS = 6
ROUTINGS: Mapping[str, Routing] = {
    "each at home": AtHome(),
    "best single venue": BestVenue(),
    "aggregated": Aggregated(),
}
MEASURES = {  # column: (what it is, unit, its size)
    "slippage": ("noise traders' slippage against fair, fee in", "bp", 1e-4),
    "gas": ("their gas", "bp", 1e-4),
    "stray": ("distance of a mid from fair, rms over venues", "bp", 1e-4),
    "apart": ("distance of a mid from the mean of all, rms", "bp", 1e-4),
    "half_life": ("half-life of the gap of the mean mid against fair", "s", 1.0),
}


class Point(NamedTuple):
    """One run."""

    routing: str
    pools: int
    seed: int


def exchanges(scenario: Scenario, pools: int) -> tuple[Exchange, ...]:
    """So many exchanges like the scenario's first, with an equal part of the liquidity each."""
    first = scenario.world.exchanges[0]
    (market,) = first.markets
    assert isinstance(market.venue, ConstantProduct)
    market = dataclasses.replace(market, venue=dataclasses.replace(market.venue, liquidity=LIQUIDITY / pools))
    return tuple(dataclasses.replace(first, name=f"x{number}", markets=(market,)) for number in range(pools))


def scenario(point: Point) -> Scenario:
    """The bundled `split-pools` over so many pools, everybody by one routing; with a single pool there is nothing to route."""
    base = find("split-pools")
    routing = ROUTINGS[point.routing] if point.pools > 1 else None
    cast = tuple(dataclasses.replace(role, routing=routing) for role in base.cast if isinstance(role, Crowd))
    world = dataclasses.replace(base.world, exchanges=exchanges(base, point.pools))
    return dataclasses.replace(base, world=world, cast=cast, seed=point.seed, duration=DURATION)


def measure(point: Point) -> dict[str, Any]:
    """Shares without a unit, seconds, cash coins."""
    asked, watch = scenario(point), Execution("noise")
    game = watch.game = build(asked, witness=watch)
    record = play(game, asked)
    paths = [f"x{number}.ETH-USD" for number in range(point.pools)]
    mids = np.log(record.blocks[[f"{path}.mid" for path in paths]].to_numpy(float))
    fair, time = (record.blocks[name].to_numpy(float) for name in (f"{paths[0]}.fair", "time"))
    gaps, traded = mids - np.log(fair)[:, None], sum(watch.traded.values())
    spent = record.flows.loc[(record.flows["reason"] == "gas") & (record.flows["source"] == "noise"), "cash"].sum()
    return {
        **point._asdict(),
        "slippage": watch.slippage(),
        "gas": float(spent) / traded,
        "stray": float(np.sqrt(np.mean(gaps**2))),
        "apart": float(np.sqrt(np.mean((mids - mids.mean(axis=1, keepdims=True)) ** 2))),
        "half_life": half_life(gaps.mean(axis=1), time),
        "failed": watch.failed / watch.orders,
        "traded": traded,
        "informed": record.metrics["gain.informed"],
        "providers": sum(
            gain for name, gain in record.metrics.items() if name.startswith("gain.") and name.endswith("founders")
        ),
        "digest": record.digest,
    }


def against(runs: pd.DataFrame, name: str, one: Point, other: Point) -> dict[str, Any]:
    """How much larger a measure is at one point than at another, seed by seed, in its unit; `seed` of the points is not used."""
    _, _, size = MEASURES[name]

    def at(point: Point) -> pd.Series[float]:
        chosen = runs[(runs["routing"] == point.routing) & (runs["pools"] == point.pools)]
        return chosen.set_index("seed")[name] / size

    pairs = pd.concat([at(one), at(other)], axis=1).dropna()
    found = difference(pairs.iloc[:, 0].tolist(), pairs.iloc[:, 1].tolist())
    named = {"measure": name, "of": f"{one.routing}, {one.pools}", "over": f"{other.routing}, {other.pools}"}
    return {**named, **found.estimate._asdict(), "p": found.p}


def steps(runs: pd.DataFrame) -> pd.DataFrame:
    """What splitting costs under each routing, and what an aggregator saves against the best single venue."""
    least, most = min(runs["pools"]), max(runs["pools"])
    rows = []
    for name in MEASURES:
        for routing in ROUTINGS:
            rows.append(against(runs, name, Point(routing, most, 0), Point(routing, least, 0)))
        for pools in sorted(set(runs["pools"]) - {least}):
            rows.append(against(runs, name, Point("best single venue", pools, 0), Point("aggregated", pools, 0)))
    return pd.DataFrame(rows)


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Means with intervals by routing and number of pools, each measure in its unit."""
    scaled = runs.assign(**{name: runs[name] / size for name, (_, _, size) in MEASURES.items()})
    return means(scaled, ("routing", "pools"), MEASURES)


def _points(seeds: range, pools: tuple[int, ...]) -> list[Point]:
    return [Point(routing, k, seed) for routing in ROUTINGS for k in pools for seed in seeds]


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    points = _points(seeds, POOLS[::2] if quick else POOLS)
    once = [
        p for p in points if p.pools > 1 or p.routing == next(iter(ROUTINGS))
    ]  # one pool is one run, however routed
    played = spread(measure, once, workers=workers, title=NAME)
    alone = [row for row in played if row["pools"] == 1]
    played += [{**row, "routing": routing} for routing in list(ROUTINGS)[1:] for row in alone]
    runs = pd.DataFrame(played)
    table, changes = summary(runs), steps(runs)
    write(out, {f"{NAME}-runs": runs, NAME: table, f"{NAME}-steps": changes})
    paths = draw(table, out, NAME, stamp(row["digest"] for row in played[: len(once)]))
    lines = [QUESTION]
    for name, (what, unit, _) in MEASURES.items():
        lines += ["", f"{what} ({unit}), with 95 % interval:"]
        for routing, group in table.groupby("routing", sort=False):
            cells = [
                f"{row['pools']}: {cell(row, name, digits=2)}" for row in group.sort_values("pools").to_dict("records")
            ]
            lines.append(f"  {routing:<18} {'   '.join(cells)}")
        for row in changes[changes["measure"] == name].to_dict("records"):
            interval = f"{row['mean']:,.2f} [{row['low']:,.2f}, {row['high']:,.2f}]"
            lines.append(f"  {row['of']:<20} over {row['over']:<20} {interval}  p = {row['p']:.4f}")
    lines += ["", f"{len(once)} runs, seeds 1 to {max(seeds)} at every point, differences seed by seed."]
    lines.append(f"Written: {', '.join(map(str, paths))}")
    return "\n".join(lines)
