"""Study 2: what does latency cost?

Left: what a sniper takes per oracle update from a pool that trades at the index, against the age that the index reaches and
the round-trip cost of trading; when it may trade once, in the last block before each update (where the closed form speaks),
and when six blocks pass between updates. Right: the spread that a market maker quotes, against block time and the delay
until its quotes stand.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from experiments.figures.latency_cost import draw
from experiments.figures.style import stamp
from experiments.overrides import varied, vary
from experiments.parallel import Workers, spread
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import estimate
from experiments.tables import write
from experiments.theory import stale_value

NAME = "latency-cost"
QUESTION = "What does latency cost?"

VOLATILITY = 0.6  # per root year
NOTIONAL = 1_000_000.0  # cash coins a trade, held there by the open-interest cap
AGES = (5.0, 30.0, 120.0, 300.0)  # seconds between updates
COSTS = (2e-4, 10e-4)  # round trip, relative
BLOCKS = (1, 6)  # blocks between updates
UPDATES = 600
SEEDS = 8
INTERVALS = (0.5, 2.0, 12.0)  # seconds a block, for the maker
DELAYS = (0.0, 1.0, 4.0, 12.0)  # seconds until a quote stands


class Stale(NamedTuple):
    """One run of the left panel."""

    age: float
    cost: float
    blocks: int
    seed: int


class Quoting(NamedTuple):
    """One run of the right panel."""

    interval: float
    delay: float
    seed: int


def stale_scenario(point: Stale, updates: int = UPDATES, volatility: float = VOLATILITY) -> Scenario:
    """The bundled `stale-oracle`, reduced to one reporter and one sniper. `volatility` per root year."""
    interval = point.age / point.blocks
    base = find("stale-oracle")
    base = dataclasses.replace(base, cast=tuple(role for role in base.cast if role.label in ("reporter", "sniper")))
    changes = {
        "world.chains.0.blocks.interval": interval,
        "world.chains.0.fee_floor": 1e-13,
        "world.chains.0.base_fee": 1e-12,
        "exchange.market.oracle": {
            "kind": "Median",
            "reporters": 1,
            "quorum": 1,
            "deviation": 1e-9 if point.blocks == 1 else 10.0,  # every block, or by heartbeat alone
            "heartbeat": max(1e-6, point.age - 1.5 * interval),
            "max_age": 10 * point.age,
        },
        "exchange.market.venue": {"kind": "OraclePool", "spread": point.cost, "skew_scale": 1e12},
        "exchange.market.funding": {"kind": "Unfunded"},
        "exchange.market.open_interest_cap": NOTIONAL,
        "nature.tick": interval,
        "nature.volatility": [volatility],
        "outside.load": 0.0,
        "cast.reporter.count": 1,
        "cast.reporter.noise": 0.0,
        "cast.reporter.latency": 0.0,
        "cast.reporter.tip": 1e-10,
        "cast.sniper.latency": 0.0,
        "cast.sniper.capital": 1_000_000.0,
        "cast.sniper.usage": 1.0,
        "cast.sniper.least_profit": 0.0,
        "cast.sniper.bid_share": 0.0,
        "cast.sniper.tip": 1e-9,
        "cast.sniper.hold": 0.5 * interval if point.blocks == 1 else 2.0 * point.age,  # close at the very next index
        "duration": updates * point.age,
    }
    return dataclasses.replace(varied(base, changes), seed=point.seed)


def measure_stale(point: Stale, updates: int = UPDATES, volatility: float = VOLATILITY) -> dict[str, Any]:
    """Value per update and unit of notional, relative.

    With one block an update, a position held over it forgoes the next one, so only updates before which the sniper was free
    to trade are counted, as in the closed form.
    """
    record = run(stale_scenario(point, updates, volatility))
    held = (record.blocks["dex.ETH-PERP.open_long"] + record.blocks["dex.ETH-PERP.open_short"]).to_numpy() > 0
    chances = len(held) - int(held[:-1].sum()) if point.blocks == 1 else len(held) / point.blocks
    attacks = record.events[record.events["kind"] == "attack"]
    index = record.blocks["dex.ETH-PERP.index"].mean()
    notional = np.mean([abs(numbers["size"]) for numbers in attacks["numbers"]]) * index if len(attacks) else NOTIONAL
    value = record.metrics["gain.sniper"] / (notional * chances)
    return {**point._asdict(), "value": value, "trades": len(attacks), "digest": record.digest}


def quoting_scenario(point: Quoting) -> Scenario:
    """The bundled `maker-book` at a block time and a delay."""
    base = find("maker-book")
    base = vary(base, "world.chains.0.blocks.interval", point.interval)
    base = vary(base, "nature.tick", min(1.0, point.interval))
    base = vary(base, "cast.maker.latency", point.delay)
    base = vary(base, "duration", 1_200.0)
    return dataclasses.replace(base, seed=point.seed)


def measure_quoting(point: Quoting) -> dict[str, Any]:
    """The maker's mean quoted spread, relative to its centre, and what it earned (cash coins)."""
    record = run(quoting_scenario(point))
    quotes = record.events[record.events["kind"] == "quote"]["numbers"]
    spreads = [numbers["spread"] / numbers["centre"] for numbers in quotes]
    return {
        **point._asdict(),
        "spread": float(np.mean(spreads)) if spreads else float("nan"),
        "gain": record.metrics["gain.maker"],
        "digest": record.digest,
    }


