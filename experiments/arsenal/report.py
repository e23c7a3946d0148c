"""A campaign as tables for people, and as plain data for machines."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.arsenal.campaign import Campaign
from experiments.arsenal.verdict import Cell
from experiments.figures.attack_matrix import draw
from experiments.figures.style import stamp
from experiments.summary import console, number, sheet


def attack_rows(found: Campaign) -> list[dict[str, Any]]:
    """One row an attack: decides to attack?, profit with its interval, who paid, the cheapest defence that stops it."""
    rows = []
    for name, seat in found.seats.items():
        one = found.bare(name)
        row: dict[str, Any] = {
            "attack": name,
            "market": f"{seat.attack.exchange}.{seat.attack.market}".strip("."),
            "lacks": seat.lacks,
        }
        if one is not None:
            best = found.best(name) if one.pays else ""
            row |= _numbers(one) | {
                "defence": best,
                "defended": len([c for c in found.cells if c.attack == name and c.defence]),
            }
        rows.append(row)
    return rows


def cell_rows(found: Campaign) -> list[dict[str, Any]]:
    """One row an attack that pays and a defence that was tried."""
    rows = []
    for one in found.cells:
        bare = found.bare(one.attack)
        if one.defence and bare is not None:
            cost = found.costs[one.defence]
            rows.append(
                {
                    "attack": one.attack,
                    "defence": one.defence,
                    "left": one.profit.mean / bare.profit.mean,
                    "left low": one.profit.low / bare.profit.mean,
                    "left high": one.profit.high / bare.profit.mean,
                    "stopped": one.stopped,
                }
                | _numbers(one)
                | {
                    f"kept {key}" if key in ("open_interest", "volume") else f"{key} change": v
                    for key, v in cost._asdict().items()
                }
                | {"noticed": math.nan}  # alarms belong to honest runs under the rules as they were
                | {"counts": cost.counts, "best": found.best(one.attack) == one.defence}
            )
    return rows


def _numbers(one: Cell) -> dict[str, Any]:
    succeeded = one.succeeded
    return {
        "attacked": one.attacked.mean,
        "declined": one.declined,
        "profit": one.profit.mean,
        "profit_low": one.profit.low,
        "profit_high": one.profit.high,
        "seeds": one.profit.seeds,
        "success": math.nan if succeeded is None else succeeded.mean,
        "success_low": math.nan if succeeded is None else succeeded.low,
        "expected": one.expected,
        "cost": one.cost,
        "stake": one.stake,
        "return": one.gain_on_stake,
        "damage": one.damage.mean,
        "damage_low": one.damage.low,
        "damage_high": one.damage.high,
        "victims": ", ".join(f"{kind} {number(loss)}" for kind, loss in list(one.victims.items())[:3] if loss > 0.5),
        "noticed": one.noticed,
        "bad_debt": one.bad_debt,
    }


def show(found: Campaign) -> None:
    """Print both tables."""
    to, one = console(), found.scenario
    print(f"{one.name}: {one.about}" if one.about else one.name)
    print(
        f"{len(found.seeds)} paired seeds (from {found.seeds[0]}), {one.duration:,.0f} s each; cash coins; intervals 95 %"
    )
    rows = []
    for row in attack_rows(found):
        if row["lacks"]:
            rows.append((row["attack"], "no surface", "", "", "", row["lacks"], ""))
            continue
        decided = (
            f"in {row['attacked']:.0%}" if row["attacked"] else f"stays home: {row['declined'] or 'saw no chance'}"
        )
        profit = f"{number(row['profit'])} [{number(row['profit_low'])}, {number(row['profit_high'])}]"
        stops = row["defence"] or ("none of those tried" if row["profit_low"] > 0 else "does not pay")
        expected = "" if math.isnan(row["expected"]) else number(row["expected"])
        rows.append((row["attack"], decided, profit, expected, number(row["damage"]), row["victims"], stops))
    heads = ("attack", "attacks?", "profit", "it expected", "damage", "who paid", "cheapest defence that stops it")
    to.print(sheet("attacks", heads, rows, right=(2, 3, 4)))
    cells = cell_rows(found)
    if cells:
        body = [
            (
                r["attack"],
                r["defence"],
                f"{number(r['profit'])} ({r['left']:.0%})",
                "stops" if r["stopped"] else "",
                f"{r['kept open_interest']:.0%}",
                f"{r['kept volume']:.0%}",
                f"{1e4 * r['provider_return change']:+.1f}",
                f"{1e4 * r['slippage change']:+.1f}",
            )
            for r in cells
        ]
        columns = (
            "attack",
            "defence",
            "profit left",
            "",
            "open interest kept",
            "volume kept",
            "providers, bp",
            "slippage, bp",
        )
        to.print(sheet("defences against the attacks that pay", columns, body, right=(2, 4, 5, 6, 7)))
    for name, why in found.misfits.items():
        print(f"not tried: {name}: {why}")


def to_json(found: Campaign) -> str:
    """Everything as one object; numbers that are none become null."""

    def plain(row: dict[str, Any]) -> dict[str, Any]:
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}

    content = {
        "scenario": found.scenario.name,
        "seeds": list(found.seeds),
        "attacks": [plain(row) for row in attack_rows(found)],
        "cells": [plain(row) for row in cell_rows(found)],
        "not tried": found.misfits,
        "digests": [
            {"attack": r.attack, "defence": r.defence, "seed": r.seed, "digest": r.digest} for r in found.results
        ],
    }
    return json.dumps(content, indent=2)


def write(found: Campaign, out: Path) -> list[Path]:
    """Tables as CSV, all as JSON, and the matrix as a figure where an attack pays."""
    out.mkdir(parents=True, exist_ok=True)
    stem = f"attacks-{found.scenario.name}"
    paths = [out / f"{stem}.csv", out / f"{stem}.json"]
    pd.DataFrame(attack_rows(found)).to_csv(paths[0], index=False)
    paths[1].write_text(to_json(found), encoding="utf-8")
    cells = cell_rows(found)
    if cells:
        paths.append(out / f"{stem}-matrix.csv")
        pd.DataFrame(cells).to_csv(paths[-1], index=False)
        paying = [name for name in found.seats if (one := found.bare(name)) is not None and one.pays]
        paths += draw(
            pd.DataFrame(cells),
            paying,
            out,
            f"{stem}-matrix",
            f"seeds: {found.seeds}",
            stamp(r.digest for r in found.results),
        )
    return paths
