"""The process that plays: a child of a worker, so that a run may be stopped, or die, without taking anybody else along.

It is told whole sweeps once and then runs by number, answers with rows, and says when the compiler is at work, so that nobody
counts that as the run's time. It ends with its parent: a thread waits for the end of standard input.
"""

from __future__ import annotations

import fnmatch
import math
import os
import pickle
import sys
import threading
import time
import traceback
from collections.abc import Collection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from numba.core import event

from experiments.codec import Mistakes
from experiments.run import run
from experiments.scenario import Scenario
from experiments.sources import brought, engine
from experiments.sweeps.rows import Cell, Job, Row, Took, failed
from experiments.sweeps.spec import Point, Sweep
from experiments.wishes import plugins_in

OTHER = "it has another version of the engine, or of a plugin"


def main(handle: int) -> None:
    """Serve a parent over an inherited socket until it is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    parent = Connection(handle)
    _report_compiling(parent)
    parent.send(("ready",))
    sweep: Sweep
    points: dict[int, Point] = {}
    plugins: tuple[type, ...] = ()
    while True:
        try:
            what, *details = parent.recv()
        except EOFError:
            return
        if what == "job":
            job: Job = details[0]
            try:
                plugins = plugins_in([Path(name) for name in job.plugins])
                sweep = pickle.loads(job.blob)
            except Exception as error:  # a file or a module that is not on this machine
                parent.send(("unable", f"{type(error).__name__}: {error}"))
                return
            if (engine(), brought(job.plugins)) != job.sources:
                parent.send(("unable", OTHER))
                return
        elif what == "points":
            points = pickle.loads(details[0])
        else:
            cells, enough = details
            until = time.monotonic() + enough
            for cell in cells:
                clock, cpu = time.perf_counter(), time.process_time()
                row, trace = attempt(sweep, points[cell.point], cell, plugins=plugins)
                took = Took(time.perf_counter() - clock, time.process_time() - cpu)
                parent.send(("done", row, trace, took))
                if time.monotonic() >= until:
                    break
            parent.send(("over",))


def attempt(sweep: Sweep, point: Point, cell: Cell, *, plugins: Collection[type] = ()) -> tuple[Row, str]:
    """Play one run, and say what became of it; with the traceback if it went wrong."""
    try:
        scenario = sweep.scenario(point, cell.replicate, plugins=plugins)
        digest, numbers = measured(scenario, sweep.record)
        return Row(*cell, "ok", "", digest, numbers), ""
    except Mistakes as mistakes:
        return failed(cell, "refused", "; ".join(mistakes.lines)), traceback.format_exc()
    except MemoryError as error:
        return failed(cell, "memory", f"MemoryError: {error}"), traceback.format_exc()
    except Exception as error:  # whatever a rule or a role of the user's does
        return failed(cell, "raised", f"{type(error).__name__}: {error}"), traceback.format_exc()


def measured(scenario: Scenario, record: Collection[str]) -> tuple[str, dict[str, float]]:
    """Play a scenario: its digest, and those of its metrics and counts of events that are asked for."""
    found = run(scenario)
    numbers = {name: math.nan if value is None else float(value) for name, value in found.metrics.items()}
    numbers |= {f"events.{kind}": float(n) for kind, n in found.events["kind"].value_counts().items()}
    kept = {name: value for name, value in sorted(numbers.items()) if any(fnmatch.fnmatchcase(name, p) for p in record)}
    return found.digest, kept


def _report_compiling(parent: Connection) -> None:
    depth = 0

    class Reporter(event.Listener):
        def on_start(self, _: Any) -> None:
            nonlocal depth
            depth += 1
            if depth == 1:
                parent.send(("compiling",))

        def on_end(self, _: Any) -> None:
            nonlocal depth
            depth -= 1
            if depth == 0:
                parent.send(("compiled",))

    event.register("numba:compile", Reporter())


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)
