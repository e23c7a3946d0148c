"""Study: which assumptions matter? What a headline number becomes where one that nobody has measured is set otherwise.

One at a time, each to a low and a high value, paired by seed with the scenario as it stands: what the push of `oracle-push` earns
(against its twin without the attacker), and the bad debt of `leveraged-crash`. The number in front is the assumption's in
docs/assumptions.md. What is named here is a parameter; assumptions that are built in can't be varied so.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from experiments.figures.assumptions import draw
from experiments.figures.style import stamp
from experiments.overrides import varied
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import difference, estimate
from experiments.tables import write
from experiments.twins import twin_without

NAME = "assumptions"
QUESTION = "Which assumptions do the headline numbers rest on?"

SEEDS = range(1, 9)
PUSH, CRASH = "oracle-push", "leveraged-crash"
MEASURES = {PUSH: "profit of the push", CRASH: "bad debt"}  # cash coins


class Knob(NamedTuple):
    """An assumption that is a parameter, and two values of it beside the scenario's own."""

    number: int
    what: str
    path: str
    low: float
    high: float


KNOBS = {
    PUSH: (
        Knob(2, "depth of the reference venue", "references.0.depth", 1e8, 1e10),
        Knob(2, "seconds until it has half healed", "references.0.half_life", 10.0, 600.0),
        Knob(3, "seconds the arbitrageur is late", "cast.arbitrageur.latency", 0.0, 12.0),
        Knob(5, "seconds the attacker is late", "cast.attacker.latency", 0.0, 18.0),
        Knob(7, "caution of the attacker", "cast.attacker.caution", 1.0, 3.0),
        Knob(8, "coins of the arbitrageur", "cast.arbitrageur.base", 20.0, 1e5),
        Knob(12, "base fee, cash coins per gas", "chain.base_fee", 2e-9, 2e-7),
        Knob(13, "outside demand, share of blocks", "outside.load", 0.0, 0.95),
        Knob(17, "stake below which a trader re-enters", "cast.leveraged.reentry", 0.0, 0.9),
    ),
    CRASH: (
        Knob(2, "depth of the reference venue", "references.0.depth", 1e8, 1e10),
        Knob(12, "base fee, cash coins per gas", "chain.base_fee", 2e-9, 2e-7),
        Knob(13, "outside demand, share of blocks", "outside.load", 0.0, 0.95),
        Knob(17, "stake below which a trader re-enters", "cast.leveraged.reentry", 0.0, 0.9),
        Knob(17, "weight of the trend for the leveraged", "cast.leveraged.herding", 0.0, 60.0),
        Knob(17, "decisions a day of those who revert", "cast.fundamental.activity", 30.0, 1_500.0),
        Knob(154, "seconds the keepers are late", "cast.keeper.latency", 0.0, 18.0),
        Knob(27, "seconds of nature's grid", "nature.tick", 0.25, 6.0),
        Knob(154, "capital of a keeper", "cast.keeper.capital", 1e4, 1e7),
    ),
}


class Point(NamedTuple):
    """One run. `knob`: its place, -1 for the scenario as it stands."""

    scenario: str
    knob: int
    end: str
    seed: int


def points(seeds: range) -> list[Point]:
    """Every knob at both ends, and each scenario as it stands."""
    return [
        Point(name, knob, end, seed)
        for name, knobs in KNOBS.items()
        for knob in range(-1, len(knobs))
        for end in (("as it stands",) if knob < 0 else ("low", "high"))
        for seed in seeds
    ]


def scenario(point: Point) -> Scenario:
    """The scenario with one knob turned."""
    one = replace(find(point.scenario), seed=point.seed)
    if point.knob < 0:
        return one
    knob = KNOBS[point.scenario][point.knob]
    return varied(one, {knob.path: knob.low if point.end == "low" else knob.high})


def measure(point: Point) -> dict[str, Any]:
    """The headline number, cash coins."""
    one = scenario(point)
    if point.scenario == PUSH:
        pair = twin_without(one, "attacker")
        return point._asdict() | {"value": pair.gain("attacker"), "digest": pair.run.digest}
    record = run(one)
    return point._asdict() | {"value": float(record.metrics["dex.deficit"]), "digest": record.digest}


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a knob and end: the number, and how it differs from the scenario as it stands, paired by seed; and its p."""
    rows = []
    for name, knobs in KNOBS.items():
        mine = runs[runs["scenario"] == name]
        base = mine[mine["knob"] < 0].set_index("seed")["value"]
        for place, knob in enumerate(knobs):
            for end in ("low", "high"):
                some = mine[(mine["knob"] == place) & (mine["end"] == end)].set_index("seed")["value"]
                found = difference(some.tolist(), base[some.index].tolist())
                rows.append(
                    {
                        "scenario": name,
                        "assumption": knob.number,
                        "what": knob.what,
                        "path": knob.path,
                        "end": end,
                        "set to": knob.low if end == "low" else knob.high,
                        "as it stands": float(base.mean()),
                        "change": found.estimate.mean,
                        "change_low": found.estimate.low,
                        "change_high": found.estimate.high,
                        "p": found.p,
                        "seeds": found.estimate.seeds,
                    }
                )
    return pd.DataFrame(rows)


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = SEEDS[:2] if quick else SEEDS
    runs = pd.DataFrame(spread(measure, points(seeds), workers=workers, title=NAME))
    table = summary(runs)
    write(out, {f"{NAME}-runs": runs, NAME: table})
    paths = draw(table, MEASURES, out, NAME, stamp(runs["digest"]))
    lines = [QUESTION]
    for name, what in MEASURES.items():
        base = estimate(runs[(runs["scenario"] == name) & (runs["knob"] < 0)]["value"].tolist())
        lines += ["", f"{name}, {what}: {base} cash coins. Change where set otherwise:"]
        for row in table[table["scenario"] == name].to_dict("records"):
            change = f"{row['change']:>+12,.0f} [{row['change_low']:,.0f}, {row['change_high']:,.0f}]"
            lines.append(
                f"  {row['assumption']:>3} {row['what']:<40}{row['set to']:>10g}  {change}, p = {row['p']:.2g}"
            )
    lines += [
        "",
        f"{len(runs)} runs, seeds {seeds[0]} to {seeds[-1]}, paired.",
        f"Written: {', '.join(map(str, paths))}",
    ]
    return "\n".join(lines)
