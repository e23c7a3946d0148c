"""Tables of studies: every number with its interval, one form for all.

A number `x` takes three columns: `x`, its mean over the seeds, and `x_low` and `x_high`, the ends of its interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.statistics import estimate


def columns(name: str, values: pd.Series[float]) -> dict[str, float]:
    """The three columns of one number, from its value at each seed; values that are nan do not count, and none at all give nan."""
    kept = values.dropna().tolist()
    found = estimate(kept)[:3] if kept else (math.nan, math.nan, math.nan)
    return dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))


def means(runs: pd.DataFrame, by: Sequence[str], of: Iterable[str]) -> pd.DataFrame:
    """One row a point, in the order in which the points come: `by`, how many `seeds`, and the columns of each number."""
    rows = []
    for key, group in runs.groupby(list(by), sort=False):
        row: dict[str, Any] = {**dict(zip(by, key, strict=True)), "seeds": len(group)}
        for name in of:
            row |= columns(name, group[name])
        rows.append(row)
    return pd.DataFrame(rows)


def cell(row: Mapping[Any, Any], name: str, scale: float = 1.0, digits: int = 0, width: int = 0) -> str:
    """A number of a row with its interval in brackets; each takes `width` characters at least."""
    mean, low, high = (f"{scale * row[f'{name}{end}']:{width or ''},.{digits}f}" for end in ("", "_low", "_high"))
    return f"{mean} [{low}, {high}]"


def write(out: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Each table as NAME.csv in a folder, which is made if it is not there."""
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False)
