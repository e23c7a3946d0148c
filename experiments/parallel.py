"""Many runs over all cores, in the order they were asked for, with a progress bar.

Results do not depend on how many workers there are, or on who finishes first. Workers are spawned, since importing Mesa
forces that; a single worker runs in this process.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from tqdm import tqdm

A = TypeVar("A")
B = TypeVar("B")


def spread(work: Callable[[A], B], tasks: Sequence[A], *, workers: int | None = None, title: str = "") -> list[B]:
    """`[work(task) for task in tasks]`, on `workers` processes (None: one a core). Interrupting it stops the workers."""
    count = min(len(tasks), workers or os.cpu_count() or 1)
    if count <= 1:
        return list(_shown(map(work, tasks), len(tasks), title))
    work(tasks[0])  # compiles once, into the cache that the workers share
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    try:
        chunk = max(1, min(8, len(tasks) // (4 * count)))
        return list(_shown(pool.map(work, tasks, chunksize=chunk), len(tasks), title))
    finally:
        pool.shutdown(cancel_futures=True)


def _shown(results: Iterable[B], total: int, title: str) -> Iterator[B]:
    return iter(tqdm(results, total=total, desc=title, unit="run", file=sys.stderr, disable=not sys.stderr.isatty()))
