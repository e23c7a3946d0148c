"""Many tasks over all cores, in the order they were asked for, with a progress bar. What a study is played with.

Results do not depend on how many workers there are, or on who finishes first. A single worker is this process; more are a
crew (`cluster`), the same that sweeps are played by. What must survive an interruption is a sweep.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from tqdm import tqdm

from experiments.cluster import cores, crew

A = TypeVar("A")
B = TypeVar("B")


def spread(work: Callable[[A], B], tasks: Sequence[A], *, workers: int | None = None, title: str = "") -> list[B]:
    """`[work(task) for task in tasks]`, on `workers` processes (None: one a core). Interrupting it stops the workers."""
    count = min(len(tasks), workers or cores())
    if count <= 1:
        return list(_shown(map(work, tasks), len(tasks), title))
    first = work(tasks[0])  # compiles once, into the cache that the workers share
    rest = tasks[1:]
    size = max(1, min(8, len(rest) // (4 * count)))
    chunks = [rest[k : k + size] for k in range(0, len(rest), size)]
    with crew(count) as hands:
        lists = hands.executor.map(_each, [work] * len(chunks), chunks)
        return list(_shown(chain([first], chain.from_iterable(lists)), len(tasks), title))


def _each(work: Callable[[A], B], tasks: Sequence[A]) -> list[B]:
    return [work(task) for task in tasks]


def _shown(results: Iterable[B], total: int, title: str) -> Iterator[B]:
    return iter(tqdm(results, total=total, desc=title, unit="run", file=sys.stderr, disable=not sys.stderr.isatty()))
