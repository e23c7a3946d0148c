"""How fast the game is, against the same game written the plain Mesa way: `python -m benchmarks.speed [--quick]`.

Both play one scenario in one process, in turn, so that whatever else the machine does slows both, with the garbage
collector on, as models are run; what the game draws before it begins is charged to it. They roll other dice, so what they
play is compared as statistics over seeds, with Welch's intervals.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import math
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import stdtrit

from agents import game as games
from agents.crowds.fundamental import FundamentalCrowd
from agents.crowds.leveraged import LeveragedCrowd
from agents.demand import OutsideDemand
from agents.game import Game
from agents.nature.gbm import GeometricBrownian
from agents.recorder import Recorder
from agents.roles.keeper import Keeper
from agents.streams import Streams
from benchmarks.plain_mesa import PlainGame
from experiments.run import build, release
from experiments.scenario import Scenario
from protocol import chain, exchange
from protocol.blocks.fixed import Fixed
from protocol.compiled import stale
from protocol.genesis import CASH_DECIMALS
from protocol.ledger import Reason
from protocol.margins.cross import Cross
from protocol.oracles.ema import Ema
from protocol.state import State
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Chain, Exchange, Market, World

ROOT = Path(__file__).parents[1]
INTERVAL = 12.0  # seconds a block
EVERY_BLOCK = 86_400.0 / INTERVAL  # decisions a day and trader
SELDOM = 2_000.0
MARKET = "dex.ETH-PERP"
CASH = 10.0**CASH_DECIMALS


def scenario(traders: int, blocks: int, seed: int = 1, activity: float = EVERY_BLOCK) -> Scenario:
    """Leveraged and fundamental traders, half and half, and a keeper; depth, insurance and block space per trader are fixed.

    A trader-step is a trader's decision: as in the reference workload each decides in every block (`activity` a day), and acts
    where its signal is beyond two standard deviations of its own noise, which is to say that some four in a hundred trade.
    """
    return Scenario(
        name="speed",
        world=World(
            chains=(Chain(blocks=Fixed(interval=INTERVAL), capacity=1e6 + 1.5e5 * traders),),
            exchanges=(
                Exchange(
                    markets=(Market(oracle=Ema(half_life=60.0), venue=VirtualAmm(liquidity=5e4 * traders)),),
                    margin=Cross(initial=0.1, maintenance=0.08),  # narrow, so that there are liquidations to compare
                    insurance=1e3 * traders,
                ),
            ),
        ),
        cast=(
            LeveragedCrowd(name="leveraged", count=traders // 2, activity=activity, threshold=2.0),
            FundamentalCrowd(name="fundamental", count=traders - traders // 2, activity=activity, threshold=0.02),
            Keeper(capital=1e9),
        ),
        nature=GeometricBrownian(volatility=(6.0,)),
        duration=INTERVAL * blocks,
        seed=seed,
    )


# ---------------------------------------------------------------------- what they play


@dataclass(frozen=True)
class Statistic:
    """One number of one run, from its columns: a name, and a function of (columns, traders)."""

    name: str
    of: Callable[[dict[str, Any], int], float]


STATISTICS = (
    Statistic(
        "open interest per trader",
        lambda c, n: float(np.mean(0.5 * (c["open_long"] + c["open_short"]) * c["mid"])) / n,
    ),
    Statistic("volume per trader and block", lambda c, n: float(np.mean(c["volume"])) / n),
    Statistic("off fair, share of volume", lambda c, n: float(np.sum(c["run_off"]) / np.sum(c["run_volume"]))),
    Statistic("fills per trader and block", lambda c, n: float(np.mean(c["fills"])) / n),
    Statistic("rejections per trader and block", lambda c, n: float(np.mean(c["rejected"])) / n),
    Statistic("rms log(mid / fair)", lambda c, n: math.sqrt(float(np.mean(np.log(c["mid"] / c["fair"]) ** 2)))),
    Statistic("rms log(index / fair)", lambda c, n: math.sqrt(float(np.mean(np.log(c["index"] / c["fair"]) ** 2)))),
    Statistic("liquidations per trader and 1,000 blocks", lambda c, n: c["liquidations"][-1] * 1e3 / n / len(c["mid"])),
    Statistic("deficit per trader and block", lambda c, n: c["deficit"][-1] / n / len(c["mid"])),
    Statistic("gas used per trader and block", lambda c, n: float(np.mean(c["gas_used"])) / n),
    Statistic("fees paid per trader and block", lambda c, n: float(c["fee"][0]) / n / len(c["mid"])),
    Statistic("paid for gas per trader and 1,000 blocks", lambda c, n: float(c["gas"][0]) * 1e3 / n / len(c["mid"])),
    Statistic("base fee, cash coins per 1e9 gas", lambda c, n: float(np.mean(c["base_fee"])) * 1e9),
)


def columns_of_game(game: Game) -> dict[str, Any]:
    """What the game has recorded, under the baseline's names."""
    rows = game.recorder.rows[: game.recorder.blocks]
    flows = game.recorder.flows[: game.recorder.flow_count]
    paid = {reason: flows[flows[:, 1] == reason, 4].sum() / CASH for reason in (Reason.FEE, Reason.GAS)}
    return {name.rsplit(".", 1)[-1]: rows[:, i] for i, name in enumerate(game.recorder.columns)} | {
        reason.name.lower(): np.array([total]) for reason, total in paid.items()
    }


