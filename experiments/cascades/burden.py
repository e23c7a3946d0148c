"""Who bore a cascade: what backstop, insurance, deleveraging and everybody else took of what was closed and lost."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

VENUE = "sold on the venue"
DELEVERAGED = "deleveraged"
UNPAID = "paid by nobody"


def positions(events: pd.DataFrame) -> dict[str, float]:
    """Notional liquidated by where it went: the venue, holders on the other side, or whoever took it over. Cash coins."""
    found: defaultdict[str, float] = defaultdict(float)
    for numbers in _liquidations(events):
        notional, size = float(numbers["notional"]), abs(float(numbers["size"]))
        part = min(1.0, float(numbers["deleveraged"]) / size) if size else 0.0
        taker = str(numbers["taker"])
        found[DELEVERAGED] += part * notional
        found[f"taken over by {taker}" if taker else VENUE] += (1.0 - part) * notional
    return {name: cash for name, cash in found.items() if cash}


def deficits(events: pd.DataFrame) -> dict[str, float]:
    """Deficits by who paid them: a step of the waterfall, or nobody. Cash coins."""
    found: defaultdict[str, float] = defaultdict(float)
    for numbers in _liquidations(events):
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


def _liquidations(events: pd.DataFrame) -> list[dict[str, float | str]]:
    return list(events[events["kind"] == "liquidation"]["numbers"])
