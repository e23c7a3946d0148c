"""Klines: recorded bars in the column layout of Binance, read from CSV or Parquet and refused when they are wrong.

The columns `open_time`, `open`, `high`, `low` and `close` are read by name from a header; others are ignored. Times
are Unix, in milliseconds or microseconds (told apart by their size: spot files changed in 2025). A complaint names the
file, the line (the row, in Parquet, counted from 1) and the column.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from agents.streams import Floats

_COLUMNS = ("open_time", "open", "high", "low", "close")
_MICROSECONDS_FROM = 1e14  # as milliseconds this would be the year 5138


@dataclass(frozen=True)
class Bars:
    """Bars without gaps, of one asset."""

    file: str
    opened: Floats  # [bars], Unix seconds
    prices: Floats  # [bars, 4]: open, high, low, close, in cash per unit
    length: float  # seconds a bar

    def index(self, begin: int | str) -> int:
        """Which bar `begin` names: its index, or the ISO time at which it opens (UTC unless it says otherwise)."""
        bars = len(self.opened)
        if isinstance(begin, int):
            if not 0 <= begin < bars:
                raise ValueError(f"begin={begin}: {self.file} has bars 0 to {bars - 1}")
            return begin
        time = moment(begin).timestamp()
        found = int(np.searchsorted(self.opened, time))
        if found == bars or self.opened[found] != time:
            first, last = (datetime.fromtimestamp(t, UTC).isoformat() for t in (self.opened[0], self.opened[-1]))
            raise ValueError(f"begin={begin!r}: no bar of {self.file} opens then; they open from {first} to {last}")
        return found


def moment(begin: str) -> datetime:
    """The time an ISO string names, in UTC unless it says otherwise."""
    try:
        time = datetime.fromisoformat(begin)
    except ValueError:
        raise ValueError(f"begin={begin!r}: must be the index of a bar or an ISO time") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def load(file: str) -> Bars:
    """Read and check one file."""
    if Path(file).suffix.lower() in (".parquet", ".pq"):
        cells, lines = _read_parquet(file)
    else:
        cells, lines = _read_csv(file)
    if len(lines) < 2:
        raise ValueError(f"{file}: {len(lines)} bars; at least 2 are needed to know how long a bar is")
    columns = {name: _numbers(file, name, cells[name], lines) for name in _COLUMNS}

    opened = columns["open_time"] / (1e6 if columns["open_time"][0] >= _MICROSECONDS_FROM else 1e3)
    length = _spacing(file, opened, lines)
    _check_prices(file, columns, lines)
    return Bars(file, opened, np.column_stack([columns[name] for name in _COLUMNS[1:]]), length)


def _read_csv(file: str) -> tuple[dict[str, list[object]], list[str]]:
    cells: dict[str, list[object]] = {name: [] for name in _COLUMNS}
    lines: list[str] = []
    with Path(file).open(newline="", encoding="utf-8-sig") as source:
        reader = csv.reader(source)
        header = next(reader, [])
        _require_columns(file, header)
        places = [(cells[name], header.index(name)) for name in _COLUMNS]
        for row in reader:
            if not row:
                continue
            lines.append(f"line {reader.line_num}")
            for column, place in places:
                column.append(row[place] if place < len(row) else "")
    return cells, lines


def _read_parquet(file: str) -> tuple[dict[str, list[object]], list[str]]:
    from pyarrow import parquet  # here, because it is slow to import and a run on CSV does without

    _require_columns(file, parquet.read_schema(file).names)
    table = parquet.read_table(file, columns=list(_COLUMNS))
    return {name: table[name].to_pylist() for name in _COLUMNS}, [f"row {i + 1}" for i in range(table.num_rows)]


def _require_columns(file: str, header: Sequence[str]) -> None:
    for name in _COLUMNS:
        if name not in header:
            shown = ", ".join(header) or "nothing"
            raise ValueError(f"{file}: line 1: column {name!r} is missing; found {shown}")


def _numbers(file: str, name: str, cells: Sequence[object], lines: Sequence[str]) -> Floats:
    numbers = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            numbers[i] = float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            numbers[i] = math.nan
        if not 0 < numbers[i] < math.inf:
            raise ValueError(f"{file}: {lines[i]}, column {name!r}: {cell!r} is not a positive number")
    return numbers


def _spacing(file: str, opened: Floats, lines: Sequence[str]) -> float:
    steps = np.diff(opened)
    backward = np.flatnonzero(steps <= 0)
    if len(backward):
        raise ValueError(f"{file}: {lines[backward[0] + 1]}, column 'open_time': not after the line before")
    length = float(np.sort(steps)[(len(steps) - 1) // 2])  # the median: complain about the odd line
    odd = np.flatnonzero(steps != length)
    if len(odd):
        i = int(odd[0])
        kind = "a gap" if steps[i] > length else "an overlap"
        where = f"{file}: {lines[i + 1]}, column 'open_time'"
        raise ValueError(f"{where}: {kind}: opens {steps[i]:g} s after the line before, and bars last {length:g} s")
    return length


def _check_prices(file: str, columns: dict[str, Floats], lines: Sequence[str]) -> None:
    high, low = columns["high"], columns["low"]
    for name in ("open", "close", "high"):
        wrong = np.flatnonzero((columns[name] < low) | (columns[name] > high))
        if len(wrong):
            i = int(wrong[0])
            price = f"{columns[name][i]:g} is outside low {low[i]:g} to high {high[i]:g}"
            raise ValueError(f"{file}: {lines[i]}, column {name!r}: {price}")
