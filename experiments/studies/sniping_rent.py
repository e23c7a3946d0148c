"""Study: sniping rent under first-come, by-fee and sealed ordering, and in a batch auction.

One maker quotes a token whose reference jumps; two snipers, one a little quicker than the other and both quicker than the
maker, take what it has not withdrawn. Bars: what either keeps and what they pay for their place, an hour. The theory it is
held against (Budish, Cramton and Shim 2015; Daian et al. 2020): where speed alone decides the quicker wins all and nobody
bids; where fees decide the bids eat the rent; where all clear at one price after makers could think again there is none.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from agents.attacks.quote_sniper import QuoteSniper
from experiments.figures.sniping_rent import draw
from experiments.figures.style import stamp
from experiments.overrides import vary
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.tables import cell, means, write

NAME = "sniping-rent"
QUESTION = "Who gets the rent of stale quotes, under which ordering?"

BOOK: dict[str, Any] = {"kind": "OrderBook"}
RULES: dict[str, tuple[dict[str, Any], dict[str, Any], int, float]] = {  # ordering, venue, looks a block, opening bid
    "first come": ({"kind": "Fifo"}, BOOK, 0, 0.0),
    "by fee": ({"kind": "PriorityFee"}, BOOK, 30, 0.05),
    "sealed": ({"kind": "Sealed", "delay": 0.5}, BOOK, 0, 0.0),
    "batch": ({"kind": "Fifo"}, {"kind": "BatchAuction", "interval": 6.0}, 0, 0.0),
}
QUICK, SECOND = 0.05, 0.10  # seconds; the maker's are 0.15
PARTS = ("quicker", "second", "fees")
SEEDS = 10


class Point(NamedTuple):
    """One run."""

    rule: str
    seed: int


def scenario(point: Point) -> Scenario:
    """The bundled `sniped-book` with two snipers, under an ordering and at a venue."""
    base, (ordering, venue, looks, opening) = find("sniped-book"), RULES[point.rule]
    snipers = tuple(
        QuoteSniper(name=name, latency=latency, rounds=looks, bid_share=opening, most_share=0.95)
        for name, latency in (("quicker", QUICK), ("second", SECOND))
    )
    cast = (*(role for role in base.cast if role.label != "attacker"), *snipers)
    base = dataclasses.replace(base, cast=cast, seed=point.seed)
    return vary(vary(base, "chain.ordering", ordering), "exchange.market.venue", venue)


def measure(point: Point) -> dict[str, Any]:
    """Cash coins an hour: what each sniper keeps, and the gas that both have paid."""
    chosen = scenario(point)
    record, hours = run(chosen), chosen.duration / 3_600.0
    flows = record.flows
    fees = flows[(flows["reason"] == "gas") & flows["source"].isin(["quicker", "second"])]["cash"].sum()
    return {
        **point._asdict(),
        **{name: record.metrics[f"gain.{name}"] / hours for name in ("quicker", "second")},
        "fees": float(fees) / hours,
        "taken": float(fees + record.metrics["gain.quicker"] + record.metrics["gain.second"]) / hours,
        "digest": record.digest,
    }


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Means with intervals, by rule."""
    return means(runs, ("rule",), (*PARTS, "taken"))


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    runs = pd.DataFrame(spread(measure, [Point(r, s) for r in RULES for s in seeds], workers=workers, title=NAME))
    table = summary(runs)
    write(out, {f"{NAME}-runs": runs, NAME: table})
    paths = draw(table, out, NAME, stamp(runs["digest"]))
    lines = [QUESTION, "", "Cash coins an hour, with 95 % interval:"]
    lines.append(f"{'ordering':>12}" + "".join(f"{name:>30}" for name in ("taken in all", *PARTS)))
    for row in table.to_dict("records"):
        cells = [cell(row, w, width=8) for w in ("taken", *PARTS)]
        lines.append(f"{row['rule']:>12}" + "".join(f"{cell:>30}" for cell in cells))
    lines += [
        "",
        f"{len(runs)} runs, seeds 1 to {max(seeds)} under every rule.",
        f"Written: {', '.join(map(str, paths))}",
    ]
    return "\n".join(lines)
