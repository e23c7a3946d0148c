"""Where work is done: a cluster of processes on this machine, or whatever has joined a scheduler elsewhere.

Both are Dask distributed behind a `concurrent.futures.Executor`, so there is one path for one core and for many machines. A
worker that is killed loses nothing but the tasks it was at, which others take up. On many machines a scheduler and
workers are started by hand or by Slurm, each where this program is installed in the same version (see the documentation).
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from experiments.codec import Mistakes

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 10.0  # seconds to wait for a scheduler, when it is first called and when it was lost
JOINING = 30.0  # seconds to wait for the first worker of a scheduler that is there
DESERTED = 600.0  # seconds to wait for a worker once all have gone
LOOK = 0.5  # seconds between two looks at what has come back
FRESH = 5.0  # seconds that a count of workers is good for


def cores() -> int:
    """How many processors this process may use: what Slurm or a container allows, not what the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Gone(Exception):
    """Nobody is left to do the work: the scheduler is lost, or all workers have been away for long."""


class Crew:
    """Those who work: an executor, and how many tasks they do at a time. What is asked of it raises Gone where nobody is left."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.executor: Executor = client.get_executor(pure=False)
        self._slots, self._looked, self._manned = 0, -math.inf, time.monotonic()

    def slots(self) -> int:
        """Tasks that can be worked on at a time now; 0 where every worker is gone."""
        now = time.monotonic()
        if now - self._looked >= FRESH:
            try:
                self._slots, self._looked = sum(self.client.nthreads().values()), now
            except Exception:  # what it raises depends on how far it has noticed
                self.find_again()
        if self._slots:
            self._manned = now
        elif now - self._manned > DESERTED:
            raise Gone(f"no worker has been there for {DESERTED:g} seconds")
        return self._slots

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand out a task."""
        self._see_that_it_is_there()
        try:
            return self.executor.submit(work, *arguments)
        except Exception:
            self._see_that_it_is_there()
            raise

    def done(self, running: Collection[Future[Any]]) -> set[Future[Any]]:
        """The tasks that have ended, after half a second or as soon as one has."""
        ended, _ = wait(running, timeout=LOOK, return_when=FIRST_COMPLETED)
        if not ended:
            self.slots()
            self._see_that_it_is_there()
        return ended

    def find_again(self) -> None:
        """Wait for a scheduler that was lost, as long as for one that is first called; what it had been given is cancelled."""
        until = time.monotonic() + 2.0 * PATIENCE
        while self.client.status == "connecting" and time.monotonic() < until:
            time.sleep(0.05)
        if self.client.status != "running":
            raise Gone("the scheduler is gone")
        self._looked = -math.inf

    def _see_that_it_is_there(self) -> None:
        if self.client.status != "running":
            self.find_again()


@contextmanager
def crew(workers: int | None = None, scheduler: str | None = None) -> Iterator[Crew]:
    """A crew of as many processes here (None: one a core), or that of a scheduler. Raises Mistakes if there is none."""
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.comm.timeouts.connect": PATIENCE,
        "distributed.admin.tick.limit": "1h",
        "distributed.admin.tick.interval": "5s",  # it wakes every server fifty times a second
        "distributed.worker.profile.enabled": False,  # it samples stacks a hundred times a second
        "distributed.admin.system-monitor.interval": "10s",
    }
    with dask.config.set(settings), quiet():
        if scheduler is None:
            with (
                LocalCluster(
                    n_workers=workers or cores(),
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # any free port: two sweeps may be at work on one machine
                    memory_limit=0,  # runs have a bound of their own
                    silence_logs=logging.CRITICAL,
                    preload=["experiments.cluster_worker"],
                ) as cluster,
                Client(cluster) as client,
            ):
                yield Crew(client)
        else:
            with _reached(scheduler) as client:
                yield Crew(client)


@contextmanager
def on_call(workers: int | None = None, scheduler: str | None = None) -> Iterator[Callable[[], Crew]]:
    """A crew that is called up when it is first needed, and then stays until all is done; that of a scheduler, at once.

    So a scheduler that is not there is told before anything is written.
    """
    with ExitStack() as stack:
        hands = cache(lambda: stack.enter_context(crew(workers, scheduler)))
        if scheduler is not None:
            hands()
        yield hands


def _reached(scheduler: str) -> Any:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        words = str(error).splitlines()[0] if str(error) else "no answer"
        raise Mistakes([f"--scheduler {scheduler}: cannot be reached: {words}"]) from None
    try:
        client.wait_for_workers(1, timeout=JOINING)
    except TimeoutError:
        client.close()
        raise Mistakes([f"--scheduler {scheduler}: no worker has joined it within {JOINING:g} seconds"]) from None
    return client


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the cluster's own log out of the way: what matters is reported in one line."""
    names = ("distributed", "tornado", "asyncio")
    known = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in names]
    loggers = [logging.getLogger(name) for name in {*names, *known}]  # some below have a level of their own
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
