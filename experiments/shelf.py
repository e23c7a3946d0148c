"""The shelf: finished results of a study, kept from the moment they are there, so that the same command goes on after any stop.

A result is known by what was asked (the work and its task) and by all that it depends on (`sources.measuring`, versions). It is
written down as the audit's are: a line with its checksum, and one that was cut short is as if it had never been. Lines hold pickled
values, and only plain data is read back: numbers, frames, and dataclasses and tuples of ours, nothing that runs.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import fcntl
import functools
import hashlib
import io
import json
import os
import pickle
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from experiments.codec import Mistakes
from experiments.sources import measuring
from experiments.sweeps.folder import append, checked, read_lines, replace
from experiments.sweeps.versions import versions

KEPT = "kept"  # folder of the shelves of all studies, in that of their results
RUNS, FAILURES, LOCK = "runs.jsonl", "failures", ".lock"


class Wrong(NamedTuple):
    """A run that raised, or whose workers died: the error in a line, its traceback, and the scenario as TOML where it is known."""

    error: str
    trace: str = ""
    scenario: str = ""
    name: str = ""  # of the scenario, with its seed


class WentWrong(Mistakes):
    """Some runs of a study went wrong; all others are kept. The command ends with status 1."""


class Shelf:
    """Results kept in a folder, made and locked when it is first asked. `workers`: processes to play on, None: one a core."""

    def __init__(self, home: Path, workers: int | None = None) -> None:
        self.home, self.workers = home, workers
        self._known: dict[str, str] | None = None
        self._stack = ExitStack()

    def key(self, work: Callable[[Any], Any], task: Any) -> str:
        """What a result is known by. Raises TypeError for work that its name does not tell from other work: a lambda, a method."""
        told = "\0".join((canonical(work), canonical(task), _sources(work)))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def __contains__(self, key: str) -> bool:
        return key in self._opened()

    def __len__(self) -> int:
        return len(self._known or ())

    def keep(self, key: str, result: Any) -> None:
        """Write a result down, so that it lasts. Raises Mistakes where the disk refuses it."""
        known = self._opened()
        blob = base64.b64encode(zlib.compress(pickle.dumps(result, protocol=5), 1)).decode()
        with self._written():
            append(self.home / RUNS, checked([key, blob]))
        known[key] = blob
        self._forget(key)

    def read(self, key: str) -> Any:
        """A result, the same whether it was kept just now or by another process."""
        return _Plain(io.BytesIO(zlib.decompress(base64.b64decode(self._opened()[key])))).load()

    def fail(self, key: str, task: Any, wrong: Wrong) -> None:
        """Keep what a run that went wrong can be played again with."""
        with self._written():
            (self.home / FAILURES).mkdir(exist_ok=True)
            text = f"{task!r}\n\n{wrong.trace or wrong.error}\n"
            for suffix, words in ((".toml", wrong.scenario), (".txt", text)):
                if words:
                    replace(self.home / FAILURES / f"{key}{suffix}", words.encode())

    def close(self) -> None:
        """Let the lock go."""
        self._known = None
        self._stack.close()

    def _opened(self) -> dict[str, str]:
        if self._known is None:
            try:
                self.home.mkdir(parents=True, exist_ok=True)
                lock = self._stack.enter_context((self.home / LOCK).open("w"))
            except OSError as error:
                raise Mistakes([f"{self.home}: {(error.strerror or str(error)).lower()}"]) from error
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._stack.close()
                raise Mistakes([f"{self.home}: another process is at work on it"]) from None
            texts, length = read_lines(self.home / RUNS)
            if (self.home / RUNS).exists() and length < (self.home / RUNS).stat().st_size:
                os.truncate(self.home / RUNS, length)  # a line that was cut short would spoil the next
            self._known = dict(map(json.loads, texts))
        return self._known

    def _forget(self, key: str) -> None:
        """What went wrong before has gone well."""
        folder = self.home / FAILURES
        if folder.is_dir():
            for path in folder.glob(f"{key}.*"):
                path.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            raise Mistakes([f"{self.home}: {words}; finished runs are kept, run it again to go on"]) from error


@contextmanager
def shelf(out: Path, name: str, workers: int | None) -> Iterator[Shelf]:
    """The shelf of a study, below the folder of its results. Interrupted, it says that what is finished is kept."""
    made = Shelf(out / KEPT / name, workers)
    try:
        yield made
    except KeyboardInterrupt:
        if len(made):
            print(f"undertow: finished runs are kept in {made.home}; the same command goes on", file=sys.stderr)
        raise
    finally:
        made.close()


def canonical(value: Any) -> str:
    """A value as text that is the same for equal values in every process. Raises TypeError for what has no such text."""
    if value is None or isinstance(value, bool | int | float | str | bytes) and not isinstance(value, enum.Enum):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, enum.Enum):
        return f"{_name(type(value))}.{value.name}"
    if isinstance(value, functools.partial):
        return f"partial({canonical(value.func)}, {canonical(value.args)}, {canonical(value.keywords)})"
    if (
        isinstance(value, type | FunctionType) and "<" not in value.__qualname__
    ):  # one in a function is not told by its name
        return _name(value)
    if dataclasses.is_dataclass(value):
        fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return f"{_name(type(value))}({', '.join(f'{name}={canonical(one)}' for name, one in fields)})"
    if isinstance(value, Mapping):
        pairs = (f"{canonical(name)}: {canonical(one)}" for name, one in value.items())
        return f"{_name(type(value))}{{{', '.join(pairs)}}}"
    if isinstance(value, tuple | list):
        return f"{_name(type(value))}({', '.join(map(canonical, value))})"
    if isinstance(value, set | frozenset):
        return f"{_name(type(value))}{{{', '.join(sorted(map(canonical, value)))}}}"
    if isinstance(value, range | np.generic):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"{value.dtype.str}{value.shape} {value.tobytes().hex()}"
    raise TypeError(f"{_name(type(value))}: cannot be told from another of its kind")


def _name(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _sources(work: Callable[[Any], Any]) -> str:
    """Digest of what a function's results depend on besides its task."""
    while isinstance(work, functools.partial):
        work = work.func
    module = sys.modules[work.__module__]
    text = f"{measuring(Path(module.__file__ or ''))}\0{sorted(versions().items())}"
    return hashlib.sha256(text.encode()).hexdigest()


