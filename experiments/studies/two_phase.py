"""Study: what does it save to open both legs of a position over two chains under one lock, or neither?

In `two-phase` ten traders go long on one chain and short on another, and turn the pair round again and again, against a maker who
stands on both. Four pairings: both legs at once, each opened when it can be; one after the other; and two-phase, with the secret
told first on the chain that goes down, or first on the one that does not. Twins: the chain never down. Seconds on one leg are what
was never wanted; the cost of a pair is against the mid at which it was decided, and half of it is the two spreads offered.
Theory: whoever stands on one leg for t seconds gains or loses sigma root t of a leg, at a mean of zero.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.pairings.at_once import AtOnce
from agents.pairings.base import Pairing
from agents.pairings.in_turn import InTurn
from agents.pairings.two_phase import TwoPhase
from experiments.figures.style import stamp
from experiments.figures.two_phase import draw
from experiments.overrides import varied
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import difference
from experiments.tables import cell, means, write
from protocol.blocks.fixed import Fixed

NAME = "two-phase"
QUESTION = "What does it save to open both legs of a position over two chains under one lock, or neither?"

WAYS: dict[str, Pairing] = {
    "at once": AtOnce(),
    "in turn": InTurn(),
    "two-phase": TwoPhase(),
    "two-phase, steady first": TwoPhase(first="target"),
}
LONG = 60.0  # seconds on one leg that are many: five blocks
MEASURES = ("pairs", "alone", "often", "longest", "cost", "spread", "took", "let_go")
SEEDS = 8


class Point(NamedTuple):
    """One run. `weather`: "calm" or "outages" of the source chain."""

    weather: str
    way: str
    seed: int


def scenario(point: Point) -> Scenario:
    """The bundled `two-phase`, with a pairing; in calm with a source chain that is never down."""
    changes: dict[str, Any] = {"cast.pairs.pairing": WAYS[point.way]}
    if point.weather == "calm":
        changes["world.chains.l1.blocks"] = Fixed(12.0)
    return varied(dataclasses.replace(find(NAME), seed=point.seed), changes)


def measure(point: Point) -> dict[str, Any]:
    """Of one run, a pair: seconds on one leg (mean, longest, share beyond `LONG`), cost and its standard deviation (relative).

    Seconds from decision to both legs. A pair on one leg at the end has been so until then; it has no cost yet.
    """
    chosen = scenario(point)
    record = run(chosen)
    told: dict[str, list[tuple[float, str, Any]]] = {"one leg": [], "pair stands": [], "pair let go": []}
    events = record.events
    for time, who, kind, numbers in zip(events["time"], events["who"], events["kind"], events["numbers"], strict=True):
        if kind in told:
            told[kind].append((time, who, numbers))
    stands = [one for _, _, one in told["pair stands"]]
    done = {(who, one["number"]) for _, who, one in told["pair stands"]}
    gaps = [one["gap"] for one in stands]
    gaps += [chosen.duration - time for time, who, one in told["one leg"] if (who, one["number"]) not in done]
    costs = np.array([one["shortfall"] for one in stands])
    return {
        **point._asdict(),
        "pairs": len(stands),
        "alone": float(np.mean(gaps)),
        "often": float(np.mean(np.array(gaps) > LONG)),
        "longest": max(gaps),
        "cost": float(costs.mean()),
        "spread": float(costs.std(ddof=1)),
        "took": float(np.mean([one["took"] for one in stands])),
        "let_go": len(told["pair let go"]),
        "maker": record.metrics["gain.pairmaker"],
        "digest": record.digest,
    }


def differences(runs: pd.DataFrame) -> pd.DataFrame:
    """Each way less `two-phase`, in either weather, paired by seed, with intervals."""
    rows = []
    for weather, group in runs.groupby("weather", sort=False):
        for way in WAYS:
            if way == "two-phase":
                continue
            row: dict[str, Any] = {"weather": weather, "way": way}
            for name in ("alone", "often", "cost", "spread"):
                wide = group.pivot_table(index="seed", columns="way", values=name)
                found = difference(wide[way].tolist(), wide["two-phase"].tolist()).estimate
                row |= {"seeds": found.seeds, name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
            rows.append(row)
    return pd.DataFrame(rows)


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    points = [Point(weather, way, seed) for weather in ("outages", "calm") for way in WAYS for seed in seeds]
    return report(pd.DataFrame(spread(measure, points, workers=workers, title=NAME)), out)


def report(runs: pd.DataFrame, out: Path) -> str:
    """Tables, figure and summary of runs."""
    table, less = means(runs, ("weather", "way"), MEASURES), differences(runs)
    write(out, {f"{NAME}-runs": runs, NAME: table, f"{NAME}-differences": less})
    paths = draw(table, out, NAME, stamp(runs["digest"]))
    shown = {
        "alone": ("on one leg, s", 1.0, 0),
        "often": (f"beyond {LONG:.0f} s, %", 1e2, 1),
        "cost": ("cost, bp of a leg", 1e4, 1),
        "spread": ("its st. dev., bp", 1e4, 1),
        "took": ("until both, last try, s", 1.0, 0),
        "pairs": ("pairs", 1.0, 0),
    }
    lines = [QUESTION, "", "With 95 % interval, by seed:"]
    lines.append(f"{'':>34}" + "".join(f"{head:>25}" for head, _, _ in shown.values()))
    for row in table.to_dict("records"):
        cells = [cell(row, name, scale, digits) for name, (_, scale, digits) in shown.items()]
        lines.append(f"{row['weather']:>9}{row['way']:>25}" + "".join(f"{one:>25}" for one in cells))
    lines += ["", "Less two-phase, paired: seconds on one leg; st. dev. of the cost, bp"]
    for row in less.to_dict("records"):
        told = f"{cell(row, 'alone'):>24}{cell(row, 'spread', 1e4, 1):>22}"
        lines.append(f"{row['weather']:>9}{row['way']:>25}{told}")
    lines += ["", f"{len(runs)} runs, {int(table['seeds'].max())} paired seeds a point (from 1)."]
    lines.append(f"Written: {', '.join(map(str, paths))}")
    return "\n".join(lines)
