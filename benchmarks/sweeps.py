"""What a sweep costs beyond its runs, and whether memory stays flat: `python -m benchmarks.sweeps [--quick]`.

Overhead: the same runs are played bare, one after another in a process of their own, and as a sweep on one worker, in turn.
Compared is processor time, of all processes of the sweep together, start and end apart: on a machine that does other things as
well, the clock says nothing. Memory: one process plays 10,000 runs, and says what it holds as it goes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from experiments.axes.table import Table
from experiments.cluster import on_call
from experiments.scenario import find
from experiments.sweeps.driver import Progress, play
from experiments.sweeps.spec import Sweep, design

DURATION = 1_800.0  # seconds played: about 50 ms on the machine this was written on
WARM = 20  # runs before anything is counted
SPACING = 5.0  # seconds between two looks, which cost something themselves
MEGABYTE = 2.0**20


def sweep(runs: int, duration: float) -> Sweep:
    """So many runs of one point."""
    return Sweep("bench", base=find("stale-oracle"), axes=(Table(rows=((duration,),)),), replicates=runs)


def bare(runs: int, duration: float) -> tuple[float, float]:
    """Processor seconds a run, and seconds by the clock, played one after another in a process of their own."""
    code = (
        "import sys, time\n"
        "from benchmarks.sweeps import WARM, sweep\n"
        "from experiments.sweeps.spec import design\n"
        "from experiments.sweeps.stage import measured\n"
        "runs, duration = int(sys.argv[1]), float(sys.argv[2])\n"
        "d = design(sweep(runs + WARM, duration))\n"
        "for r in range(runs + WARM):\n"
        "    if r == WARM: cpu, clock = time.process_time(), time.perf_counter()\n"
        "    measured(d.sweep.scenario(d.points[0], r), ('*',))\n"
        "print(time.process_time() - cpu, time.perf_counter() - clock)\n"
    )
    command = [sys.executable, "-c", code, str(runs), str(duration)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(found[0]) / runs, float(found[1]) / runs


class Meter:
    """Processor time of this process and all below it, from when the runs are under way until they are done."""

    def __init__(self) -> None:
        self.looks: list[tuple[int, float, float]] = []

    def __call__(self, progress: Progress) -> None:
        """Look now."""
        due = not self.looks or time.perf_counter() - self.looks[-1][2] > SPACING or progress.done == progress.total
        if progress.done >= WARM and due:
            self.looks.append((progress.done, _spent(), time.perf_counter()))

    def a_run(self) -> tuple[float, float]:
        """Processor seconds a run, and seconds by the clock."""
        (runs, cpu, clock), (more, later, after) = self.looks[0], self.looks[-1]
        return (later - cpu) / (more - runs), (after - clock) / (more - runs)


def _spent() -> float:
    root = psutil.Process()
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
            total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def swept(runs: int, duration: float) -> tuple[float, float]:
    """The same as a sweep on one worker."""
    meter = Meter()
    with tempfile.TemporaryDirectory() as home, on_call(1) as hands:
        play(design(sweep(runs + 2 * WARM, duration)), Path(home) / "out", hands=hands, told=meter)
    return meter.a_run()


def memory(runs: int) -> list[tuple[int, float]]:
    """MiB that a process holds after so many runs."""
    code = (
        "import sys, gc, mesa, psutil\n"
        "from benchmarks.sweeps import sweep\n"
        "from experiments.sweeps.spec import design\n"
        "from experiments.sweeps.stage import measured\n"
        "runs = int(sys.argv[1])\n"
        "d = design(sweep(runs + 1, 120.0))\n"
        "for r in range(runs + 1):\n"
        "    if r % max(1, runs // 10) == 0: print(r, psutil.Process().memory_info().rss, len(mesa.Agent._ids), flush=True)\n"
        "    measured(d.sweep.scenario(d.points[0], r), ('*',))\n"
    )
    command = [sys.executable, "-c", code, str(runs)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [[int(word) for word in line.split()] for line in lines]
    assert max(models for _, _, models in rows) <= 1, "models are kept alive"
    return [(run, held / MEGABYTE) for run, held, _ in rows]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: to see that it works, not to cite")
    quick = parser.parse_args().quick
    rounds, runs, many = (1, 60, 100) if quick else (3, 400, 10_000)
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    for _ in range(rounds):
        alone, alone_clock = bare(runs, DURATION)
        together, clock = swept(runs, DURATION)
        print(
            f"a run of {alone * 1e3:.1f} ms: {together * 1e3:.1f} ms as part of a sweep of {runs}, overhead"
            f" {together / alone - 1:+.1%} of processor time ({clock / alone_clock - 1:+.1%} by the clock)"
        )
    held = memory(many)
    print("MiB held after runs: " + ", ".join(f"{run:,}: {size:.0f}" for run, size in held))
    print(f"growth from {held[1][0]:,} to {held[-1][0]:,} runs: {held[-1][1] - held[1][1]:+.1f} MiB")


if __name__ == "__main__":
    main()
