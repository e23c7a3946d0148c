"""Results of a sweep in one line: `load("results/window")` is a tidy frame, a row a run.

Columns are documented in `experiments.columns`, and their units travel in the files; `units(frame)` names them. What is not
finished yet is simply not there; every part that is read is held against its digest first.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.codec import Mistakes, unknown
from experiments.columns import meaning
from experiments.statistics import difference, estimate, flip_interval, holm, share
from experiments.sweeps import tables
from experiments.sweeps.folder import (
    COMPLETE,
    JOURNAL,
    MANIFEST,
    PARTS,
    POINTS,
    corrupt,
    not_ours,
    read_digests,
    read_journal,
    read_manifest,
    sha256,
)
from experiments.sweeps.rows import Row

NEAR = 5  # names that a complaint about another tells
CONTRASTS = (
    "p: flips of signs, each paired difference taken alone; low, high: the shifts that it would not reject at 0.05, so that 0 lies "
    "outside where p <= 0.05 (no end below six pairs); p_holm: Holm among the rows, which decides."
)


def load(folder: str | Path) -> pd.DataFrame:
    """Every finished run of a sweep, in order; also while it is being played. Raises Mistakes where a part is not whole."""
    home = Path(folder)
    manifest = read_manifest(home)
    found, rows, wrong = _read(home)
    if wrong:
        raise Mistakes(wrong)
    if rows or not found:
        try:
            points = pq.read_table(home / POINTS)
        except (OSError, pa.ArrowInvalid):
            raise Mistakes([not_ours(home / POINTS)]) from None
        found.append(tables.table(points, manifest["first_seed"], manifest["sweep"], rows))
    return tables.frame(found, manifest["columns"])


def units(frame: pd.DataFrame) -> dict[str, str]:
    """The unit of every column that has one; those of axes are their fields' own."""
    return {str(name): found.unit for name in frame.columns if (found := meaning(str(name)))}


class Standing(NamedTuple):
    """How far a folder is: its manifest, finished runs, of how many at least, whether that is all, and what is wrong with it."""

    manifest: dict[str, Any]
    runs: int
    total: int
    complete: bool
    failures: dict[str, int]
    wrong: list[str]


def standing(folder: Path) -> Standing:
    """How far a folder is, every part held against its digest. Raises Mistakes if it is none."""
    manifest = read_manifest(folder)
    found, rows, wrong = _read(folder)
    status = [s for part in found for s in part["status"].to_pylist()] + [row.status for row in rows]
    failures = {word: status.count(word) for word in sorted(set(status) - {"ok"})}
    total = manifest["points"] * manifest["replicates"]
    complete = (folder / COMPLETE).exists() and not wrong
    if complete:
        try:
            total = int(json.loads((folder / COMPLETE).read_bytes())["runs"])
        except (ValueError, KeyError, TypeError):
            wrong.append(not_ours(folder / COMPLETE))
        wrong += [f"{folder}: {total - len(status):,} of {total:,} runs are missing"] if len(status) < total else []
    return Standing(manifest, len(status), max(total, len(status)), complete and not wrong, failures, wrong)


def sweeps_in(folder: Path) -> list[Path]:
    """The folder itself if it holds results of a sweep, or those in it that do."""
    if (folder / MANIFEST).exists():
        return [folder]
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []


def axes_of(folder: Path) -> list[str]:
    """The columns that say which point a run is of."""
    return list(read_manifest(folder)["columns"])


def summary(frame: pd.DataFrame, axes: Sequence[str], column: str) -> pd.DataFrame:
    """A row a point: the axes, the mean of a column with its interval, and how many runs it is of.

    A point at which no run went wrong and none recorded the column (somebody is absent there) has no row.
    """
    require(frame, column)
    rows = []
    for _, group in frame.groupby("point", sort=True):
        row: dict[str, Any] = {name: group[name].iloc[0] for name in axes}
        values = group[column].dropna().tolist()
        found = estimate(values) if values else None
        row |= (
            {"mean": found.mean, "low": found.low, "high": found.high}
            if found
            else dict.fromkeys(("mean", "low", "high"), math.nan)
        )
        failed = int((group["status"] != "ok").sum())
        if found or failed:
            rows.append(row | {"runs": len(values), "failed": failed})
    return pd.DataFrame(rows)


def rates(frame: pd.DataFrame, axes: Sequence[str], column: str, above: float = 0.0) -> pd.DataFrame:
    """A row a point: how often a column is above a value, with the exact (Clopper-Pearson) interval."""
    require(frame, column)
    rows = []
    for _, group in frame[frame["status"] == "ok"].groupby("point", sort=True):
        values = group[column].dropna()
        if len(values):
            found = share(int((values > above).sum()), len(values))
            row = {name: group[name].iloc[0] for name in axes}
            rows.append(row | {"rate": found.mean, "low": found.low, "high": found.high, "runs": found.seeds})
    return pd.DataFrame(rows)


