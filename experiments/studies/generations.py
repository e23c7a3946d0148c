"""Study 3: what did each generation of the field get better at, and what worse?

Every generation of `protocol/generations.py` under the same nature, the same crowd and the same two attackers, seed by seed; each
run beside its twin without the attackers. Who makes the market differs, because the markets do; that they bring ten million of
cash in all does not.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.figures.generations import draw
from experiments.figures.style import stamp
from experiments.metrics import slippage
from experiments.parallel import Workers, spread
from experiments.record import Record
from experiments.run import build, play, run
from experiments.scenario import Scenario, find, without
from experiments.statistics import estimate
from experiments.tables import write
from experiments.waits import Standing
from protocol.generations import GENERATIONS

NAME = "generations"
QUESTION = "What did each generation get better at, and what worse?"

SEEDS = 6
ATTACKERS = ("pusher", "sniper")
TRADERS = ("leveraged", "noise")
BEHIND = ("founders", "maker")  # who stands behind the trading
CAPITAL = 10e6  # cash coins that they bring
STAKES = 300 * 5_000.0  # cash coins that the crowd brings, in the mean
MEASURES = {  # column: (what it is, unit it is printed in, its size)
    "bad_debt": ("bad debt", "thousand", 1e3),
    "attack": ("attack profit", "thousand", 1e3),
    "slippage": ("slippage", "bp", 1e-4),
    "efficiency": ("open interest per coin of capital", "%", 1e-2),
    "wait": ("time below maintenance", "s", 1.0),
    "liquidity": ("return of who stands behind, attacked", "%", 1e-2),
    "calm": ("the same, unattacked", "%", 1e-2),
    "cost": ("what a trade costs, fee and slippage, unattacked", "bp", 1e-4),
    "gas": ("gas of all players for each trade, unattacked", "thousand", 1e3),
    "refused": ("orders refused, unattacked", "%", 1e-2),
    "served": ("traded for each coin of stakes, unattacked", "times", 1.0),
    "stray": ("how far the venue's price strays from fair, unattacked", "bp", 1e-4),
}
MARKET = "dex.ETH-PERP"


class Point(NamedTuple):
    """One run and its twin."""

    generation: str
    seed: int


def scenario(point: Point) -> Scenario:
    """The bundled scenario of a generation, on a seed."""
    return dataclasses.replace(find(f"gen-{point.generation}"), seed=point.seed)


def measure(point: Point) -> dict[str, Any]:
    """Everything that is compared, as numbers without a unit, cash coins, or seconds."""
    attacked, watch = scenario(point), Standing()
    record = play(build(attacked), attacked, watch=watch)
    quiet = attacked
    for label in ATTACKERS:
        quiet = without(quiet, label)
    twin = run(quiet)
    numbers, calm = record.metrics, twin.metrics
    attacks = record.events["kind"].eq("attack").sum()
    traders = sum(numbers[f"gain.{name}"] for name in TRADERS)
    return {
        **point._asdict(),
        "bad_debt": numbers["dex.deficit"] + numbers["dex.underwater"],
        "attack": sum(numbers[f"gain.{name}"] for name in ATTACKERS),
        "attacks": int(attacks),
        "slippage": slippage(record.blocks, MARKET),
        "efficiency": numbers[f"{MARKET}.open_interest"] / (CAPITAL + STAKES),
        "wait": watch.time_to_close(),
        "below": len(watch.waits) + len(watch.since),
        "liquidations": numbers["dex.liquidations"],
        "liquidity": sum(numbers.get(f"gain.{name}", 0.0) for name in BEHIND) / CAPITAL,
        "calm": sum(calm.get(f"gain.{name}", 0.0) for name in BEHIND) / CAPITAL,
        "traders": traders / STAKES,
        "fall": record.blocks[f"{MARKET}.fair"].min() / record.blocks[f"{MARKET}.fair"].iloc[0] - 1.0,
        **upkeep(twin),
        "digest": record.digest,
        "twin": twin.digest,
    }


def upkeep(record: Record) -> dict[str, float]:
    """What trading costs and takes where nobody attacks: for the traders, for the chain, and in how far the price can be relied on.

    Fees are the traders' own, over what they traded; gas is that of everybody who plays (traders, makers, reporters, keepers), in
    units a fill; the price is the venue's mid, by the root of its mean squared log distance from fair.
    """
    numbers, blocks, flows = record.metrics, record.blocks, record.flows
    fills, rejected = numbers[f"{MARKET}.fills"], numbers[f"{MARKET}.rejected"]
    fees = flows.loc[(flows["reason"] == "fee") & flows["source"].isin(TRADERS), "cash"].sum()
    return {
        "cost": slippage(blocks, MARKET) + float(fees / blocks[f"{MARKET}.run_volume"].sum()),
        "gas": float(blocks["gas_used"].sum() / fills),
        "refused": rejected / (fills + rejected),
        "served": numbers[f"{MARKET}.volume"] / STAKES,
        "stray": numbers[f"{MARKET}.mid_gap_rms"],
    }


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a generation and measure: mean and interval, over the seeds in which there was something to measure."""
    rows = []
    for generation in runs["generation"].unique():
        group = runs[runs["generation"] == generation]
        for name, (_, _, size) in MEASURES.items():
            values = [value / size for value in group[name].tolist() if not math.isnan(value)]
            if values:
                rows.append({"generation": generation, "measure": name, **estimate(values)._asdict()})
    return pd.DataFrame(rows)


def steps(runs: pd.DataFrame) -> pd.DataFrame:
    """The same for the change from each generation to the next, taken seed by seed."""
    rows, names = [], list(runs["generation"].unique())
    for before, after in zip(names[:-1], names[1:], strict=True):
        one, other = (runs[runs["generation"] == name].set_index("seed") for name in (before, after))
        for name, (_, _, size) in MEASURES.items():
            change = ((other[name] - one[name]) / size).dropna().tolist()
            if change:
                rows.append({"step": f"{before} to {after}", "measure": name, **estimate(change)._asdict()})
    return pd.DataFrame(rows)


def _lines(frame: pd.DataFrame, key: str) -> list[str]:
    lines = []
    for name, (what, unit, _) in MEASURES.items():
        lines += ["", f"{what} ({unit}), with 95 % interval:"]
        for row in frame[frame["measure"] == name].to_dict("records"):
            interval = f"{row['mean']:>12,.2f}  [{row['low']:>10,.2f}, {row['high']:>10,.2f}]"
            lines.append(f"  {row[key]:<18} {interval}  n={row['seeds']}")
    return lines


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    points = [Point(generation, seed) for generation in GENERATIONS for seed in seeds]
    runs = pd.DataFrame(spread(measure, points, workers=workers, title=NAME))
    found, changes = table(runs), steps(runs)
    write(out, {f"{NAME}-runs": runs, NAME: found, f"{NAME}-steps": changes})
    paths = draw(found, out, NAME, stamp([*runs["digest"], *runs["twin"]]))
    lines = [QUESTION, *_lines(found, "generation"), "", "And from each to the next, paired by seed:"]
    lines += [*_lines(changes, "step"), ""]
    lines.append(f"{len(runs)} runs and their twins, {len(seeds)} paired seeds (1 to {max(seeds)}) a generation.")
    lines.append(f"Written: {', '.join(map(str, paths))}")
    return "\n".join(lines)
