"""How far it scales: `python -m benchmarks.scale [--accounts N] [--assets N] [--exchanges N] [--blocks N]`.

Cross-margined traders in equal numbers on exchanges side by side, each with a perpetual on every asset, marked by its own curve,
and a keeper. The full size is played first, in a process of its own, whose peak memory is read from the system; then what a block
costs as accounts and exchanges grow, each size in a process of its own; and the full size in a storm, in which reporters mark
what everybody has bought to a market that falls and rises by a third within the hour, and keepers are busy. Times are of the
processor.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

from agents.crowds.basket import BasketCrowd
from agents.nature.gbm import GeometricBrownian
from agents.roles.keeper import Keeper
from agents.roles.reporter import Reporter
from experiments.run import build, release
from experiments.scenario import Scenario
from protocol.blocks.fixed import Fixed
from protocol.instruments.perpetual import Perpetual
from protocol.margins.cross import Cross
from protocol.oracles.ema import Ema
from protocol.oracles.median import Median
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Chain, Exchange, Market, World

INTERVAL = 12.0  # seconds a block
WARM = 5  # blocks before anything is timed
GIGABYTE = 2.0**30
CALM, STORM = 3.0, 30.0  # volatility, per square root of a year
HASTY = 1_440.0  # decisions a day and member in a storm, so that all have positions before long
STORMY = 60  # blocks of it


class Found(NamedTuple):
    """One size. Seconds of processor time a block: median, 95th percentile, and the mean of the last tenth of blocks."""

    accounts: int
    assets: int
    exchanges: int
    blocks: int
    median: float
    slow: float
    late: float
    building: float  # seconds, until it could begin
    memory: float  # bytes, the most at any time
    liquidations: int
    fills: int


def scenario(accounts: int, assets: int, exchanges: int, blocks: int, storm: bool = False) -> Scenario:
    """Accounts split over exchanges; depth and block space a trader are fixed."""
    each = max(1, accounts // exchanges)
    coins = tuple(f"C{k}" for k in range(assets))
    oracle = Median(reporters=3, quorum=2) if storm else Ema(half_life=60.0)
    activity = HASTY if storm else BasketCrowd().activity
    markets = tuple(
        Market(
            name=f"{coin}-PERP",
            instrument=Perpetual(base=coin),
            oracle=oracle,
            venue=VirtualAmm(liquidity=2e4 * each),
        )
        for coin in coins
    )
    names = [f"dex{k}" for k in range(exchanges)]
    return Scenario(
        name="scale",
        world=World(
            chains=(Chain(blocks=Fixed(interval=INTERVAL), capacity=1e6 + 1.5e5 * accounts),),
            exchanges=tuple(
                Exchange(name=name, markets=markets, margin=Cross(initial=0.1, maintenance=0.05), insurance=1e3 * each)
                for name in names
            ),
        ),
        cast=tuple(BasketCrowd(name=f"crowd-{name}", exchange=name, count=each, activity=activity) for name in names)
        + tuple(Keeper(name=f"keeper-{name}", exchange=name, capital=1e9) for name in names)
        + tuple(
            Reporter(name=f"reporter of {name} {one.name}", count=3, exchange=name, market=one.name)
            for name in names
            for one in markets
            if storm
        ),
        nature=GeometricBrownian(
            assets=coins,
            start=(2_000.0,) * assets,
            volatility=(STORM if storm else CALM,),
            correlation=0.7,
            tick=INTERVAL,
        ),
        duration=INTERVAL * blocks,
    )


def measure(accounts: int, assets: int, exchanges: int, blocks: int, storm: bool = False) -> Found:
    """Play it in this process."""
    start = time.process_time()
    game = build(scenario(accounts, assets, exchanges, WARM + blocks, storm))
    building = time.process_time() - start
    spent = []
    for block in range(WARM + blocks):
        start = time.process_time()
        game.step()
        if block >= WARM:
            spent.append(time.process_time() - start)
    rows, columns = game.recorder.rows[: game.recorder.blocks], game.recorder.columns
    liquidations = sum(int(rows[-1, k]) for k, name in enumerate(columns) if name.endswith(".liquidations"))
    fills = sum(int(rows[:, k].sum()) for k, name in enumerate(columns) if name.endswith(".fills"))
    release(game)
    spent_late = spent[-max(1, len(spent) // 10) :]
    return Found(
        accounts,
        assets,
        exchanges,
        blocks,
        statistics.median(spent),
        sorted(spent)[int(0.95 * (len(spent) - 1))],
        statistics.fmean(spent_late),
        building,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0,
        liquidations,
        fills,
    )


def apart(accounts: int, assets: int, exchanges: int, blocks: int, storm: bool = False) -> Found:
    """Play it in a process of its own, so that its memory is its own."""
    sizes = [str(n) for n in (accounts, assets, exchanges, blocks, int(storm))]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", "--one", *sizes], capture_output=True, text=True, check=True
    )
    return Found(*json.loads(done.stdout))


def line(found: Found) -> str:
    """One size, as a line of the table."""
    return (
        f"{found.accounts:>9,} {found.assets:>7} {found.exchanges:>10} {found.blocks:>7,} {found.median * 1e3:>9.2f}"
        f" {found.slow * 1e3:>9.2f} {found.late * 1e3:>9.2f} {found.fills / found.blocks:>9,.0f} {found.liquidations:>8,}"
        f" {found.memory / GIGABYTE:>7.2f}"
    )


def main() -> None:
    """Parse the command line and report."""
    parser = argparse.ArgumentParser(description="Time and memory at scale.")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--assets", type=int, default=10)
    parser.add_argument("--exchanges", type=int, default=3)
    parser.add_argument("--blocks", type=int, default=1_000)
    parser.add_argument("--one", type=int, nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        *sizes, storm = asked.one
        print(json.dumps(measure(*sizes, storm=bool(storm))))
        return
    wrong = [f"--{k} {n}: must be 1 or more" for k, n in vars(asked).items() if k != "one" and n < 1]
    if wrong:
        parser.exit(2, "\n".join(wrong) + "\n")
    most, assets, exchanges = asked.accounts, asked.assets, asked.exchanges
    print(" accounts  assets  exchanges  blocks  ms/block       p95      late    fills/b  liquid.  GiB")
    print(line(apart(most, assets, exchanges, asked.blocks)), flush=True)
    blocks = min(asked.blocks, 50)
    sizes = [(most // k, exchanges) for k in (100, 10, 3)] + [(most, k) for k in range(1, exchanges)]
    for accounts, number in sizes:
        print(line(apart(max(accounts, 1), assets, number, blocks)), flush=True)
    print(f"in a storm (volatility {STORM:g}, reporters for marks):")
    print(line(apart(most, assets, exchanges, min(asked.blocks, STORMY), storm=True)), flush=True)


if __name__ == "__main__":
    main()
