"""Reorganisations: a chain's newest blocks are undone, while other chains keep what they have seen of them.

How deep falls geometrically, as an attacker's chance of catching up does (Nakamoto 2008, section 11). `undoing` carries it out.
Attack surface: whoever was paid elsewhere for what is undone here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.settings import refuse


@dataclass(frozen=True)
class Reorganisations:
    """Before a block the newest is undone with probability `chance`; each time one more with probability `again`, to `deepest`."""

    chance: float = 0.002
    again: float = 0.5
    deepest: int = 6

    def __post_init__(self) -> None:
        """Refuse chances that are none."""
        refuse(
            self,
            chance=(0 <= self.chance <= 1, "0 to 1, a block"),
            again=(0 <= self.again <= 1, "0 to 1"),
            deepest=(self.deepest >= 1, "1 or more blocks"),
        )

    def depth(self, uniform: float) -> int:
        """How many blocks are undone, given a number in (0, 1); 0: none."""
        if uniform >= self.chance:
            return 0
        left = uniform / self.chance
        if self.again in (0.0, 1.0):
            return self.deepest if self.again else 1
        return min(self.deepest, 1 + math.floor(math.log(left) / math.log(self.again)))
