"""The block-law family: when the next block is sealed.

Chance enters as a number: whoever runs the chain supplies it, and the protocol itself stays without randomness.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from protocol.units import Seconds


@dataclass(frozen=True)
class BlockLaw(ABC):
    """A law of block times. `interval` is the mean, in seconds."""

    interval: Seconds = 12.0

    chance: ClassVar[bool] = True  # whether the number it is given decides anything

    def __post_init__(self) -> None:
        """Refuse an interval that is none."""
        if not self.interval > 0:
            raise ValueError(f"interval = {self.interval}: must be above 0 seconds")

    def shortest(self) -> float:
        """The shortest wait there can be, seconds."""
        return 0.0

    @abstractmethod
    def wait(self, uniform: float) -> float:
        """Seconds from one block to the next, given a number in (0, 1)."""
