"""Study: keepers under congestion, Dutch auctions against a fixed spread.

A falling market on a chain that outsiders fill at ever higher prices, so that a liquidation costs more and more gas. A fixed
spread is a prize that does not grow; a Dutch auction's price falls until somebody comes, but somebody must first be paid to
start it, and keepers who learn that nobody else comes wait for as long as it falls (down to its cusp, a share of its top).
Left: what is left standing below maintenance; right: what accounts end up owing beyond all they have.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.roles.keeper import Keeper
from experiments.figures.keepers_under_congestion import draw
from experiments.figures.style import stamp
from experiments.overrides import vary
from experiments.parallel import Workers, spread
from experiments.run import build, play
from experiments.scenario import Scenario, find
from experiments.tables import cell, means, write
from protocol.gas import GAS
from protocol.margins.base import Threshold
from protocol.oracles.base import read_index
from protocol.state import State

NAME = "keepers-under-congestion"
QUESTION = "Which liquidations survive a full chain: Dutch auctions or a fixed spread?"

LOAD = 3.0  # times capacity that outsiders want
VALUES = (1e-5, 3e-4, 1e-3, 4e-3)  # mean willingness of outsiders to pay, cash coins per gas
CURVE = {"kind": "Stairstep", "cut": 0.99, "step": 24}
DUTCH = {"kind": "Dutch", "curve": CURVE, "buf": 1.05, "tail": 1_800.0, "chip": 0.001, "penalty": 0.0}
RULES: dict[str, dict[str, Any]] = {
    "fixed spread of 2 %": {"kind": "Partial", "close_factor": 1.0, "spread": 0.02},
    "Dutch to 0.92, 10 for its start": {**DUTCH, "cusp": 0.92, "tip": 10.0},
    "Dutch to 0.92, 1,500 for its start": {**DUTCH, "cusp": 0.92, "tip": 1_500.0},
    "Dutch to 0.4, 1,500 for its start": {**DUTCH, "cusp": 0.4, "tip": 1_500.0},
}
SEEDS = 6


class Point(NamedTuple):
    """One run."""

    rule: str
    value: float
    seed: int


def price(value: float) -> float:
    """Gas price at which a block is full, cash coins per gas: willingness is exponential, so LOAD e^(-price/value) = 1."""
    return value * float(np.log(LOAD))


def scenario(point: Point) -> Scenario:
    """The falling market of `stuffed-auctions`, filled by outsiders; everybody but keepers pays whatever a place costs."""
    base, value = find("stuffed-auctions"), point.value
    keepers = Keeper(
        name="keeper", count=2, capital=4e6, bid_share=0.5, least_profit=1.0, cost=0.005, unwind=0.1, tip=1e-9
    )
    cast = (*(role for role in base.cast if role.label not in ("bots", "attacker")), keepers)
    base = dataclasses.replace(base, cast=cast, seed=point.seed)
    for path, new in {
        "outside.load": LOAD,
        "outside.swing": 0.0,
        "outside.value": value,
        "chain.fee_floor": 0.0,
        "chain.base_fee": 0.01 * value,
        "nature.jump_mean": -0.015,
        "nature.jump_std": 0.04,
        "cast.leveraged.tip": 20.0 * value,
        "cast.leveraged.gas_money": 1e6,
        "cast.reporter.tip": 20.0 * value,
        "cast.reporter.capital": 1e7,
        "cast.basistrader.tip": 20.0 * value,
        "cast.basistrader.capital": 2e7,
        "exchange.insurance": 5e6,
        "exchange.liquidation": RULES[point.rule],
    }.items():
        base = vary(base, path, new)
    return base


def measure(point: Point) -> dict[str, Any]:
    """Mean notional below maintenance over the run, and what is owed beyond everything at its end, cash coins."""
    chosen = scenario(point)
    game = build(chosen)
    standing: list[float] = []

    def watch(state: State) -> None:
        house, listing = state.houses[0], state.listings[0][0]
        below, _ = state.exchange(house).margin.below(state, house, Threshold.MAINTENANCE)
        coins = np.abs(state.ledger.balance[listing.size, below]).sum() / listing.size_scale
        standing.append(float(coins) * read_index(state, listing).value)

    record = play(game, chosen, watch=watch)
    done = record.events[record.events["kind"] == "liquidation"]["numbers"]
    owed = record.metrics["dex.underwater"] + sum(numbers["deficit"] for numbers in done)
    return {
        **point._asdict(),
        "gas": GAS["Liquidate"] * (price(point.value) + 0.01 * point.value),
        "standing": float(np.mean(standing)),
        "debt": float(owed),
        "liquidated": float(sum(numbers["notional"] for numbers in done)),
        "digest": record.digest,
    }


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Means with intervals, by rule and gas."""
    return means(runs, ("rule", "gas"), ("standing", "debt", "liquidated"))


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    points = [Point(r, v, s) for r in RULES for v in (VALUES[::2] if quick else VALUES) for s in seeds]
    runs = pd.DataFrame(spread(measure, points, workers=workers, title=NAME))
    table = summary(runs)
    write(out, {f"{NAME}-runs": runs, NAME: table})
    paths = draw(table, out, NAME, stamp(runs["digest"]))
    lines = [QUESTION, "", "Thousands of cash coins, with 95 % interval:"]
    lines.append(f"{'rule':>36} {'gas of one':>12} {'below maintenance, mean':>30} {'owed beyond all at the end':>30}")
    for row in table.to_dict("records"):
        cells = [cell(row, w, 1e-3, 1, width=7) for w in ("standing", "debt")]
        lines.append(f"{row['rule']:>36} {row['gas']:>12,.0f} {cells[0]:>30} {cells[1]:>30}")
    lines += [
        "",
        f"{len(runs)} runs, seeds 1 to {max(seeds)} at every point.",
        f"Written: {', '.join(map(str, paths))}",
    ]
    return "\n".join(lines)
