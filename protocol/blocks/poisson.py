"""Poisson block times: proof of work, and the law under which loss-versus-rebalancing has its closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.blocks.base import BlockLaw


@dataclass(frozen=True)
class Poisson(BlockLaw):
    """Exponential waits of mean `interval` seconds."""

    def wait(self, uniform: float) -> float:
        """By inversion."""
        return -self.interval * math.log(uniform)
