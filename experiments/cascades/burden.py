"""Who bore a cascade: what backstop, insurance, deleveraging and everybody else took of what was closed and lost."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

VENUE = "sold on the venue"
DELEVERAGED = "deleveraged"
UNPAID = "paid by nobody"
LENDERS, HOLDERS = "written off by lenders", "left to holders of a synthetic"


def positions(events: pd.DataFrame) -> dict[str, float]:
    """Notional liquidated or seized by where it went: the venue, holders on the other side, whoever took it over. Cash coins."""
    found: defaultdict[str, float] = defaultdict(float)
    for numbers in _liquidations(events):
        notional, size = float(numbers["notional"]), abs(float(numbers["size"]))
        part = min(1.0, float(numbers["deleveraged"]) / size) if size else 0.0
        taker = str(numbers["taker"])
        found[DELEVERAGED] += part * notional
        found[f"taken over by {taker}" if taker else VENUE] += (1.0 - part) * notional
    for who, numbers in _seizures(events):
        found[f"seized by {who}"] += float(numbers["notional"])
    return {name: cash for name, cash in found.items() if cash}


def deficits(events: pd.DataFrame) -> dict[str, float]:
    """Deficits by who paid them: a step of the waterfall, lenders, whoever holds the synthetic, or nobody. Cash coins."""
    found: defaultdict[str, float] = defaultdict(float)
    seizures = [numbers for _, numbers in _seizures(events)]
    for numbers in seizures:
        unit = float(numbers.get("price", 1.0))  # a bite's loss is in coins of the synthetic
        found[HOLDERS if "price" in numbers else LENDERS] += float(numbers["lost"]) * unit
    for numbers in [*_liquidations(events), *(one for one in seizures if "deficit" in one)]:
        paid = {key: float(value) for key, value in numbers.items() if key.startswith("paid by ")}
        for step, cash in paid.items():
            found[step] += cash
        found[UNPAID] += float(numbers["deficit"]) - sum(paid.values())
    return {name: cash for name, cash in found.items() if cash > 1e-9}


def summed(parts: list[dict[str, float]]) -> dict[str, float]:
    """Over several runs, the largest first."""
    total: defaultdict[str, float] = defaultdict(float)
    for part in parts:
        for name, cash in part.items():
            total[name] += cash
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def _seizures(events: pd.DataFrame) -> list[tuple[str, dict[str, float | str]]]:
    """Who seized, and what is told of it."""
    rows = events[events["kind"] == "seizure"]
    return list(zip(rows["who"], rows["numbers"], strict=True))


def _liquidations(events: pd.DataFrame) -> list[dict[str, float | str]]:
    return list(events[events["kind"] == "liquidation"]["numbers"])
