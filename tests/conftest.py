"""What every test may lean on: fresh compiled caches, small worlds, and the shared folder if it is there."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from numba.core.dispatcher import Dispatcher

os.environ.setdefault("UNDERTOW_ASK", "1")  # before anything is compiled

from protocol.compiled import stale

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Clear compiled caches that an edit elsewhere has made out of date, once, before workers start."""
    hypothesis.settings.register_profile("undertow", deadline=None)  # the first example may compile
    hypothesis.settings.load_profile("undertow")
    if not hasattr(config, "workerinput"):
        stale(ROOT / "protocol", ROOT / "agents")
    if cache := getattr(config, "cache", None):
        _compile_in_turn(cache.mkdir("compiling"))


def _compile_in_turn(folder: Path) -> None:
    """Let one worker compile a function; others that need it wait, and read what it has cached, instead of doing the same."""
    compile_, within = Dispatcher.compile, []

    def in_turn(self: Any, signature: Any) -> Any:
        if within:  # a part of what is being compiled: whoever holds one lock waits for no other
            return compile_(self, signature)
        with (folder / f"{self.py_func.__module__}.{self.py_func.__qualname__}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            within.append(self)
            try:
                return compile_(self, signature)
            finally:
                within.pop()

    Dispatcher.compile = in_turn


@pytest.fixture(scope="session")
def klines() -> Path:
    """The real ether bars of October 2025; skips where the shared folder is absent."""
    path = SHARED / "data" / "ETHUSDT-15m-2025-10-06.csv"
    if not path.exists():
        pytest.skip("../shared/data is not here: real klines are not part of the repository")
    return path