def _summary(runs: pd.DataFrame, keys: list[str], value: str) -> pd.DataFrame:
    rows = []
    for key, group in runs.groupby(keys):
        found = estimate(group[value].tolist())
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                value: found.mean,
                "low": found.low,
                "high": found.high,
                "seeds": found.seeds,
            }
        )
    return pd.DataFrame(rows)


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    seeds = range(1, (2 if quick else SEEDS) + 1)
    stale = [Stale(a, c, b, s) for a in (AGES[:2] if quick else AGES) for c in COSTS for b in BLOCKS for s in seeds]
    quoting = [Quoting(i, d, s) for i in (INTERVALS[1:] if quick else INTERVALS) for d in DELAYS for s in seeds]
    sniped = pd.DataFrame(spread(measure_stale, stale, workers=workers, title=f"{NAME}: sniper"))
    quoted = pd.DataFrame(spread(measure_quoting, quoting, workers=workers, title=f"{NAME}: maker"))
    values = _summary(sniped, ["cost", "blocks", "age"], "value")
    values["theory"] = [
        stale_value(VOLATILITY, age, cost)
        for age, cost in zip(values["age"].tolist(), values["cost"].tolist(), strict=True)
    ]
    spreads = _summary(quoted, ["interval", "delay"], "spread")
    tables = {"sniper-runs": sniped, "maker-runs": quoted, "sniper": values, "maker": spreads}
    write(out, {f"{NAME}-{name}": table for name, table in tables.items()})
    paths = draw(values, spreads, out, NAME, stamp([*sniped["digest"], *quoted["digest"]]))

    lines = [QUESTION, "", "Value a sniper takes per update, basis points of notional:"]
    lines.append(
        f"{'age':>7} {'cost':>7} {'blocks':>7} {'measured, with 95 % interval':>32} {'closed form (1 block)':>22}"
    )
    for row in values.to_dict("records"):
        interval = f"{1e4 * row['value']:8.3f}  [{1e4 * row['low']:7.3f}, {1e4 * row['high']:7.3f}]"
        theory = f"{1e4 * row['theory']:.3f}" if row["blocks"] == 1 else ""
        lines.append(
            f"{row['age']:>5,.0f} s {1e4 * row['cost']:>4.0f} bp {row['blocks']:>7} {interval:>32} {theory:>22}"
        )
    lines += [
        "",
        "Spread a maker quotes, basis points:",
        f"{'block':>8} {'delay':>7} {'measured, with 95 % interval':>32}",
    ]
    for row in spreads.to_dict("records"):
        interval = f"{1e4 * row['spread']:8.2f}  [{1e4 * row['low']:7.2f}, {1e4 * row['high']:7.2f}]"
        lines.append(f"{row['interval']:>6} s {row['delay']:>5} s {interval:>32}")
    lines.append("")
    lines.append(
        f"{len(sniped) + len(quoted)} runs, seeds 1 to {max(seeds)} at every point, {UPDATES} updates a sniper's run."
    )
    lines.append(f"Written: {', '.join(map(str, paths))}")
    return "\n".join(lines)
