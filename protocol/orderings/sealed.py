"""Sealed: orders are encrypted until their order is fixed, and served as they were committed.

Nobody reads what waits, so nothing can be answered before it is settled. It costs time: an order must be committed `delay`
seconds before the block that opens it, which makes everybody's information older by as much (threshold decryption in
Shutter and F3B: Zhang, Merino et al. 2022, arXiv:2205.08529). Attack surface: whoever sees the news first still commits
first; what a fill tells once it is public; and fees buy nothing, so an attacker's own orders wait like anybody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from protocol.ledger import Floats, Ints
from protocol.orderings.base import Ordering, Outside
from protocol.units import Seconds

LONGEST = 60.0  # seconds: orders of crowds wait no longer


@dataclass(frozen=True)
class Sealed(Ordering):
    """By commitment. `delay` in seconds, from commitment to being opened."""

    public: ClassVar[bool] = False
    chance: ClassVar[bool] = False
    delay: Seconds = 1.0

    def __post_init__(self) -> None:
        """Refuse delays after which nothing is left to open."""
        if not 0 <= self.delay < LONGEST:
            raise ValueError(f"delay = {self.delay}: must be 0 to below {LONGEST:g} seconds, the patience of a crowd")

    def lead(self) -> float:
        """The delay."""
        return self.delay

    def rank(self, arrival: Floats, tip: Floats, entropy: int) -> Ints:
        """Earliest first."""
        return np.argsort(arrival, kind="stable")

    def ahead(self, outside: Outside, base_fee: float, share: Floats, tip: Floats) -> Floats:
        """Those outside who pay the base fee and came earlier."""
        return outside.above(np.full(len(share), base_fee)) * share
