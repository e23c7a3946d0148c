"""The bench: every run that an audit makes is asked for here, counted against its budget, and kept.

A run is known by its scenario and the sources it depends on, plugins' and recorded bars too. What was played once is neither
played nor counted again, so an audit that was stopped goes on where it was, and one with a larger budget begins with what the
smaller one found. What is counted does not depend on what was kept, nor anything on who plays: budget and seeds alone decide
what an audit comes to. A run that goes on for longer than was asked for counts as so many.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import inspect
import json
import math
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from experiments.arsenal import trials as trials_module
from experiments.arsenal.trials import Result, Trial, play
from experiments.cluster import Crew, Gone
from experiments.codec import Mistakes, dumps
from experiments.folders import AUDIT, LOCK
from experiments.scenario import Scenario
from experiments.sources import COVERED, brought, engine
from experiments.sweeps.folder import append, checked, read_lines
from experiments.sweeps.versions import versions
from experiments.wishes import plugins_in

RUNS = "runs.jsonl"


class Means(NamedTuple):
    """What a trial is played with, wherever that is: files of plugins, and digests of engine and plugins."""

    plugins: tuple[str, ...]
    sources: tuple[str, str]


class Bench:
    """Plays trials, within `budget` runs. `spent`: runs by what they were for; `wrong`: what went wrong, a line each."""

    def __init__(
        self, home: Path, budget: int, hands: Callable[[], Crew] | None = None, plugins: Sequence[Path] = ()
    ) -> None:
        self.home, self.budget, self.hands = home, budget, hands
        files = tuple(str(path.resolve()) for path in plugins)
        self.means = Means(files, (engine(), brought(files)))
        self.spent: dict[str, int] = {}
        self.wrong: list[str] = []
        self.length = math.inf  # seconds: a run that goes on for longer counts as so many as it is times as long
        self._counted: dict[str, int] = {}  # what each counts as
        self._digests: dict[str, bytes] = {}  # of files of bars, by path
        self._brought: dict[tuple[str, ...], bytes] = {}  # by files of plugins
        self._limit = budget  # of those counted, for now
        self._sources = hashlib.sha256(
            f"{engine()}{sorted(versions().items())}".encode() + Path(trials_module.__file__).read_bytes()
        ).digest()
        texts, length = read_lines(home / RUNS)
        self._known: dict[str, list[Any]] = dict(map(json.loads, texts))
        if (home / RUNS).exists() and length < (home / RUNS).stat().st_size:
            os.truncate(home / RUNS, length)  # a line that was cut short would spoil the next
        self._bar = tqdm(total=budget, unit="run", file=sys.stderr, disable=not sys.stderr.isatty())

    @property
    def left(self) -> int:
        """Runs that may still be made, for now."""
        return self._limit - self._used

    @property
    def _used(self) -> int:
        return sum(self._counted.values())

    def price(self, scenario: Scenario) -> int:
        """How many runs one of this scenario counts as."""
        return max(1, math.ceil(scenario.duration / self.length - 1e-9))

    @contextlib.contextmanager
    def at_most(self, runs: int) -> Iterator[None]:
        """Nothing asked for meanwhile may take more than so many of the runs that are left."""
        former = self._limit
        self._limit = min(former, self._used + runs)
        try:
            yield
        finally:
            self._limit = former

    def play(self, what: str, trials: Sequence[Trial]) -> list[Result | None]:
        """What became of each trial, None where it went wrong. It is for the asker to see that they can be afforded."""
        keys = [self._key(trial) for trial in trials]
        new = dict(zip(keys, trials, strict=True))
        fresh = [key for key in new if key not in self._counted]
        asked = {key: self.price(new[key].scenario) for key in fresh}
        assert sum(asked.values()) <= self.left, "afforded"
        self._counted |= asked
        self.spent[what] = self.spent.get(what, 0) + sum(asked.values())
        self._tell(what)
        self._play({key: new[key] for key in fresh if key not in self._known})
        return [self._read(key, trial) for key, trial in zip(keys, trials, strict=True)]

    @property
    def digests(self) -> list[str]:
        """Of every run asked for that did not go wrong."""
        found = [self._known[key] for key in sorted(self._counted) if key in self._known]
        return [Result(*result).digest for status, result in found if status == "ok"]

    def close(self) -> None:
        """Let the progress bar go."""
        self._bar.close()

    def _tell(self, what: str) -> None:
        self._bar.set_description(what)
        self._bar.update(self._used - self._bar.n)

    def _key(self, trial: Trial) -> str:
        text = f"{trial.attack}\0{trial.defence}\0{trial.alarms}\0{dumps(trial.scenario, keep='changed')}"
        total = hashlib.sha256(self._sources + text.encode())
        written = tuple(_written_in(trial.scenario))
        if written not in self._brought:
            self._brought[written] = brought(written).encode()
        total.update(self._brought[written])
        for file in getattr(trial.scenario.nature, "files", ()):
            total.update(self._digest(file))
        return total.hexdigest()[:32]

    def _digest(self, file: str) -> bytes:
        if file not in self._digests:
            with contextlib.suppress(OSError):  # a run without its file goes wrong by itself
                self._digests[file] = hashlib.sha256(Path(file).read_bytes()).digest()
        return self._digests.get(file, b"\0")

    def _read(self, key: str, trial: Trial) -> Result | None:
        found = self._known[key]
        if found[0] != "ok":
            line = f"{trial.attack or 'honest'} {trial.defence} seed {trial.scenario.seed}: {found[1]}"
            if line not in self.wrong:
                self.wrong.append(line)
            return None
        result = Result(*found[1])
        return result._replace(signals=tuple(result.signals))

    def _play(self, waiting: dict[str, Trial]) -> None:
        tasks = deque((key, pickle.dumps(trial)) for key, trial in waiting.items())
        if tasks:  # compiles once, into the cache that the workers share
            key, blob = tasks.popleft()
            self._keep(key, attempt(self.means, blob))
        if self.hands is None or not tasks:
            for key, blob in tasks:
                self._keep(key, attempt(self.means, blob))
            return
        crew, running = self.hands(), dict[Future[Any], tuple[str, bytes]]()
        try:
            while tasks or running:
                while tasks:
                    running[crew.submit(attempt, self.means, tasks[0][1])] = tasks[0]
                    tasks.popleft()
                for future in crew.done(running):
                    key, blob = running.pop(future)
                    try:
                        self._keep(key, outcome(future))
                    except CancelledError:  # the scheduler was lost, and what it had been given
                        tasks.append((key, blob))
                        crew.find_again()
        except Gone as gone:
            raise Mistakes([f"{gone}; finished runs are kept in {self.home}, run it again to go on"]) from None
        finally:
            for future in running:
                future.cancel()

    def _keep(self, key: str, found: list[Any]) -> None:
        if found[0] == "unable":
            raise Mistakes([found[1]])
        try:
            append(self.home / RUNS, checked([key, found]))
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            raise Mistakes([f"--out {self.home}: {words}; finished runs are kept, run it again to go on"]) from error
        self._known[key] = json.loads(json.dumps(found))
        self._bar.refresh()


def _written_in(scenario: Scenario) -> list[str]:
    """Files of the plugins whose classes are in a scenario, in a fixed order."""
    kinds = {
        one for kind in _kinds(scenario) for one in kind.__mro__ if one.__module__.partition(".")[0] not in COVERED
    }
    found: dict[str, None] = {}
    for kind in sorted(kinds, key=lambda one: (one.__module__, one.__qualname__)):
        with contextlib.suppress(TypeError, OSError):  # it was not written in a file
            found[inspect.getsourcefile(kind) or ""] = None
    return [file for file in found if file]


def _kinds(value: Any) -> Iterator[type]:
    """Classes of the dataclasses in a value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield type(value)
        for field in dataclasses.fields(value):
            yield from _kinds(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from _kinds(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _kinds(one)


def attempt(means: Means, blob: bytes) -> list[Any]:
    """Play one trial, here or elsewhere: ["ok", its result], ["wrong", why not], or ["unable", why nothing can be played]."""
    try:
        plugins_in([Path(name) for name in means.plugins])
        if (engine(), brought(means.plugins)) != means.sources:
            return ["unable", "a worker has another version of the engine, or of a plugin"]
        trial: Trial = pickle.loads(blob)
        return ["ok", list(play(trial))]
    except Mistakes as mistakes:
        return ["wrong", "; ".join(mistakes.lines)]
    except Exception as error:  # whatever settings that nobody has tried before do
        return ["wrong", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"]


def outcome(future: Future[Any]) -> Any:
    """What came of a trial that was handed out. Raises CancelledError where it was lost on the way."""
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return ["wrong", "every worker that played it died"]


@contextlib.contextmanager
def bench(
    home: Path,
    budget: int,
    hands: Callable[[], Crew] | None = None,
    plugins: Sequence[Path] = (),
    kind: str = AUDIT,
) -> Iterator[Bench]:
    """A bench whose journal lies in a folder, which is then of that kind, and nobody else's meanwhile. Raises Mistakes."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Mistakes([f"--out {home}: another process is at work on it"]) from None
        lock.truncate(0)
        with contextlib.suppress(OSError):  # it only helps to tell folders apart
            os.write(lock.fileno(), f"{kind}\n".encode())
        made = Bench(home, budget, hands, plugins)
        try:
            yield made
        except KeyboardInterrupt:
            print(f"undertow: finished runs are kept in {home}; the same command goes on", file=sys.stderr)
            raise
        finally:
            made.close()
