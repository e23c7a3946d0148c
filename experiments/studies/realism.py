"""Study: which stylised facts of real prices does a market of crowds have, once calibrated, and which not?

The bundled `crowd-market`, whose crowds were calibrated to hourly ether of May 2022 by simulated moments (study `calibration`),
played on seeds that the search has not seen. Beside it stand the target and November of the same year, which it has not seen
either. A market of the same crowds without those who follow trends and those who have borrowed says what they are for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.figures.realism import draw
from experiments.figures.style import stamp
from experiments.parallel import Workers, spread
from experiments.realism.calibration import coverage, distance
from experiments.realism.facts import MATCHED, of
from experiments.realism.market import bars, exponent, orders, with_large
from experiments.realism.recorded import FACTS, TARGET
from experiments.run import run
from experiments.scenario import Scenario, find, without
from experiments.statistics import estimate
from experiments.tables import write

NAME = "realism"
QUESTION = "Which stylised facts of real prices does a market of crowds have, and which not?"

MARKETS = {"calibrated": (), "without followers and borrowers": ("trend", "leveraged")}  # who is left out
OTHER = "ETHUSDT-1h-2022-11"
SIZES = (50_000.0, 100_000.0, 200_000.0, 400_000.0, 800_000.0)  # cash coins of a large order
SLICES = 12
SEEDS = range(101, 111)  # the search has played 1 and 2


class Point(NamedTuple):
    """One run. `size`: of the large orders, 0 where there are none."""

    market: str
    size: float
    seed: int


def scenario(point: Point) -> Scenario:
    """The market, with large orders in it or not."""
    one = replace(find("crowd-market"), seed=point.seed)
    for label in MARKETS[point.market]:
        one = without(one, label)
    return with_large(one, point.size, slices=SLICES) if point.size else one


def measure(point: Point) -> dict[str, Any]:
    """Its facts, or the mean move of the log mid a large order has caused, bp, and how many there were."""
    record = run(scenario(point))
    found = point._asdict() | {"digest": record.digest}
    if not point.size:
        return found | of(*bars(record))
    moves = [order.moved for order in orders(record, SLICES)]
    return found | {"orders": len(moves), "moved": 1e4 * float(pd.Series(moves).mean())}


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a fact: recorded value and error, each market's mean with interval, and the share of runs that cover it."""
    rows = []
    for name, (value, error) in FACTS[TARGET].items():
        row: dict[str, Any] = {"fact": name, "matched": name in MATCHED, "recorded": value, "error": error}
        row["other"] = FACTS[OTHER][name][0]
        for market in MARKETS:
            some = runs[(runs["market"] == market) & (runs["size"] == 0)]
            mean, low, high, seeds = estimate(some[name].dropna().tolist())
            row |= {market: mean, f"{market}_low": low, f"{market}_high": high, "seeds": seeds}
            row[f"{market}_covered"] = coverage([{name: value} for value in some[name].tolist()], name)
        rows.append(row)
    return pd.DataFrame(rows)


def impacts(runs: pd.DataFrame) -> tuple[pd.DataFrame, list[float]]:
    """Mean move by size with its interval over seeds; and the exponent of each seed."""
    large = runs[runs["size"] > 0]
    table = pd.DataFrame(
        [
            {
                "size": size,
                **dict(
                    zip(("moved", "moved_low", "moved_high", "seeds"), estimate(group["moved"].tolist()), strict=True)
                ),
            }
            for size, group in large.groupby("size")
        ]
    )
    return table, [exponent(group) for _, group in large.groupby("seed")]


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = SEEDS[:2] if quick else SEEDS
    points = [Point(market, 0.0, seed) for market in MARKETS for seed in seeds]
    points += [
        Point("calibrated", size, seed)
        for size in (SIZES[::2] if quick else SIZES)
        for seed in seeds[: len(seeds) // 2 or 1]
    ]
    return report(pd.DataFrame(spread(measure, points, workers=workers, title=NAME)), out)


def report(runs: pd.DataFrame, out: Path) -> str:
    """Tables, figure and summary of runs."""
    seeds = runs["seed"]
    table, (moves, exponents) = summary(runs), impacts(runs)
    steep = estimate([one for one in exponents if one == one])
    write(out, {f"{NAME}-runs": runs, NAME: table, f"{NAME}-impact": moves})
    paths = draw(table, moves, steep, out, NAME, stamp(runs["digest"]))
    far = {market: distance(dict(zip(table["fact"], table[market], strict=True))) for market in MARKETS}
    lines = [QUESTION, "", f"{'':<26}{'recorded':>16}" + "".join(f"{market:>40}" for market in MARKETS)]
    for row in table.to_dict("records"):
        cells = [
            f"{row[m]:.3g} [{row[f'{m}_low']:.3g}, {row[f'{m}_high']:.3g}], covers {row[f'{m}_covered']:.0%}"
            for m in MARKETS
        ]
        mark = "*" if row["matched"] else " "
        lines.append(
            f"{row['fact'] + mark:<26}{row['recorded']:>8.3g} +- {row['error']:<5.2g}"
            + "".join(f"{c:>40}" for c in cells)
        )
    lines += [
        "",
        "* calibrated to. Distance (sum of squares of errors): "
        + ", ".join(f"{m} {d:.1f}" for m, d in far.items())
        + ".",
        f"Impact of a large order goes as its size to the power {steep}.",
        f"{len(runs)} runs, seeds {min(seeds)} to {max(seeds)}.",
        f"Written: {', '.join(map(str, paths))}",
    ]
    return "\n".join(lines)
