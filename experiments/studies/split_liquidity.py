"""Study: one pool's liquidity on k chains, for traders who stay at home and for traders who split their orders.

The same eight traders, with the same orders, meet 8 million a side in one pool, or in k pools of a k-th on chains of their own,
each with an arbitrageur of a k-th of the capital. Resilience: the first chain goes down now and then. Theory: at home an order
meets a k-th of the depth and pays k times the impact; split by cost it pays what one pool would charge, and k times the gas.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.roles.arbitrageur import Arbitrageur
from agents.roles.split_trader import SplitTrader
from agents.streams import Streams
from experiments.figures.split_liquidity import draw
from experiments.figures.style import stamp
from experiments.metrics import half_life
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.tables import cell, means, write
from protocol.blocks.fixed import Fixed
from protocol.blocks.outages import Outages
from protocol.ledger import Floats
from protocol.venues.constant_product import ConstantProduct

NAME = "split-liquidity"
QUESTION = "What does it cost to have liquidity on several chains, and what is it good for?"

LIQUIDITY = 8_000_000.0  # cash coins a side, in all
CAPITAL, COINS = 4_000_000.0, 2_000.0  # of all arbitrageurs
TRADERS = 8
BLOCK = 12.0  # seconds
DOWN = Outages(BLOCK, every=1_200.0, lasting=600.0)
PROMPT = 60.0  # seconds from an order's coming until it is seen to be filled
MEASURES = ("slippage", "prompt", "gap", "half_life", "arbitrage")
SEEDS = 5


class Point(NamedTuple):
    """One run. `way`: "home" or "split"; `weather`: "calm" or "outages" of the first chain."""

    chains: int
    way: str
    weather: str
    seed: int


def points(seeds: range) -> list[Point]:
    """One pool, and two and four both ways, in either weather."""
    arms = [(1, "home"), *((k, way) for k in (2, 4) for way in ("home", "split"))]
    return [Point(k, way, weather, seed) for weather in ("calm", "outages") for k, way in arms for seed in seeds]


def scenario(point: Point) -> Scenario:
    """The bundled `split-liquidity`, with as many chains, traders and arbitrageurs as are asked for."""
    base, k = find(NAME), point.chains
    chain, exchange = base.world.chains[0], base.world.exchanges[0]
    names = [f"x{number}" for number in range(k)]
    venue = ConstantProduct(liquidity=LIQUIDITY / k, fee=0.0005)
    market = dataclasses.replace(exchange.markets[0], venue=venue)
    down = point.weather == "outages"
    world = dataclasses.replace(
        base.world,
        chains=tuple(
            dataclasses.replace(chain, name=f"c{n}", blocks=DOWN if down and n == 0 else Fixed(BLOCK)) for n in range(k)
        ),
        exchanges=tuple(
            dataclasses.replace(exchange, name=names[n], chain=f"c{n}", markets=(market,)) for n in range(k)
        ),
    )
    arbitrage = [Arbitrageur(name=f"a{n}", exchange=names[n], capital=CAPITAL / k, base=COINS / k) for n in range(k)]
    traders = []
    for number in range(TRADERS):
        home = names[number % k]
        also = tuple(name for name in names if name != home) if point.way == "split" else ()
        traders.append(SplitTrader(name=f"t{number}", exchange=home, also=also))
    return dataclasses.replace(base, world=world, cast=(*arbitrage, *traders), seed=point.seed)


def measure(point: Point) -> dict[str, Any]:
    """Slippage and gap relative, `prompt` a share of orders, arbitrage in cash coins.

    Half-life in seconds, on a grid of blocks: 0 where a gap is gone, or has changed its sign, within one.
    """
    chosen = scenario(point)
    record = run(chosen)
    orders = pd.DataFrame(record.events.loc[record.events["kind"] == "split order", "numbers"].tolist())
    filled = orders[orders["size"] != 0.0]
    value = filled["size"].abs() * filled["mid"]
    off = np.sign(filled["size"]) * (filled["price"] / filled["mid"] - 1.0)
    gaps = [_gap(chosen, record.blocks, number) for number in range(point.chains)]
    grid = np.arange(len(gaps[0]), dtype=float)[:: int(BLOCK)]
    return {
        **point._asdict(),
        "slippage": float((off * value).sum() / value.sum()),
        "prompt": float(((orders["wait"] <= PROMPT) & (orders["size"] != 0.0)).mean()),
        "gap": float(np.mean([math.sqrt(float(np.mean(gap**2))) for gap in gaps])),
        "half_life": float(np.mean([np.nan_to_num(half_life(gap[:: int(BLOCK)], grid)) for gap in gaps])),
        "arbitrage": sum(record.metrics[f"gain.a{number}"] for number in range(point.chains)),
        "orders": len(orders),
        "digest": record.digest,
    }


def _gap(chosen: Scenario, blocks: pd.DataFrame, number: int) -> Floats:
    """Log mid of a pool over fair, second by second, while its chain is down as well. Shape [seconds]."""
    seconds = int(chosen.duration) + 1
    fair = chosen.nature.path(Streams(chosen.seed), seconds)[:, 0]
    here = blocks[blocks["chain"] == number]
    last = np.searchsorted(here["time"].to_numpy(), np.arange(seconds), side="right") - 1
    mid = np.where(last >= 0, here[f"x{number}.ETH-USD.mid"].to_numpy()[np.maximum(last, 0)], fair[0])
    gap: Floats = np.log(mid / fair[:seconds])
    return gap


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    runs = pd.DataFrame(spread(measure, points(seeds), workers=workers, title=NAME))
    table = means(runs, ("weather", "chains", "way"), MEASURES)
    write(out, {f"{NAME}-runs": runs, NAME: table})
    paths = draw(table, out, NAME, stamp(runs["digest"]))
    lines = [QUESTION, "", "With 95 % interval:"]
    heads = ("slippage, bp", f"filled in {PROMPT:.0f} s, %", "rms gap of a mid, bp", "half-life, s", "arbitrage")
    lines.append(f"{'weather':>8} {'chains':>6} {'way':>6}" + "".join(f"{head:>25}" for head in heads))
    scales = ((1e4, 1), (1e2, 1), (1e4, 1), (1.0, 0), (1.0, 0))
    for row in table.to_dict("records"):
        cells = [cell(row, name, *scale) for name, scale in zip(MEASURES, scales, strict=True)]
        head = f"{row['weather']:>8} {row['chains']:>6} {row['way']:>6}"
        lines.append(head + "".join(f"{cell:>25}" for cell in cells))
    lines += [
        "",
        f"{len(runs)} runs, seeds 1 to {max(seeds)} at every point.",
        f"Written: {', '.join(map(str, paths))}",
    ]
    return "\n".join(lines)
