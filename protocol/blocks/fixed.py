"""Fixed block times: slots (Ethereum since 2022, 12 s) and sequencers (0.25 s and less)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.blocks.base import BlockLaw


@dataclass(frozen=True)
class Fixed(BlockLaw):
    """Every `interval` seconds."""

    chance: ClassVar[bool] = False

    def shortest(self) -> float:
        """The interval."""
        return self.interval

    def wait(self, uniform: float) -> float:
        """The interval."""
        return self.interval
