"""Study: does margin that scales with volatility save more than it breaks?

The market of `scaled-crash` through bursts of jumps, and through as much variance in lone ones, under one margin: as it is,
scaled by realised volatility (capped at two factors), and held at the scaled one's mean factor throughout, which says what
mere tightness does. All on the same draws. A liquidation is *called* by the scaling where the account met the margin inside
it at that moment; called *alone* if the unscaled twin does not liquidate that account within the hour around it.
Twins drift apart (who may open what differs), so that *alone* says what the rule did in its run, not what undoing it would save.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.nature.base import Nature
from agents.nature.hawkes import HawkesJumps
from agents.nature.jumps import JumpDiffusion
from experiments.figures.procyclicality import draw
from experiments.figures.style import stamp
from experiments.overrides import vary
from experiments.parallel import Workers, spread
from experiments.record import Record
from experiments.run import build, play, run
from experiments.scenario import Scenario, find
from experiments.tables import cell, columns, write
from protocol.margins.base import Margin
from protocol.margins.cross import Cross
from protocol.margins.volatility_scaled import VolatilityScaled

NAME = "procyclicality"
QUESTION = "Does margin that scales with volatility save more than it breaks?"

DURATION = 14_400.0  # seconds
AROUND = 3_600.0  # seconds before and after a called liquidation in which the twin's counts as the same
FACTORS = (1.5, 3.0)  # most that the requirement is multiplied by
SEEDS = 24
PATH = "dex.ETH-PERP"
BURST = HawkesJumps(
    tick=1.0,
    volatility=(0.6,),
    intensity=(4_000.0,),
    branching=0.8,
    half_life=900.0,
    jump_mean=0.0,
    jump_std=0.02,
)
NATURES: dict[str, Nature] = {
    "bursts": BURST,
    "lone jumps": JumpDiffusion(
        tick=1.0, volatility=(0.6,), intensity=(float(BURST.rates()[0]),), jump_mean=0.0, jump_std=0.02
    ),
}
VALUES = ("debt", "debt_per_held", "held", "liquidations", "volume", "gap", "worst")


class Point(NamedTuple):
    """One nature and seed; all arms are played on it."""

    nature: str
    seed: int
    factors: tuple[float, ...]


def scenario(point: Point, margin: Margin | None = None) -> Scenario:
    """The bundled `scaled-crash` through another nature, under its own margin or this one."""
    base = dataclasses.replace(find("scaled-crash"), nature=NATURES[point.nature], duration=DURATION, seed=point.seed)
    return base if margin is None else vary(base, "exchange.margin", margin)


def scaled_run(asked: Scenario) -> tuple[Record, float]:
    """A run under scaled margin, and its mean factor, looked up every hundred blocks."""
    game, found = build(asked), []
    rule = asked.world.exchanges[0].margin
    assert isinstance(rule, VolatilityScaled)

    def look(share: float) -> None:
        found.append(rule.factor(game.state, game.listing()))

    return play(game, asked, progress=look), float(np.mean(found))


def outcome(record: Record) -> dict[str, float]:
    """What the rules of one run came to. Cash coins; gaps relative."""
    row, calls = record.metrics, liquidations(record)
    return {
        "debt": row["dex.bad_debt"],
        "debt_per_held": row["dex.bad_debt_per_held"],
        "held": row["dex.held"],
        "liquidations": float(len(calls)),
        "volume": float(calls["notional"].sum()),
        "gap": row[f"{PATH}.mid_gap_rms"],
        "worst": row[f"{PATH}.mid_gap_worst"],
    }


def liquidations(record: Record) -> pd.DataFrame:
    """One row a liquidation: time, account, size (base coins), notional, spare (cash coins; nan where margin has none inside)."""
    events = record.events[record.events["kind"] == "liquidation"]
    rows = [{"spare": np.nan, **numbers} for numbers in events["numbers"]]
    frame = pd.DataFrame(rows, columns=["account", "size", "notional", "spare"])
    return frame.assign(time=events["time"].to_numpy())


def judged(mine: Record, twin: Record) -> dict[str, float]:
    """What the scaling called for: liquidations and notional, how much of it by it alone, and the mid moved meanwhile.

    `push`: by how much the mid moved in the direction of the sale (relative), in blocks with calls by it alone, beyond what
    it did in the same blocks of the twin; mean a block, nan if there was none.
    """
    ours, theirs = liquidations(mine), liquidations(twin)
    called = ours[ours["spare"] >= 0]
    near = [
        bool(((theirs["account"] == account) & ((theirs["time"] - time).abs() <= AROUND)).any())
        for account, time in zip(called["account"], called["time"], strict=True)
    ]
    idle = called[~np.array(near, bool)]
    moved = [np.log(one.blocks.set_index("time")[f"{PATH}.mid"]).diff() for one in (mine, twin)]
    sold = idle.groupby("time")["size"].sum()
    extra = (np.sign(sold) * (moved[0] - moved[1]).reindex(sold.index)).dropna()
    return {
        "called": float(len(called)),
        "called_volume": float(called["notional"].sum()),
        "idle": float(len(idle)),
        "idle_volume": float(idle["notional"].sum()),
        "push": float(extra.mean()) if len(extra) else float("nan"),
    }


def measure(point: Point) -> list[dict[str, Any]]:
    """One row an arm: fixed, and for each cap scaled and flat."""
    base = scenario(point)
    rule = base.world.exchanges[0].margin
    assert isinstance(rule, VolatilityScaled)
    inner = rule.inner
    assert isinstance(inner, Cross)
    fixed = run(scenario(point, inner))
    key = {"nature": point.nature, "seed": point.seed}
    rows = [{**key, "arm": "fixed", "most": 1.0, "factor": 1.0, **outcome(fixed), "digest": fixed.digest}]
    for most in point.factors:
        record, factor = scaled_run(scenario(point, dataclasses.replace(rule, most_factor=most)))
        shares = {name: min(1.0, factor * getattr(inner, name)) for name in ("initial", "maintenance")}
        flat = run(scenario(point, dataclasses.replace(inner, **shares)))
        more = {**key, "most": most, "factor": factor}
        rows.append({**more, "arm": "scaled", **outcome(record), **judged(record, fixed), "digest": record.digest})
        rows.append({**more, "arm": "flat", **outcome(flat), "digest": flat.digest})
    return rows


def sweep(*, workers: Workers = None, quick: bool = False) -> pd.DataFrame:
    """One row a run."""
    factors, seeds = (FACTORS[-1:], 2) if quick else (FACTORS, SEEDS)
    points = [Point(nature, seed, factors) for nature in NATURES for seed in range(1, seeds + 1)]
    rows = spread(measure, points, workers=workers, title=NAME)
    return pd.DataFrame([row for found in rows for row in found])


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """One row an arm: every value with its interval, and its difference from the fixed twin, and the flat one, by seed."""
    rows = []
    for (nature, arm, most), group in runs.groupby(["nature", "arm", "most"], sort=False):
        of = functools.partial(_arm, runs, str(nature))
        mine = group.set_index("seed")
        row: dict[str, Any] = {"nature": nature, "arm": arm, "most": most, "seeds": len(mine)}
        row["factor"] = float(mine["factor"].mean())
        pairs = {name: mine[name] for name in (*VALUES, "called", "called_volume", "idle", "idle_volume", "push")}
        pairs |= {f"{name}_over_fixed": mine[name] - of("fixed", 1.0)[name] for name in VALUES}
        if arm == "scaled":
            pairs |= {f"{name}_over_flat": mine[name] - of("flat", float(str(most)))[name] for name in VALUES}
        for name, values in pairs.items():
            if values.notna().any():
                row |= columns(name, values)
        rows.append(row)
    return pd.DataFrame(rows)


def _arm(runs: pd.DataFrame, nature: str, arm: str, most: float) -> pd.DataFrame:
    return runs[(runs["nature"] == nature) & (runs["arm"] == arm) & (runs["most"] == most)].set_index("seed")


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    runs = sweep(workers=workers, quick=quick)
    arms = table(runs)
    write(out, {f"{NAME}-runs": runs, NAME: arms})
    figure = draw(arms, out, NAME, stamp(runs["digest"]))

    lines = [QUESTION, ""]
    for row in arms.to_dict("records"):
        lines.append(
            f"{row['nature']}, {row['arm']}, at most {row['most']:g} (mean factor {row['factor']:.2f}):"
            f" bad debt {cell(row, 'debt')}, {cell(row, 'debt_per_held', 1e4, 1)} bp of held;"
            f" liquidations {cell(row, 'liquidations', 1, 1)}; rms gap {cell(row, 'gap', 1e4, 1)} bp"
        )
        if row["arm"] != "fixed":
            lines.append(
                f"    over fixed: bad debt {cell(row, 'debt_over_fixed')}, per held"
                f" {cell(row, 'debt_per_held_over_fixed', 1e4, 1)} bp, liquidations"
                f" {cell(row, 'liquidations_over_fixed', 1, 1)}, held {cell(row, 'held_over_fixed')},"
                f" rms gap {cell(row, 'gap_over_fixed', 1e4, 1)} bp"
            )
        if row["arm"] == "scaled":
            lines.append(
                f"    over flat: bad debt {cell(row, 'debt_over_flat')}, per held"
                f" {cell(row, 'debt_per_held_over_flat', 1e4, 1)} bp, liquidations"
                f" {cell(row, 'liquidations_over_flat', 1, 1)}, rms gap {cell(row, 'gap_over_flat', 1e4, 1)} bp"
            )
            lines.append(
                f"    called by the scaling {cell(row, 'called', 1, 1)} ({cell(row, 'called_volume')}), by it alone"
                f" {cell(row, 'idle', 1, 1)} ({cell(row, 'idle_volume')}); mid pushed {cell(row, 'push', 1e4, 1)} bp a block"
            )
    seeds = int(arms["seeds"].max())
    lines.append(f"{len(runs)} runs, {seeds} paired seeds (1 to {seeds}) an arm. Cash coins.")
    lines.append(f"Written: {', '.join(map(str, figure))}")
    return "\n".join(lines)
