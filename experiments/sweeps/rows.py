"""What travels between those who order runs, those who play them, and those who keep them. Light to import.

A worker of a cluster knows no more than this of what it hands on to the process that plays.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 500  # characters of an error


class Job(NamedTuple):
    """A sweep as it travels: the key by which it is known, the files of its plugins, the sweep pickled, and what a run may take.

    Pickled, since only the process that plays has loaded the plugins whose classes may be in it. `sources`: digests of the engine
    and of the plugins, which must be the same wherever it is played.
    """

    key: str
    plugins: tuple[str, ...]
    blob: bytes
    seconds: float | None
    memory: float | None  # MiB
    sources: tuple[str, str]


class Cell(NamedTuple):
    """One run of a sweep."""

    point: int
    replicate: int


class Took(NamedTuple):
    """What runs took where they were played, building and measuring included: seconds by the clock, and of its processor."""

    clock: float
    cpu: float

    def and_also(self, more: Took) -> Took:
        """Both together."""
        return Took(self.clock + more.clock, self.cpu + more.cpu)


NOTHING = Took(0.0, 0.0)


class Row(NamedTuple):
    """What became of a run. `status`: ok, refused, raised, late, memory, or died; `numbers` as `experiments.columns` says."""

    point: int
    replicate: int
    status: str
    error: str
    digest: str
    numbers: dict[str, float]


def failed(cell: Cell, status: str, error: str) -> Row:
    """The row of a run that went wrong; what differs from process to process is taken out of the words."""
    words = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(error.split()))
    return Row(*cell, status, words[:LONGEST], "", {})
