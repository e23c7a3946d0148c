"""The pairing family: which leg of a position over two chains may be offered, and which may be opened, as both stand.

Legs are told by their ends of the bridge: 0 on its source, 1 on its target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum


class Stage(IntEnum):
    """How far a leg has come."""

    NONE = 0  # not offered, or not seen yet
    OFFERED = 1
    PREPARED = 2  # accepted: the secret alone is missing
    OPEN = 3
    DROPPED = 4


Stages = tuple[Stage, Stage]


@dataclass(frozen=True)
class Pairing(ABC):
    """`first`: the end, "source" or "target", that goes first where one does."""

    first: str = "source"

    def __post_init__(self) -> None:
        """Refuse an end that is none."""
        if self.first not in ("source", "target"):
            raise ValueError(f"first = {self.first!r}: must be source or target")

    @property
    def lead(self) -> int:
        """The end that goes first."""
        return 0 if self.first == "source" else 1

    @abstractmethod
    def offers(self, end: int, stages: Stages) -> bool:
        """Whether the leg at an end may be offered."""

    @abstractmethod
    def opens(self, end: int, stages: Stages) -> bool:
        """Whether the leg at an end, which is prepared, may be opened."""
