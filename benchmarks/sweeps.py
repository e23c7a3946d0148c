"""What a sweep costs beyond its runs, and whether memory stays flat: `python -m benchmarks.sweeps [--quick] [--milliseconds 50]`.

Overhead: one sweep on one worker, from the call to the last digest on disk, over the seconds that its runs took where they were
played; both are measured in the same go, so that whatever else the machine does slows both. Beside it the same of processor
time, of all processes that take part. Processes are up and have compiled before the count begins, and runs are made as long as
asked for: the shorter they are, the more shows of what goes on between them. Memory: a sweep of 10,000 short runs, and what the
process that plays, the worker and the driver hold as it goes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from experiments.axes.table import Table
from experiments.cluster import Crew, on_call
from experiments.scenario import find
from experiments.sweeps.driver import Progress, play
from experiments.sweeps.spec import Sweep, design

DURATION = 1_800.0  # seconds played, before it is known how long that takes
GOAL = 50.0  # milliseconds that a run is to take
SHORT = 60.0  # the same for memory
WARM = 20  # runs before anything is counted
MEGABYTE = 2.0**20


class Cost(NamedTuple):
    """Of a sweep on one worker: seconds a run, and what the sweep took over what its runs took."""

    run: float
    clock: float  # ratio of seconds by the clock
    cpu: float  # ratio of processor seconds


class Held(NamedTuple):
    """MiB held after so many runs."""

    runs: int
    stage: float  # the process that plays
    worker: float
    driver: float


def sweep(runs: int, duration: float, first_seed: int = 1) -> Sweep:
    """So many runs of one point."""
    axes = (Table(rows=((duration,),)),)
    return Sweep("bench", base=find("stale-oracle"), axes=axes, replicates=runs, first_seed=first_seed)


@contextmanager
def warm(duration: float) -> Iterator[tuple[Crew, Path]]:
    """A crew of one that has played, and a folder that goes away."""
    with tempfile.TemporaryDirectory() as home, on_call(1) as hands:
        crew = hands()
        _play(sweep(WARM, duration), Path(home) / "warm", crew)
        yield crew, Path(home)


def cost(crew: Crew, home: Path, runs: int, duration: float) -> Cost:
    """Play a sweep and hold it against its runs."""
    with tempfile.TemporaryDirectory(dir=home) as out:
        cpu, clock = _spent(), time.perf_counter()
        took = _play(sweep(runs, duration, 1 + WARM), Path(out) / "cost", crew).took
        clock, cpu = time.perf_counter() - clock, _spent() - cpu
    return Cost(took.clock / runs, clock / took.clock, cpu / took.cpu)


def lasting(crew: Crew, home: Path, milliseconds: float, runs: int = WARM) -> float:
    """Seconds to play so that a run takes about that long here and now."""
    duration = DURATION
    for _ in range(2):  # for what a run takes before its first block is in the first look too
        duration = max(12.0, duration * milliseconds / 1e3 / cost(crew, home, runs, duration).run)
    return duration


def memory(crew: Crew, home: Path, runs: int, duration: float, spacing: float = 2.0) -> list[Held]:
    """What everybody holds while a sweep is played, at looks that are `spacing` seconds apart or more."""
    held: list[Held] = []
    last, who = -spacing, _processes()

    def look(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= spacing or progress.done == progress.total:
            last = time.monotonic()
            held.append(Held(progress.done, *(process.memory_info().rss / MEGABYTE for process in who)))

    with tempfile.TemporaryDirectory(dir=home) as out:
        _play(sweep(runs, duration, 1 + WARM), Path(out) / "memory", crew, look)
    return held


def growth(held: list[Held]) -> Held:
    """MiB by which the last quarter of the runs held more than the second, each the mean over its looks.

    Where runs come back so many at once that nobody looked in the second quarter, the last look before it counts.
    """
    last = held[-1].runs
    quarter = [[h for h in held if q * last / 4 < h.runs <= (q + 1) * last / 4] for q in (1, 3)]
    quarter[0] = quarter[0] or [h for h in held if h.runs <= last / 4][-1:]
    second, fourth = ([sum(column) / len(part) for column in zip(*part, strict=True)] for part in quarter)
    return Held(last, *(after - before for before, after in zip(second[1:], fourth[1:], strict=True)))


def _play(value: Sweep, out: Path, crew: Crew, look: Callable[[Progress], None] = lambda _: None) -> Progress:
    looks: list[Progress] = []

    def told(progress: Progress) -> None:
        looks[:] = [progress]
        look(progress)

    play(design(value), out, hands=lambda: crew, told=told)
    return looks[-1]


def _processes() -> tuple[psutil.Process, psutil.Process, psutil.Process]:
    """The process that plays, the worker above it, and this one."""
    below = psutil.Process().children(recursive=True)
    [stage] = [process for process in below if "sweeps.stage" in " ".join(process.cmdline())]
    worker = stage.parent()
    assert worker is not None
    return stage, worker, psutil.Process()


def _spent() -> float:
    root = psutil.Process()
    times = [process.cpu_times() for process in [root, *root.children(recursive=True)]]
    return float(sum(time.user + time.system for time in times))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: to see that it works, not to cite")
    parser.add_argument("--only", choices=("cost", "memory"), help="one of the two")
    parser.add_argument("--milliseconds", type=float, default=GOAL, help="what a run is to take")
    asked = parser.parse_args()
    rounds, runs, many = (1, 40, 200) if asked.quick else (3, 400, 10_000)
    with warm(DURATION) as (crew, home):
        duration = lasting(crew, home, asked.milliseconds) if asked.only != "memory" else DURATION
        for _ in range(rounds if asked.only != "memory" else 0):
            found = cost(crew, home, runs, duration)
            print(
                f"{runs} runs of {found.run * 1e3:.1f} ms: overhead {found.clock - 1:+.2%} by the clock,"
                f" {found.cpu - 1:+.2%} of processor time ({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})",
                flush=True,
            )
        if asked.only == "cost":
            return
        held = memory(crew, home, many, SHORT, 0.2 if asked.quick else 2.0)
    for at in held[:: max(1, len(held) // 10)]:
        print(
            f"{at.runs:>7,} runs: MiB held {at.stage:.0f} where they are played, {at.worker:.0f} worker, {at.driver:.0f} driver"
        )
    more = growth(held)
    print(
        f"growth from the second to the last quarter of {more.runs:,} runs: {more.stage:+.1f} MiB where they are played,"
        f" {more.worker:+.1f} worker, {more.driver:+.1f} driver"
    )


if __name__ == "__main__":
    main()
