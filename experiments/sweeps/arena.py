"""Where runs are played: a child process that is started, watched, and stopped when a run takes too long or too much.

The bounds are the watcher's to enforce, from outside, so that nothing that a run does can get round them. A run that is found
over its memory in a process that has played before is played again in a fresh one before it is judged, so that what is
recorded does not depend on what came before; so is one whose process has died. There is one arena a thread of a worker.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import NamedTuple

import psutil

from experiments.sweeps.rows import ROOT, Cell, Job, Row, failed

SETTLING = 5.0  # seconds that the first run of a process may take longer, while it loads what was compiled before
LOOK = 0.1  # seconds between two looks at a run
START = 600.0  # seconds that a process may take to come up
MEGABYTE = 2.0**20


class Slice(NamedTuple):
    """What a worker hands back: rows, tracebacks of those that went wrong, the engine, and the seconds that a run took."""

    rows: list[Row]
    traces: dict[Cell, str]
    engine: str
    pace: float


class Stopped(Exception):
    """A run's process was stopped, or ended by itself."""

    def __init__(self, status: str, error: str) -> None:
        super().__init__(error)
        self.status, self.error = status, error


class Arena:
    """One child process, replaced when it is gone."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.line: Connection | None = None
        self.engine = ""
        self.job = ""
        self.points = b""
        self.played = 0  # runs of the present process
        self.took = 0.0  # seconds of the last run, starting a process apart

    def play(self, job: Job, points: bytes, cell: Cell) -> tuple[Row, str]:
        """Play one run of a sweep under its bounds."""
        for fresh in (False, True):
            if fresh:
                self.close()
            self._seat(job, points)
            new = self.played == 0
            begun = time.monotonic()
            try:
                return self._watched(job, cell)
            except Stopped as stopped:
                self.close()
                if new or stopped.status == "late":
                    return failed(cell, stopped.status, stopped.error), ""
            finally:
                self.took = time.monotonic() - begun
        raise AssertionError("a fresh process is new")

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
                _, self.engine = self.line.recv()
            except EOFError:
                raise RuntimeError("the process that plays cannot start: see the worker's log") from None
        assert self.line is not None
        if self.job != job.key:
            self.line.send(("job", job))
            self.job = job.key
        if self.points != points:
            self.line.send(("points", points))
            self.points = points

    def _watched(self, job: Job, cell: Cell) -> tuple[Row, str]:
        assert self.child is not None
        assert self.line is not None
        process = psutil.Process(self.child.pid)
        left = None if job.seconds is None else job.seconds + (SETTLING if self.played == 0 else 0.0)
        since, compiling = time.monotonic(), False
        try:
            self.line.send(("play", cell))
            while True:
                if self.line.poll(LOOK):
                    what, *details = self.line.recv()
                    if what == "done":
                        self.played += 1
                        row, trace = details
                        return row, trace
                    if what == "unable":
                        raise RuntimeError(details[0])
                    now = time.monotonic()
                    if what == "compiling" and left is not None:
                        left -= now - since
                    compiling, since = what == "compiling", now
                    continue
                if left is not None and not compiling and time.monotonic() - since > left:
                    raise Stopped("late", f"took more than {job.seconds:g} seconds")
                if job.memory is not None and process.memory_info().rss > job.memory * MEGABYTE:
                    raise Stopped("memory", f"took more than {job.memory:g} MiB")
        except (EOFError, OSError, psutil.NoSuchProcess):
            raise Stopped("died", "its process died while it was played") from None


_HERE = threading.local()  # the arena of this thread, kept from task to task as its child is dear to start


def play_some(job: Job, points: bytes, cells: tuple[Cell, ...], enough: float) -> Slice:
    """Play runs in order until `enough` seconds are spent; at least one. `points`: those of the cells by index, pickled."""
    if not hasattr(_HERE, "arena"):
        _HERE.arena = Arena()
    arena: Arena = _HERE.arena
    rows: list[Row] = []
    traces: dict[Cell, str] = {}
    begun, spent = time.monotonic(), 0.0
    for cell in cells:
        row, trace = arena.play(job, points, cell)
        spent += arena.took
        rows.append(row)
        if trace:
            traces[cell] = trace
        if time.monotonic() - begun >= enough:
            break
    return Slice(rows, traces, arena.engine, spent / len(rows))


def leave() -> None:
    """End the child of this thread, if there is one."""
    with contextlib.suppress(AttributeError):
        _HERE.arena.close()
        del _HERE.arena