def columns_of_plain(game: PlainGame) -> dict[str, Any]:
    """What the baseline has recorded."""
    columns = {name: np.array(values) for name, values in game.datacollector.model_vars.items() if name != "flows"}
    paid: Counter[str] = Counter()
    for flows in game.datacollector.model_vars["flows"]:
        for (reason, _, _), amount in flows.items():
            paid[reason] += amount
    return columns | {reason: np.array([paid[reason]]) for reason in ("fee", "gas")}


def play(setting: Scenario, blocks: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns of the game and of the baseline, after so many blocks of each."""
    game, plain = build(setting), PlainGame(setting)
    for _ in range(blocks):
        game.step()
        plain.step()
    result = columns_of_game(game), columns_of_plain(plain)
    release(game)
    release(plain)
    return result


@dataclass(frozen=True)
class Comparison:
    """Means over seeds of one statistic in both, and Welch's interval of their difference."""

    name: str
    game: float
    plain: float
    half_width: float  # of the interval at the level asked for

    @property
    def agrees(self) -> bool:
        """Whether the interval holds zero."""
        return abs(self.game - self.plain) <= self.half_width


def compare(traders: int, blocks: int, seeds: int, level: float = 0.95) -> list[Comparison]:
    """Every statistic of the game against the baseline's. The level is for all of them together (Bonferroni)."""
    found = np.empty((2, len(STATISTICS), seeds))
    for seed in range(seeds):
        for which, columns in enumerate(play(scenario(traders, blocks, seed + 1), blocks)):
            found[which, :, seed] = [statistic.of(columns, traders) for statistic in STATISTICS]
    mean, spread = found.mean(axis=2), found.var(axis=2, ddof=1) / seeds
    total = np.maximum(spread.sum(axis=0), 1e-100)  # what no run of either has does not differ
    freedom = total**2 / np.maximum((spread**2).sum(axis=0) / (seeds - 1), 1e-300)
    quantile = stdtrit(np.maximum(freedom, 1.0), 1.0 - 0.5 * (1.0 - level) / len(STATISTICS))
    return [
        Comparison(statistic.name, float(mean[0, i]), float(mean[1, i]), float(quantile[i] * math.sqrt(total[i])))
        for i, statistic in enumerate(STATISTICS)
    ]


# ---------------------------------------------------------------------- how long it takes


@dataclass(frozen=True)
class Pace:
    """Microseconds of processor time a block of both: the mean over all blocks, of which both play the same number."""

    traders: int
    game: float
    plain: float

    @property
    def ratio(self) -> float:
        """How many times faster the game is."""
        return self.plain / self.game


def pace(traders: int, rounds: int, blocks: int, activity: float = EVERY_BLOCK, warm: int = 10) -> Pace:
    """Time both in turn, `rounds` times so many blocks each.

    A turn begins with a quarter as many that are not timed: nobody plays two models in turn, and after the other's turn caches
    are full of what is the other's.
    """
    lead = max(1, blocks // 4)
    setting = scenario(traders, warm + rounds * (lead + blocks), activity=activity)
    game, plain = build(setting), PlainGame(setting)
    for _ in range(warm):
        game.step()
        plain.step()
    gc.collect()
    spent = [_path(setting) * blocks / (lead + blocks), 0.0]
    for _ in range(rounds):
        for which, step in enumerate((game.step, plain.step)):
            for _ in range(lead):
                step()
            start = time.process_time()
            for _ in range(blocks):
                step()
            spent[which] += time.process_time() - start
    release(game)
    release(plain)
    fast, slow = (seconds / (rounds * blocks) * 1e6 for seconds in spent)
    return Pace(traders, fast, slow)


def _path(setting: Scenario) -> float:
    """Seconds for nature's path, which the game draws before its first block, and the baseline in every block."""
    start = time.process_time()
    setting.nature.path(Streams(setting.seed), math.ceil(setting.duration / setting.nature.tick) + 1)
    return time.process_time() - start


class Stopwatch:
    """Time spent in each phase, without that of the phases within it."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._open: list[float] = []  # time of inner phases, for each phase being timed

    def timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, timed as part of `phase`."""

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self._open.append(0.0)
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                took = time.perf_counter() - start
                self.spent[phase] += took - self._open.pop()  # type: ignore[assignment]
                if self._open:
                    self._open[-1] += took

        return wrapper

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Time the phases of every game played meanwhile."""
        with contextlib.ExitStack() as stack:
            for phase, owner, name in PHASES:
                stack.enter_context(patch.object(owner, name, self.timed(phase, getattr(owner, name))))
            yield


PHASES: tuple[tuple[str, Any, str], ...] = (
    ("nature", Game, "_advance"),
    ("nature", OutsideDemand, "now"),
    ("players", Game, "_submit"),
    ("ordering and serving", games, "seal"),
    ("filling", chain, "_execute"),
    ("closing the block", exchange, "close_block"),
    ("recording", Recorder, "block"),
    ("recording", State, "finalise"),
    ("the rest", Game, "step"),
)


def phases(traders: int, blocks: int, warm: int = 10) -> dict[str, float]:
    """Microseconds a block of each phase of the game."""
    watch = Stopwatch()
    with watch.watching():
        game = build(scenario(traders, warm + blocks))
        for _ in range(warm):
            game.step()
        watch.spent.clear()
        for _ in range(blocks):
            game.step()
    release(game)
    return {phase: watch.spent[phase] / blocks * 1e6 for phase in dict.fromkeys(phase for phase, _, _ in PHASES)}


# ---------------------------------------------------------------------- how much it takes


def memory(make: Callable[[Scenario], Any], few: int = 1_000, many: int = 11_000, blocks: int = 3) -> float:
    """Bytes a trader, everything counted: what a game of many takes more than a game of few, played for some blocks."""
    taken = []
    for traders in (few, many):
        gc.collect()
        tracemalloc.start()
        game = make(scenario(traders, blocks))
        for _ in range(blocks):
            game.step()
        gc.collect()
        taken.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        release(game)
        del game
    return (taken[1] - taken[0]) / (many - few)


# ---------------------------------------------------------------------- the report


def print_speed(console: Console, title: str, sizes: tuple[tuple[int, int, int], ...], activity: float) -> None:
    """Measure and print one table. `sizes`: traders, rounds, blocks a round."""
    speed = Table(title=f"Speed: the same game, same cast, depth and block space per trader fixed; {title}")
    for name in ("traders", "game, us a block", "plain Mesa", "game, trader-steps a second", "plain Mesa", "ratio"):
        speed.add_column(name, justify="right")
    for traders, rounds, blocks in sizes:
        found = pace(traders, rounds, blocks, activity)
        speed.add_row(
            f"{traders:,}",
            f"{found.game:,.0f}",
            f"{found.plain:,.0f}",
            f"{traders / found.game * 1e6:,.0f}",
            f"{traders / found.plain * 1e6:,.0f}",
            f"{found.ratio:.1f}",
        )
    console.print(speed)


def report(console: Console, quick: bool) -> None:
    """Measure everything and print it. `sizes`: traders, rounds, blocks a round."""
    play(scenario(200, 200), 200)  # so that whatever is compiled on first use is, down to liquidations
    sizes: tuple[tuple[int, int, int], ...] = ((100, 4, 1_000), (1_000, 4, 400), (10_000, 3, 120), (100_000, 2, 16))
    if quick:
        sizes = ((100, 5, 40), (1_000, 5, 10), (10_000, 3, 5))
    print_speed(console, "each trader decides in every block", sizes, EVERY_BLOCK)
    print_speed(console, f"each decides {SELDOM:,.0f} times a day, in one block of four", sizes[:3], SELDOM)

    traders, blocks, seeds = (60, 100, 8) if quick else (200, 300, 60)
    same = Table(
        title=f"Agreement: {traders} traders, {blocks} blocks, mean over {seeds} seeds, intervals jointly at 95 %"
    )
    for name in ("", "game", "plain Mesa", "difference", "interval", ""):
        same.add_column(name, justify="right" if name else "left")
    for row in compare(traders, blocks, seeds):
        numbers = f"{row.game:,.5g}", f"{row.plain:,.5g}", f"{row.game - row.plain:+,.3g}", f"+- {row.half_width:,.3g}"
        same.add_row(row.name, *numbers, "agrees" if row.agrees else "DIFFERS")
    console.print(same)

    table = Table(title="Memory (allocated by Python and NumPy)")
    table.add_column("")
    table.add_column("bytes a trader", justify="right")
    many = 3_000 if quick else 11_000
    table.add_row("game", f"{memory(build, many=many):,.0f}")
    table.add_row("plain Mesa", f"{memory(PlainGame, many=many):,.0f}")
    console.print(table)

    small, large = phases(100, 200 if quick else 1_000), phases(10_000, 10 if quick else 40)
    where = Table(title="Where the game's time goes, us a block")
    where.add_column("phase")
    for traders in (100, 10_000):
        where.add_column(f"{traders:,} traders", justify="right")
        where.add_column("share", justify="right")
    for phase in small:
        shares = [(spent[phase], spent[phase] / sum(spent.values())) for spent in (small, large)]
        where.add_row(phase, *(text for spent, share in shares for text in (f"{spent:,.1f}", f"{share:.0%}")))
    console.print(where)


def main() -> None:
    """Parse the command line and report."""
    parser = argparse.ArgumentParser(description="Speed of the game against the plain Mesa way.")
    parser.add_argument("--quick", action="store_true", help="fewer sizes, blocks and seeds: half a minute")
    console = Console(width=120)
    stale(ROOT / "protocol", ROOT / "agents")
    start = time.perf_counter()
    report(console, parser.parse_args().quick)
    console.print(f"measured in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
