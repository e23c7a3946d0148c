"""What a worker of a local crew does first: leave Ctrl-C to the process that started it, which ends its workers in order."""

from __future__ import annotations

import signal


def dask_setup(_: object) -> None:
    """Called by Dask in the worker's own process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
