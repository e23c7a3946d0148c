"""A sweep: one frozen value that is many runs. A base scenario, axes, replicates, what to record, and bounds on each run.

Its points are the product of its axes; every point is played on the same seeds, `first_seed` and up, so that any two points
are paired draw for draw. In a file `base` may be the name of a bundled scenario or of a file beside it; what is kept with the
results holds the scenario itself.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from experiments.axes.base import Axis, Label, Level
from experiments.codec import Decoder, Mistakes, decode, dumps
from experiments.overrides import varied
from experiments.scenario import Scenario, bundled, find, without
from experiments.shapes import BAD

OUR_COLUMNS = ("point", "replicate", "seed", "status", "error", "digest")
LEAST_MEMORY = 512.0  # MiB; a process that has imported everything holds about 300
MOST_RUNS = 10_000_000


@dataclass(frozen=True)
class Until:
    """Replicate every point until the 95 % interval of a column's mean is narrow: its half width, in its unit or of the mean.

    Seeds double from round to round, up to `most`. As always when one looks before deciding to stop, the interval of the
    last round covers a little less often than it says (Chow and Robbins 1965): begin with ten replicates or more.
    """

    column: str = "dex.bad_debt"
    half_width: float | None = None  # in the column's unit
    relative: float | None = 0.1  # of the mean's size; with both given, either will do
    most: int = 1_000

    def __post_init__(self) -> None:
        """Refuse widths that are never, or always, reached."""
        wrong = []
        if self.half_width is None and self.relative is None:
            wrong.append("half_width, relative: one of them must be given")
        for name, value in (("half_width", self.half_width), ("relative", self.relative)):
            if value is not None and not value > 0:
                wrong.append(f"{name} = {value:g}: must be above 0")
        if self.most < 2:
            wrong.append(f"most = {self.most}: must be 2 or more")
        if wrong:
            raise ValueError("\n".join(wrong))


@dataclass(frozen=True)
class Sweep:
    """`record`: patterns (`gain.*`) of the metrics to keep. `seconds`, `memory` (MiB): what one run may take; none: no bound.

    `part`: runs in a file of results; it changes how results are stored, and nothing else.
    """

    name: str = "sweep"
    about: str = ""
    base: Scenario | str = "stale-oracle"
    axes: tuple[Axis, ...] = ()
    replicates: int = 1
    first_seed: int = 1
    record: tuple[str, ...] = ("*",)
    until: Until | None = None
    seconds: float | None = None
    memory: float | None = None
    part: int = 100

    def __post_init__(self) -> None:
        """Refuse what no scenario is needed to see."""
        wrong = []
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", self.name):
            wrong.append(f"name = {self.name!r}: must be letters, digits, '.', '_' and '-', for it names a folder")
        for name, count in (("replicates", self.replicates), ("part", self.part)):
            if count < 1:
                wrong.append(f"{name} = {count}: must be 1 or more")
        most = self.until.most if self.until else self.replicates
        if self.until and self.until.most < self.replicates:
            wrong.append(
                f"until.most = {self.until.most}: must be {self.replicates} or more, as many as there are replicates"
            )
        if not 0 <= self.first_seed <= 2**63 - 1 - most:
            wrong.append(f"first_seed = {self.first_seed}: all seeds must be 0 to 2**63 - 1")
        if not self.record:
            wrong.append("record = []: must name something to keep, as in '*'")
        if self.seconds is not None and not self.seconds > 0:
            wrong.append(f"seconds = {self.seconds:g}: must be above 0")
        if self.memory is not None and not self.memory >= LEAST_MEMORY:
            wrong.append(
                f"memory = {self.memory:g}: must be {LEAST_MEMORY:g} MiB or more, as the program itself takes 300"
            )
        columns = [column for axis in self.axes for column in axis.levels()[0].labels]
        wrong += [f"axes: the column {c!r} stands twice" for c in sorted({c for c in columns if columns.count(c) > 1})]
        paths = [path for axis in self.axes for path in axis.levels()[0].changes]
        wrong += [f"axes: the path {p!r} stands twice" for p in sorted({p for p in paths if paths.count(p) > 1})]
        wrong += [f"axes: a column cannot be called {c!r}" for c in columns if c in OUR_COLUMNS]
        if wrong:
            raise ValueError("\n".join(wrong))

    def scenario(self, point: Point, replicate: int = 0, *, plugins: Collection[type] = ()) -> Scenario:
        """The scenario of one run. Raises Mistakes where the point's values do not go together."""
        assert isinstance(self.base, Scenario), "resolved"
        changed = varied(self.base, point.changes, plugins=plugins) if point.changes else self.base
        for role in point.absent:
            changed = without(changed, role)
        return dataclasses.replace(changed, seed=self.first_seed + replicate)


class Point(NamedTuple):
    """One setting of all axes."""

    number: int
    labels: dict[str, Label]
    changes: dict[str, Any]
    absent: tuple[str, ...]


class Design(NamedTuple):
    """A sweep, its scenario found and its axes laid out: all that is known before anything is played."""

    sweep: Sweep
    points: tuple[Point, ...]
    text: str  # the sweep as TOML, complete in itself
    digest: str  # of the text and the points
    plugins: tuple[type, ...] = ()  # classes that the sweep may name besides

    @property
    def columns(self) -> tuple[str, ...]:
        """What the axes' columns are called."""
        return tuple(self.points[0].labels)


