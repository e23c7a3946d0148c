"""Play a sweep: hand out runs, keep what comes back, and go on from whatever was kept before.

One process hands out and writes; workers, here or elsewhere, only play. A task is as many runs as take about two seconds, so that
no more than that is lost with a worker, and what handing out costs does not show.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import math
import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.cluster import Crew, Gone
from experiments.codec import Mistakes, dumps
from experiments.sources import brought, engine
from experiments.sweeps import folder as places
from experiments.sweeps import rounds, tables
from experiments.sweeps.arena import Slice, play_some
from experiments.sweeps.folder import Folder, Part
from experiments.sweeps.rows import NOTHING, Cell, Job, Row, Took, failed
from experiments.sweeps.spec import Design
from experiments.sweeps.versions import frozen, versions

ENOUGH = 2.0  # seconds of playing in a task
AHEAD = 2  # tasks handed out for each that is worked on, so that nobody waits
MOST_CELLS = 1_000  # runs in a task
WINDOW = 60  # looks, a second or more apart, over which the rate is taken


class Progress(NamedTuple):
    """How far a sweep is. `total` is of the rounds begun; `rate` in runs a second, nan at first; `left` in seconds.

    `took`: what the runs took that came back so far, in this playing.
    """

    done: int
    total: int
    failed: int
    rate: float
    left: float
    slots: int
    round: int
    took: Took


class Outcome(NamedTuple):
    """What a sweep came to: runs, those of them that went wrong, and the digest of the whole table."""

    runs: int
    failed: int
    digest: str


def play(
    design: Design,
    out: Path,
    *,
    hands: Callable[[], Crew],
    plugins: Sequence[Path] = (),
    told: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """Play what is missing of a sweep into its folder. Raises Mistakes, with everything finished kept.

    `hands` calls up a crew (`cluster.on_call`), and is not asked where nothing is missing.
    """
    files = tuple(str(path.resolve()) for path in plugins)
    manifest = manifest_of(design, files)
    places.check_free(out, manifest)
    sweep = design.sweep
    points = tables.points_table(design)
    beside = {
        places.SPEC: design.text.encode(),
        places.POINTS: tables.to_bytes(points),
        places.CONSTRAINTS: frozen().encode(),
    }
    blob = pickle.dumps(dataclasses.replace(sweep, axes=()))
    sources = manifest["engine"], manifest["plugins"]
    job = Job(design.digest, files, blob, sweep.seconds, sweep.memory, sources)
    with _kept_in(out), places.opened(out, manifest, beside) as folder:
        course = Course(design, folder, points, told)
        every: list[Part] = []
        number, cells = 0, rounds.first(sweep, len(design.points))
        while cells:
            parts = rounds.parts(sweep, number, cells)
            every += parts
            if course.begin(number, parts):
                course.play(job, hands())
            number += 1
            cells = rounds.following(sweep, number, course.values(every)) if sweep.until else []
        return Outcome(sum(len(part.cells) for part in every), course.failures(every), folder.close(every))


def manifest_of(design: Design, plugins: Sequence[str] = ()) -> dict[str, Any]:
    """What a folder of results says about itself. `plugins`: their files."""
    sweep = design.sweep
    return {
        "format": 1,
        "name": sweep.name,
        "about": sweep.about,
        "sweep": design.digest,
        "engine": engine(),
        "plugins": brought(plugins),
        "columns": list(design.columns),
        "points": len(design.points),
        "replicates": sweep.replicates,
        "most_replicates": sweep.until.most if sweep.until else sweep.replicates,
        "first_seed": sweep.first_seed,
        "versions": versions(),
    }


class Course:
    """One playing of a sweep: what is still to be played, and what has come back but does not fill a part yet."""

    def __init__(self, design: Design, folder: Folder, points: pa.Table, told: Callable[[Progress], None]) -> None:
        self.design, self.folder, self.points, self.told = design, folder, points, told
        self.number, self.done, self.total, self.wrong, self.played = 0, 0, 0, 0, 0
        self.looks: deque[tuple[float, int]] = deque(maxlen=WINDOW)  # when, and how many had been played
        self.pace = math.nan  # seconds a run, on one worker
        self.took = NOTHING
        self.waiting: deque[Cell] = deque()
        self.suspects: deque[Cell] = deque()  # runs whose workers died, to be played once more with nobody beside them
        self.alone: Cell | None = None
        self.home: dict[Cell, Part] = {}
        self.rows: dict[str, dict[Cell, Row]] = {}  # of parts that are not full, by name

    def begin(self, number: int, parts: Sequence[Part]) -> bool:
        """Take up a round where it was left; whether anything of it is missing."""
        self.number = number
        for part in parts:
            self.total += len(part.cells)
            if self.folder.finished(part):
                self.done += len(part.cells)
                continue
            rows = self.folder.journal(part)
            self.rows[part.name] = rows
            self.done += len(rows)
            self.wrong += sum(row.status != "ok" for row in rows.values())
            self.home |= dict.fromkeys(part.cells, part)
            self.waiting += [cell for cell in part.cells if cell not in rows]
            self._seal(part)
        return bool(self.waiting)

    def play(self, job: Job, hands: Crew) -> None:
        """Play everything that waits."""
        running: dict[Future[Slice], tuple[Cell, ...]] = {}
        try:
            while self.waiting or self.suspects or running:
                slots = hands.slots()
                if not self.waiting and not running:
                    self.alone = self.suspects.popleft()
                    self.waiting.append(self.alone)
                while self.waiting and len(running) < AHEAD * max(1, slots):
                    cells = self._take(slots)
                    points = pickle.dumps({cell.point: self.design.points[cell.point] for cell in cells})
                    running[hands.submit(play_some, job, points, cells, ENOUGH)] = cells
                for future in hands.done(running):
                    try:
                        self._take_back(future, running.pop(future))
                    except CancelledError:  # the scheduler was lost, and what it had been given
                        hands.find_again()
                self._tell(slots)
        except Gone as gone:
            raise Mistakes([f"{gone}; {self.done:,} finished runs are kept, run it again to go on"]) from None
        except BaseException:
            for future, cells in running.items():
                if future.done() and not future.cancelled() and future.exception() is None:
                    with contextlib.suppress(OSError, Mistakes):
                        self._take_back(future, cells)
                future.cancel()
            raise

    def values(self, parts: Sequence[Part]) -> dict[int, list[float]]:
        """By point, what the column that decides on replication came to, in the runs that gave it."""
        until = self.design.sweep.until
        assert until is not None
        values: dict[int, list[float]] = {point.number: [] for point in self.design.points}
        for part in parts:
            found = pq.read_table(self.folder.home / places.PARTS / part.name)
            if until.column in found.column_names:
                pairs = zip(found["point"].to_pylist(), found[until.column].to_pylist(), strict=True)
                for point, value in pairs:
                    if not math.isnan(value):
                        values[point].append(value)
        if not any(values.values()):
            raise Mistakes([f"until.column = {until.column!r}: no run has recorded it"])
        return {point: found for point, found in values.items() if found}

    def failures(self, parts: Sequence[Part]) -> int:
        """How many runs went wrong."""
        paths = [self.folder.home / places.PARTS / part.name for part in parts]
        return sum(s != "ok" for path in paths for s in pq.read_table(path, columns=["status"])["status"].to_pylist())

    # ------------------------------------------------------------------ handing out

    def _take(self, slots: int) -> tuple[Cell, ...]:
        fair = math.ceil(len(self.waiting) / (AHEAD * max(1, slots)))  # so that nobody is left with all of the rest
        count = 1 if math.isnan(self.pace) else round(ENOUGH / max(self.pace, ENOUGH / MOST_CELLS))
        return tuple(self.waiting.popleft() for _ in range(max(1, min(count, fair, len(self.waiting)))))

    def _take_back(self, future: Future[Slice], cells: tuple[Cell, ...]) -> None:
        from distributed.scheduler import KilledWorker

        try:
            found = future.result()
        except KilledWorker:
            # A task that was on several workers as they died. It is given out run by run, to find the culprit, and a run for
            # which they died is played once more when nothing else is at work: whatever a dead worker was given is blamed.
            if len(cells) > 1:
                self.waiting.extendleft(reversed(cells))
                self.pace = math.inf
                return
            if cells[0] != self.alone:
                self.suspects.append(cells[0])
                return
            died = failed(cells[0], "died", "every worker that played it died")
            found = Slice([died], {}, NOTHING._replace(clock=ENOUGH))
        except CancelledError:
            self.waiting.extendleft(reversed(cells))
            raise
        except RuntimeError as error:
            raise Mistakes([f"a worker cannot play: {error}"]) from error
        self.waiting.extendleft(reversed(cells[len(found.rows) :]))
        pace = found.took.clock / len(found.rows)
        self.pace = math.sqrt(self.pace * pace) if math.isfinite(self.pace) else pace  # the first loads, and is slow
        self.took = self.took.and_also(found.took)
        self._keep(found)

    def _keep(self, found: Slice) -> None:
        by_part: dict[Part, list[Row]] = {}
        for row in found.rows:
            cell = Cell(row.point, row.replicate)
            if row.status == "ok" and not row.numbers and not self._may_lack(cell):
                raise Mistakes([f"record = {list(self.design.sweep.record)}: a run measures nothing that is called so"])
            by_part.setdefault(self.home[cell], []).append(row)
            if row.status != "ok":
                self.wrong += 1
                self.folder.fail(cell, self._scenario(cell), found.traces.get(cell, ""))
        for part, rows in by_part.items():
            self.folder.keep(part, rows)
            self.rows[part.name] |= {Cell(row.point, row.replicate): row for row in rows}
            self.done += len(rows)
            self.played += len(rows)
            self._seal(part)

    def _may_lack(self, cell: Cell) -> bool:
        """Whether a run may have nothing of what is recorded: events need not occur, and who is absent gains nothing."""
        return any(map(_of_events, self.design.sweep.record)) or bool(self.design.points[cell.point].absent)

    def _seal(self, part: Part) -> None:
        rows = self.rows[part.name]
        if len(rows) < len(part.cells):
            return
        ordered = [rows[cell] for cell in part.cells]
        found = tables.table(self.points, self.design.sweep.first_seed, self.design.digest, ordered)
        self.folder.seal(part, tables.to_bytes(found))
        del self.rows[part.name]
        for cell in part.cells:
            del self.home[cell]

    def _scenario(self, cell: Cell) -> str:
        try:
            point, plugins = self.design.points[cell.point], self.design.plugins
            return dumps(self.design.sweep.scenario(point, cell.replicate, plugins=plugins))
        except Mistakes:
            return ""

    def _tell(self, slots: int) -> None:
        if self.played and (not self.looks or time.monotonic() - self.looks[-1][0] > 1.0):
            self.looks.append((time.monotonic(), self.played))
        (since, before) = self.looks[0] if self.looks else (math.nan, 0)
        spent = time.monotonic() - since
        rate = (self.played - before) / spent if self.played > before and spent > 0 else math.nan
        left = (self.total - self.done) / rate
        self.told(Progress(self.done, self.total, self.wrong, rate, left, slots, self.number, self.took))


def _of_events(pattern: str) -> bool:
    """Whether a pattern may be about events only, which need not occur."""
    return fnmatch.fnmatchcase("events.", pattern.partition(".")[0] + ".")


@contextlib.contextmanager
def _kept_in(out: Path) -> Iterator[None]:
    """What the disk refuses is one line: everything finished before is kept."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        words = (error.strerror or str(error)).lower()
        raise Mistakes(
            [f"--out {out}: {words}; finished runs are kept, make room and run it again to go on"]
        ) from error
