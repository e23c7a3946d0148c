"""Study: private against public flow for a large trader.

The same large trader works its orders where anybody may read them before they are served, and where they are sealed until
they are. Left: what it pays to whoever lives on its orders, against the twin without that attacker, by how irregular its pauses
are. Right: what can still be inferred of sealed orders from settled fills: how often a guess of its next trade is right, and
how many of its trades were foreseen.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from agents.attacks.base import Attack
from agents.attacks.flow_hunter import FlowHunter
from agents.attacks.sandwich import Sandwich
from experiments.figures.private_flow import draw
from experiments.figures.style import stamp
from experiments.overrides import vary
from experiments.parallel import Workers, spread
from experiments.scenario import Scenario, find
from experiments.tables import cell, means, write
from experiments.twins import twin_without

NAME = "private-flow"
QUESTION = "What does sealing its orders save a large trader, and what can a hunter still infer?"

SCATTER = (0.0, 0.1, 0.25, 0.5, 1.0)  # how irregular its pauses are, a share of the pause
DELAY = 1.0  # seconds from commitment to opening
DURATION = 2_400.0
SEEDS = 8

KINDS: dict[str, tuple[dict[str, Any], Attack]] = {
    "public, read and surrounded": ({"kind": "PriorityFee"}, Sandwich(name="attacker")),
    "sealed, read (nothing to read)": ({"kind": "Sealed", "delay": DELAY}, Sandwich(name="attacker")),
    "sealed, inferred from fills": ({"kind": "Sealed", "delay": DELAY}, FlowHunter(name="attacker", base=300.0)),
}


class Point(NamedTuple):
    """One pair of runs."""

    kind: str
    scatter: float
    seed: int


def scenario(point: Point) -> Scenario:
    """The bundled `public-flow` under an ordering, with an attacker and pauses so irregular."""
    base, (ordering, attacker) = find("public-flow"), KINDS[point.kind]
    cast = tuple(attacker if role.label == "attacker" else role for role in base.cast)
    base = dataclasses.replace(base, cast=cast, seed=point.seed, duration=DURATION)
    return vary(vary(base, "chain.ordering", ordering), "cast.large.scatter", point.scatter)


def measure(point: Point) -> dict[str, Any]:
    """The large trader's loss and the attacker's profit in basis points of what the large trader trades; hits and guesses."""
    pair = twin_without(scenario(point), "attacker")
    events = pair.run.events
    slices = events[events["kind"] == "slice"]["numbers"]
    guesses = events[events["kind"] == "guess"]["numbers"]
    volume = sum(abs(one["size"]) * one["price"] for one in slices)
    hits = sum(one["hit"] for one in guesses)
    return {
        **point._asdict(),
        "loss": -1e4 * pair.gain("large") / volume,
        "profit": 1e4 * pair.gain("attacker") / volume,
        "right": hits / len(guesses) if len(guesses) else float("nan"),
        "foreseen": hits / len(slices),
        "digest": pair.run.digest,
    }


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Means with intervals, by kind and scatter; `right` over the seeds in which anything was guessed."""
    return means(runs, ("kind", "scatter"), ("loss", "profit", "right", "foreseen"))


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    points = [Point(k, x, s) for k in KINDS for x in (SCATTER[::2] if quick else SCATTER) for s in seeds]
    runs = pd.DataFrame(spread(measure, points, workers=workers, title=NAME))
    table = summary(runs)
    write(out, {f"{NAME}-runs": runs, NAME: table})
    paths = draw(table, out, NAME, stamp(runs["digest"]))
    lines = [QUESTION, "", "Basis points of the large trader's volume, with 95 % interval; guesses as shares:"]
    lines.append(
        f"{'flow':>32} {'scatter':>8} {'it loses':>24} {'the attacker earns':>24} {'guesses right':>14} {'foreseen':>9}"
    )
    for row in table.to_dict("records"):
        cells = [cell(row, w, digits=2, width=6) for w in ("loss", "profit")]
        right = f"{row['right']:.2f}" if row["right"] == row["right"] else "-"
        lines.append(
            f"{row['kind']:>32} {row['scatter']:>8} {cells[0]:>24} {cells[1]:>24} {right:>14} {row['foreseen']:>9.2f}"
        )
    lines += [
        "",
        f"{len(runs)} pairs of runs, seeds 1 to {max(seeds)} at every point.",
        f"Written: {', '.join(map(str, paths))}",
    ]
    return "\n".join(lines)