def design(sweep: Sweep, *, home: Path = Path(), plugins: Collection[type] = ()) -> Design:
    """Find the scenario, lay out the axes, and see that every level leads somewhere. Raises Mistakes, all of them."""
    if isinstance(sweep.base, str):
        sweep = dataclasses.replace(sweep, base=base_of(sweep.base, home, plugins))
    assert isinstance(sweep.base, Scenario)
    wrong = _mistakes_of_levels(sweep.base, [(f"axes.{n}", axis) for n, axis in enumerate(sweep.axes)], plugins)
    if wrong:
        raise Mistakes(wrong)
    rows = [axis.levels() for axis in sweep.axes]
    total = 1
    for row in rows:
        total *= len(row)
    seeds = sweep.until.most if sweep.until else sweep.replicates
    if total * seeds > MOST_RUNS:
        raise Mistakes(
            [f"axes: {total:,} points on {seeds:,} seeds are {total * seeds:,} runs; {MOST_RUNS:,} are allowed"]
        )
    points = tuple(_joined(n, levels) for n, levels in enumerate(itertools.product(*rows)))
    text = dumps(sweep)
    labels = repr([list(point.labels.values()) for point in points])
    return Design(sweep, points, text, hashlib.sha256(f"{text}\0{labels}".encode()).hexdigest(), tuple(plugins))


def load(path: Path, *, plugins: Collection[type] = ()) -> Design:
    """The sweep that a TOML file describes. Raises Mistakes: all of the file, those of its paths among them."""
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise Mistakes([f"{path}: {(error.strerror or str(error)).lower()}"]) from error
    except UnicodeDecodeError as error:
        raise Mistakes([f"{path}: not UTF-8 (byte {error.start})"]) from error
    except (ValueError, RecursionError) as error:
        raise Mistakes([f"{path}: not TOML: {error}"]) from error
    try:
        sweep = decode(Sweep, data, plugins=plugins)
    except Mistakes as mistakes:
        raise Mistakes([*mistakes.lines, *_further(data, path.parent, plugins)]) from None
    if not {"base", "axes"} & data.keys():
        raise Mistakes([f"{path}: says neither base nor axes, so there is nothing to play"])
    return design(sweep, home=path.parent, plugins=plugins)


def base_of(name: str, home: Path, plugins: Collection[type]) -> Scenario:
    """A bundled scenario, or one from a file named from where the sweep's own file lies."""
    beside = home / name
    try:
        return find(name if name in bundled() or not beside.is_file() else str(beside), plugins=plugins)
    except Mistakes as mistakes:
        raise Mistakes([f"base: {line}" for line in mistakes.lines]) from None


def _further(data: Mapping[str, Any], home: Path, plugins: Collection[type]) -> list[str]:
    """Mistakes of a file that could not be read whole: of those axes that can be, against the scenario if that can be."""
    base = data.get("base", "stale-oracle")
    if isinstance(base, str):
        try:
            base = base_of(base, home, plugins)
        except Mistakes as mistakes:
            return list(mistakes.lines)
    else:
        base = Decoder(plugins).value(Scenario, base, "base")
    axes = data.get("axes", [])
    if base is BAD or not isinstance(axes, list):
        return []
    read = [(f"axes.{n}", Decoder(plugins).value(Axis, axis, f"axes.{n}")) for n, axis in enumerate(axes)]
    return _mistakes_of_levels(base, [(path, axis) for path, axis in read if axis is not BAD], plugins)


def _mistakes_of_levels(base: Scenario, axes: list[tuple[str, Axis]], plugins: Collection[type]) -> list[str]:
    """Why levels cannot be put anywhere: one that builds beside the first or the last levels of the others is good."""
    rows = [axis.levels() for _, axis in axes]
    wrong: list[str] = []
    for n, ((path, _), levels) in enumerate(zip(axes, rows, strict=True)):
        for level in levels:
            ends = [[row[end] for row in rows] for end in (0, -1)]
            lines: list[str] = []
            for trial in ([level], *([*end[:n], level, *end[n + 1 :]] for end in ends)):
                found = _why_not(base, _joined(0, trial), plugins)
                if not found:
                    break
                lines = lines or found
            else:
                wrong += [f"{path}: {line}" for line in lines]
            if len(wrong) > 20:  # a list of thousands that are all wrong is wrong once
                break
    return list({_without_value(line): line for line in reversed(wrong)}.values())[::-1]


def _without_value(line: str) -> str:
    """A complaint as it is about a path that leads nowhere, whatever was to be put there; any other as it is."""
    return re.sub(r" = [^:]*(?=: no such )", "", line)


def _why_not(base: Scenario, point: Point, plugins: Collection[type]) -> list[str]:
    try:
        Sweep(base=base).scenario(point, plugins=plugins)
    except Mistakes as mistakes:
        return list(mistakes.lines)
    return []


def _joined(index: int, levels: Collection[Level]) -> Point:
    labels: dict[str, Label] = {}
    changes: dict[str, Any] = {}
    absent: tuple[str, ...] = ()
    for level in levels:
        labels |= level.labels
        changes |= level.changes
        absent += level.absent
    return Point(index, labels, changes, absent)