def contrasts(frame: pd.DataFrame, axes: Sequence[str], column: str, axis: str, against: float | str) -> pd.DataFrame:
    """What every other level of an axis has over one, paired by seed, at every setting of the other axes.

    `p` is by flipping signs, each difference taken alone, `low` and `high` are the interval of that very test; `p_holm` is among
    all rows of the table.
    """
    require(frame, column)
    if axis not in axes:
        raise Mistakes([unknown(f"{axis}: is no axis of this sweep", axis, axes)])
    levels = frame[axis].unique().tolist()
    if against not in levels:
        raise Mistakes([f"{axis} = {against}: no such level (there is: {', '.join(map(str, levels))})"])
    others = [name for name in axes if name != axis]
    good = frame[frame["status"] == "ok"].dropna(subset=[column])
    rows: list[dict[str, Any]] = []
    for key, group in good.groupby(others, sort=False) if others else [((), good)]:
        base = group[group[axis] == against].set_index("replicate")[column]
        for level in levels:
            pairs = group[group[axis] == level].set_index("replicate")[[column]].join(base.rename("base"), how="inner")
            if level == against or pairs.empty:
                continue
            found = difference(pairs[column].tolist(), pairs["base"].tolist())
            low, high = flip_interval((pairs[column] - pairs["base"]).tolist())
            row = dict(zip(others, key if isinstance(key, tuple) else (key,), strict=True)) | {axis: level}
            rows.append(
                row
                | {
                    "difference": found.estimate.mean,
                    "low": low,
                    "high": high,
                    "pairs": len(pairs),
                    "p": found.p,
                }
            )
    table = pd.DataFrame(rows)
    if rows:
        table["p_holm"] = holm(table["p"].tolist())
    return table


def require(frame: pd.DataFrame, column: str) -> None:
    """Refuse a column that is not there, or is no number."""
    numbers = [str(c) for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c]) and c not in tables.OURS]
    if column not in numbers:
        near = difflib.get_close_matches(column, numbers, n=NEAR, cutoff=0.0)
        words = unknown(f"{column}: no such number was recorded", column, near)
        raise Mistakes([f"{words.removesuffix(')')}; --columns lists all {len(numbers)})" if near else words])


def unrecorded(frame: pd.DataFrame, column: str) -> int:
    """At how many points no run has recorded a column, as where somebody is absent."""
    return int(frame.groupby("point")[column].count().eq(0).sum())


def export(frame: pd.DataFrame, path: Path, of: Path | None = None) -> None:
    """Write a frame as one file: CSV, Parquet or JSON lines, by its name; not into the folder `of` results. Raises Mistakes."""
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": lambda to: frame.to_csv(to, index=False),
        ".parquet": lambda to: frame.to_parquet(to, index=False),
        ".jsonl": lambda to: frame.replace({np.nan: None}).to_json(to, orient="records", lines=True),
    }
    if path.suffix not in writers:
        raise Mistakes([f"--export {path}: must end in {', '.join(writers)}"])
    if of is not None and path.resolve().is_relative_to(of.resolve()):
        raise Mistakes(
            [f"--export {path}: lies in {of}, which is for what the sweep itself writes; take another place"]
        )
    if not path.parent.is_dir():
        raise Mistakes([f"--export {path}: no such folder as {path.parent}"])
    partial = path.with_name(path.name + ".partial")
    try:
        writers[path.suffix](partial)
        partial.replace(path)
    except OSError as error:
        raise Mistakes([f"--export {path}: {(error.strerror or str(error)).lower()}"]) from error
    finally:
        with contextlib.suppress(OSError):  # nothing can be there where nothing could be written
            partial.unlink()


def _read(home: Path) -> tuple[list[pa.Table], list[Row], list[str]]:
    """The parts that are whole, the rows of those that are not full yet, and a complaint about each that is not whole.

    Journals come first: one that is gone a moment later has become a part.
    """
    journals = {path.stem: read_journal(path)[0] for path in sorted((home / JOURNAL).glob("*.jsonl"))}
    found, wrong = [], []
    for name, digest in sorted(read_digests(home).items()):
        path = home / PARTS / name
        if not path.exists():
            continue
        journals.pop(name, None)
        data = path.read_bytes()
        if sha256(data) != digest:
            wrong.append(corrupt(path))
        else:
            found.append(pq.read_table(pa.BufferReader(data)))
    return found, [row for rows in journals.values() for row in rows], wrong
