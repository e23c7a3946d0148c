"""Many tasks over all cores, in the order they were asked for, with a progress bar. What a study is played with.

Results do not depend on how many workers there are, or on who finishes first. A single worker is this process; more are a
crew (`cluster`), the same that sweeps are played by. With a shelf every result is kept as soon as it is there and none is
played twice, and what goes wrong with one task is told at the end and costs the others nothing.
"""

from __future__ import annotations

import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, TypeVar

from tqdm import tqdm

from experiments.cluster import Crew, Gone, cores, crew
from experiments.codec import Mistakes, dumps
from experiments.scenario import Scenario
from experiments.shelf import FAILURES, Shelf, WentWrong, Wrong

A = TypeVar("A")
B = TypeVar("B")

Workers = (
    int | Shelf | None
)  # processes to play on (None: one a core), or a shelf, which knows how many, and keeps results

AHEAD = 2  # tasks handed out for each that is worked on, so that nobody waits
LONGEST = 200  # characters of a task in a complaint
DIED = "every worker that played it died"


def processes(workers: Workers) -> int | None:
    """How many to play on, for what keeps its results by itself."""
    return workers.workers if isinstance(workers, Shelf) else workers


def spread(work: Callable[[A], B], tasks: Sequence[A], *, workers: Workers = None, title: str = "") -> list[B]:
    """`[work(task) for task in tasks]`. Interrupting it stops the workers.

    Raises whatever a task raises; with a shelf WentWrong, once all others are finished and kept.
    """
    if isinstance(workers, Shelf):
        return _kept(work, tasks, workers, title)
    results: dict[int, B] = {}
    with _bar(len(tasks), title) as bar:
        for place, result in _played(work, tasks, workers):
            if isinstance(result, Wrong):
                raise Mistakes([f"{_told(tasks[place])}: {result.error}"])
            results[place] = result
            bar.update()
    return [results[place] for place in range(len(tasks))]


def _kept(work: Callable[[A], B], tasks: Sequence[A], shelf: Shelf, title: str) -> list[B]:
    keys = [shelf.key(work, task) for task in tasks]
    missing = [key for key in dict.fromkeys(keys) if key not in shelf]
    by_key = dict(zip(reversed(keys), reversed(tasks), strict=True))
    wrong: list[str] = []
    with _bar(len(tasks), title, len(tasks) - len(missing)) as bar:
        for place, result in _played(partial(attempt, work), [by_key[key] for key in missing], shelf.workers):
            key = missing[place]
            if isinstance(result, Wrong):
                shelf.fail(key, by_key[key], result)
                wrong.append(
                    f"{' in '.join(dict.fromkeys(filter(None, (_told(by_key[key]), result.name))))}: {result.error}"
                )
            else:
                shelf.keep(key, result)
            bar.update()
    if wrong:
        count = f"{shelf.home.name}: {len(wrong):,} of {len(tasks):,} runs went wrong, the first {wrong[0]}"
        where = f"scenarios and errors are in {shelf.home / FAILURES}"
        raise WentWrong([f"{count}; {where}; all others are kept, and the same command plays only what is missing"])
    return [shelf.read(key) for key in keys]


def attempt(work: Callable[[A], B], task: A) -> B | Wrong:
    """Do it, or say what went wrong, and in which scenario."""
    try:
        return work(task)
    except Exception as error:  # whatever settings that nobody has tried before do
        words = " ".join(str(error).split())
        playing = _scenario(error)
        name = f"{playing.name}, seed {playing.seed}" if playing else ""
        text = dumps(playing) if playing else ""
        return Wrong(f"{type(error).__name__}: {words[:300]}", traceback.format_exc(), text, name)


def _scenario(error: BaseException) -> Scenario | None:
    """The scenario that was being played: the innermost that the frames of an error know."""
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        found = next((one for one in frame.f_locals.values() if isinstance(one, Scenario)), found)
    return found


def _played(work: Callable[[A], B], tasks: Sequence[A], workers: int | None) -> Iterator[tuple[int, B | Wrong]]:
    """What came of each task, by its place, as it comes; Wrong where all who played it died."""
    count = min(len(tasks), workers or cores())
    if count <= 1:
        yield from enumerate(map(work, tasks))
        return
    with crew(count) as hands:
        try:
            yield from _handed_out(work, tasks, hands)
        except Gone as gone:
            raise Mistakes([f"{gone}; run it again to go on"]) from None


def _handed_out(work: Callable[[A], B], tasks: Sequence[A], hands: Crew) -> Iterator[tuple[int, B | Wrong]]:
    from distributed.scheduler import KilledWorker

    waiting, suspects = deque(range(len(tasks))), deque[int]()
    running: dict[Future[Any], int] = {}
    room = 1  # the first compiles, into the cache that all share
    alone: int | None = None
    try:
        while waiting or suspects or running:
            slots = hands.slots()
            if (
                not waiting and not running
            ):  # whatever a dead worker was given is blamed: played once more, with nobody beside it
                alone = suspects.popleft()
                waiting.append(alone)
            while waiting and len(running) < room:
                place = waiting.popleft()
                running[hands.submit(work, tasks[place])] = place
            for future in hands.done(running):
                place = running.pop(future)
                try:
                    yield place, future.result()
                except KilledWorker:
                    if place == alone:
                        yield place, Wrong(DIED)
                    else:
                        suspects.append(place)
                except CancelledError:  # the scheduler was lost, and what it had been given
                    waiting.append(place)
                    hands.find_again()
                room = AHEAD * max(1, slots)
    finally:
        for future in running:
            future.cancel()


def _told(task: object) -> str:
    """A task in a complaint."""
    if isinstance(task, Scenario):
        return f"{task.name}, seed {task.seed}"
    words = repr(task)
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}..."


def _bar(total: int, title: str, initial: int = 0) -> Any:
    quiet = not sys.stderr.isatty()
    return tqdm(total=total, initial=initial, desc=title, unit="run", file=sys.stderr, disable=quiet)
