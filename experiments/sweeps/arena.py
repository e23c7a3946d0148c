"""Where runs are played: a child process that is started, watched, and stopped when a run takes too long or too much.

The bounds are the watcher's to enforce, from outside, so that nothing that a run does can get round them. A run that is found
over its memory in a process that has played before is played again in a fresh one before it is judged, so that what is
recorded does not depend on what came before; so is one whose process has died. Runs are handed to the child many at a time, and
it tells of each as it ends, so that it never waits for its watcher. There is one arena a thread of a worker.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

import psutil

from experiments.sources import ROOT
from experiments.sweeps.rows import NOTHING, Cell, Job, Row, Took, failed

SETTLING = 5.0  # seconds that the first run of a process may take longer, while it loads what was compiled before
LOOK = 0.1  # seconds between two looks at a run
START = 600.0  # seconds that a process may take to come up
MEGABYTE = 2.0**20


class Slice(NamedTuple):
    """What a worker hands back: rows, tracebacks of those that went wrong, and seconds that the runs took."""

    rows: list[Row]
    traces: dict[Cell, str]
    took: Took


class Stopped(Exception):
    """A run's process was stopped, or ended by itself."""

    def __init__(self, status: str, error: str, clock: float) -> None:
        super().__init__(error)
        self.status, self.error, self.clock = status, error, clock


class Arena:
    """One child process, replaced when it is gone."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.line: Connection | None = None
        self.job = ""
        self.points = b""
        self.played = 0  # runs of the present process

    def play(
        self, job: Job, points: bytes, cells: Sequence[Cell], enough: float = math.inf
    ) -> Iterator[tuple[Row, str, Took]]:
        """Play runs of a sweep in order, each under its bounds, until `enough` seconds are spent; at least one."""
        rest, until, none = deque(cells), time.monotonic() + enough, True
        while rest and (none or time.monotonic() < until):
            self._seat(job, points)
            try:
                for result in self._watched(job, tuple(rest), until - time.monotonic()):
                    rest.popleft()
                    none = False
                    yield result
                return
            except Stopped as stopped:  # at what comes next
                new = self.played == 0
                self.close()
                if new or stopped.status == "late":
                    none = False
                    yield (
                        failed(rest.popleft(), stopped.status, stopped.error),
                        "",
                        NOTHING._replace(clock=stopped.clock),
                    )

    def close(self) -> None:
        """End the child."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            assert self.child.stdin is not None
            self.child.stdin.close()
        if self.line is not None:
            self.line.close()
        self.child = self.line = None

    def _seat(self, job: Job, points: bytes) -> None:
        """Have a child that knows the job and the points."""
        if self.child is None:
            ours, theirs = socket.socketpair()
            with theirs:
                code = f"from experiments.sweeps.stage import main; main({theirs.fileno()})"
                path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
                self.child = subprocess.Popen(
                    [sys.executable, "-c", code],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=os.environ | {"PYTHONPATH": path},
                    start_new_session=True,
                )
            self.line = Connection(ours.detach())
            self.played, self.job, self.points = 0, "", b""
            if not self.line.poll(START):
                raise RuntimeError("the process that plays does not come up")
            try:
                self.line.recv()
            except EOFError:
                raise RuntimeError("the process that plays cannot start: see the worker's log") from None
        assert self.line is not None
        if self.job != job.key:
            self.line.send(("job", job))
            self.job = job.key
        if self.points != points:
            self.line.send(("points", points))
            self.points = points

    def _watched(self, job: Job, cells: tuple[Cell, ...], enough: float) -> Iterator[tuple[Row, str, Took]]:
        """What comes back of runs that are handed over together: the child waits for nobody between them."""
        assert self.child is not None
        assert self.line is not None
        process = psutil.Process(self.child.pid)
        begun = since = looked = time.monotonic()
        left, compiling = self._bound(job), False
        try:
            self.line.send(("play", cells, enough))
            while True:
                if self.line.poll(LOOK):
                    what, *details = self.line.recv()
                    now = time.monotonic()
                    if what == "over":
                        return
                    if what == "unable":
                        raise RuntimeError(details[0])
                    if what == "done":
                        self.played += 1
                        begun, left, compiling = now, self._bound(job), False
                        row, trace, took = details
                        yield row, trace, took
                    elif what == "compiling":
                        left, compiling = left - (now - since), True
                    else:
                        compiling = False
                    since = now
                elif not compiling and time.monotonic() - since > left:
                    raise Stopped("late", f"took more than {job.seconds:g} seconds", time.monotonic() - begun)
                if job.memory is not None and time.monotonic() - looked >= LOOK:
                    looked = time.monotonic()
                    if process.memory_info().rss > job.memory * MEGABYTE:
                        raise Stopped("memory", f"took more than {job.memory:g} MiB", looked - begun)
        except (EOFError, OSError, psutil.NoSuchProcess):
            raise Stopped("died", "its process died while it was played", time.monotonic() - begun) from None

    def _bound(self, job: Job) -> float:
        """Seconds that the next run may take."""
        return math.inf if job.seconds is None else job.seconds + (SETTLING if self.played == 0 else 0.0)


_HERE = threading.local()  # the arena of this thread, kept from task to task as its child is dear to start


def play_some(job: Job, points: bytes, cells: tuple[Cell, ...], enough: float) -> Slice:
    """Play runs in order until `enough` seconds are spent; at least one. `points`: those of the cells by index, pickled."""
    if not hasattr(_HERE, "arena"):
        _HERE.arena = Arena()
    arena: Arena = _HERE.arena
    rows: list[Row] = []
    traces: dict[Cell, str] = {}
    total = NOTHING
    for row, trace, took in arena.play(job, points, cells, enough):
        rows.append(row)
        total = total.and_also(took)
        if trace:
            traces[Cell(row.point, row.replicate)] = trace
    return Slice(rows, traces, total)


def leave() -> None:
    """End the child of this thread, if there is one."""
    with contextlib.suppress(AttributeError):
        _HERE.arena.close()
        del _HERE.arena
