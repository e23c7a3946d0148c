"""A sequencer with outages: blocks come at a fixed pace, and now and then none comes for a while.

Outages begin after exponential times of mean `every`, to the grain of a block, and last exponential times of mean `lasting`;
`interval` is the mean wait with outages in it, so blocks come a little faster while it is up. What players have sent waits,
and is served in order once it is back (Arbitrum's stood still for 78 minutes on 15 December 2023). Attack surface: an index
ages for as long as it lasts, and whoever is first in the queue trades at it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.blocks.base import BlockLaw
from protocol.units import Seconds


@dataclass(frozen=True)
class Outages(BlockLaw):
    """`every`: mean seconds from one outage to the next; `lasting`: mean seconds of one."""

    every: Seconds = 86_400.0
    lasting: Seconds = 600.0

    def __post_init__(self) -> None:
        """Refuse a sequencer that is never up."""
        super().__post_init__()
        if not self.interval < self.every < math.inf:
            raise ValueError(f"every = {self.every}: must be above interval = {self.interval} seconds")
        if not 0 <= self.lasting < math.inf:
            raise ValueError(f"lasting = {self.lasting}: must be 0 or more seconds")

    def shortest(self) -> float:
        """The pace while it is up: seconds from one block to the next."""
        return self.interval * self.every / (self.every + self.lasting)

    def wait(self, uniform: float) -> float:
        """The pace, and in a share of blocks an outage on top of it, from what is left of the same draw."""
        pace = self.shortest()
        chance = pace / self.every
        return pace if uniform >= chance else pace - self.lasting * math.log(uniform / chance)
