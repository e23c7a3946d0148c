"""Rows of runs as Parquet, with the unit of every column in its schema; the same rows give the same bytes."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.axes.base import Label
from experiments.columns import meaning
from experiments.sweeps.rows import Row
from experiments.sweeps.spec import Design

OURS = {
    "point": pa.int64(),
    "replicate": pa.int64(),
    "seed": pa.int64(),
    "status": pa.string(),
    "error": pa.string(),
    "digest": pa.string(),
}


def points_table(design: Design) -> pa.Table:
    """A row a point: its index, and the axes; numbers where all levels of an axis are, text otherwise."""
    columns: dict[str, list[Label]] = {name: [point.labels[name] for point in design.points] for name in design.columns}
    kinds = {"point": pa.int64()}
    for name, values in columns.items():
        numbers = all(isinstance(value, float) for value in values)
        kinds[name] = pa.float64() if numbers else pa.string()
        columns[name] = values if numbers else [v if isinstance(v, str) else f"{v:g}" for v in values]
    columns = {"point": [point.number for point in design.points], **columns}
    return pa.table(columns, schema=pa.schema([_field(name, kind) for name, kind in kinds.items()]))


def table(points: pa.Table, first_seed: int, sweep: str, rows: Sequence[Row]) -> pa.Table:
    """Rows in order: what each run is, the axes, and then whatever was recorded, by name. `sweep`: its digest."""
    numbers = sorted({name for row in rows for name in row.numbers})
    columns: dict[str, object] = {name: [getattr(row, name, 0) for row in rows] for name in OURS}
    columns["seed"] = [first_seed + row.replicate for row in rows]
    axes = points.take(pa.array([row.point for row in rows], pa.int64())).drop_columns("point")
    columns |= {name: axes[name] for name in axes.column_names}
    columns |= {name: [row.numbers.get(name, math.nan) for row in rows] for name in numbers}
    kinds = OURS | {name: axes.schema.field(name).type for name in axes.column_names}
    kinds |= dict.fromkeys(numbers, pa.float64())
    schema = pa.schema([_field(name, kind) for name, kind in kinds.items()], {"undertow.sweep": sweep})
    return pa.table({name: columns[name] for name in kinds}, schema=schema)


def to_bytes(found: pa.Table) -> bytes:
    """The bytes of a part."""
    sink = io.BytesIO()
    pq.write_table(found, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()


def frame(tables: Iterable[pa.Table], axes: Sequence[str]) -> pd.DataFrame:
    """One tidy frame of several tables: a row a run. A number that a run lacks is nan, an event that did not occur 0."""
    whole = pa.concat_tables(list(tables), promote_options="default")
    fixed = [*OURS, *axes]
    rest = sorted(set(whole.column_names) - set(fixed))
    found: pd.DataFrame = whole.select([*fixed, *rest]).to_pandas()
    found = found.sort_values(["point", "replicate"], ignore_index=True)
    counts = [name for name in rest if name.startswith("events.")]
    found.loc[found["status"] == "ok", counts] = found.loc[found["status"] == "ok", counts].fillna(0.0)
    return found


def _field(name: str, kind: pa.DataType) -> pa.Field:
    found = meaning(name)
    return pa.field(name, kind, metadata={"unit": found.unit, "about": found.about} if found else None)