# What libraries write down of arrays and frames. Named one by one: among their other names are some that run programs.
LIBRARIES = {
    "numpy": "dtype ndarray",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy._core.numeric": "_frombuffer",
    "pandas": "Categorical CategoricalDtype DataFrame DatetimeTZDtype Float64Dtype Index Int64Dtype Interval IntervalIndex "
    "MultiIndex NA RangeIndex Series StringDtype",
    "pandas._libs.arrays": "__pyx_unpickle_NDArrayBacked",
    "pandas._libs.internals": "_unpickle_block",
    "pandas._libs.tslibs.nattype": "_nat_unpickle",
    "pandas._libs.tslibs.timedeltas": "_timedelta_unpickle",
    "pandas._libs.tslibs.timestamps": "_unpickle_timestamp",
    "pandas.arrays": "ArrowStringArray DatetimeArray FloatingArray IntegerArray TimedeltaArray",
    "pandas.core.indexes.base": "_new_Index",
    "pandas.core.indexes.datetimes": "_new_DatetimeIndex",
    "pandas.core.indexes.interval": "_new_IntervalIndex",
    "pandas.core.internals.managers": "BlockManager SingleBlockManager",
    "pyarrow.lib": "_restore_array chunked_array py_buffer type_for_alias",
    "datetime": "datetime timedelta timezone",
    "builtins": "bytearray complex frozenset range set slice",
}
OURS = {"protocol", "agents", "experiments"}


class _Plain(pickle.Unpickler):
    """Reads plain data: a file of results may come from anybody."""

    def find_class(self, module: str, name: str) -> Any:
        """A class of data, or what makes one of a library's."""
        if name in LIBRARIES.get(module, "").split():
            return super().find_class(module, name)
        if (
            module.partition(".")[0] in OURS and name.isidentifier()
        ):  # no name that leads on into what a module has imported
            found = super().find_class(module, name)
            data = dataclasses.is_dataclass(found) or isinstance(found, type) and issubclass(found, tuple | enum.Enum)
            if isinstance(found, type) and data and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name}: is no plain data")
