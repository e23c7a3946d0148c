"""First come, first served: a sequencer that serves by arrival.

Fees buy nothing, speed everything; outside demand is served as it trickles in. What waits can be read, but nobody gets in
front of it; whoever sees news first does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from protocol.ledger import Floats, Ints
from protocol.orderings.base import Ordering, Outside
from protocol.orderings.turns import by_arrival


@dataclass(frozen=True)
class Fifo(Ordering):
    """By arrival."""

    chance: ClassVar[bool] = False

    def rank(self, arrival: Floats, tip: Floats, entropy: int) -> Ints:
        """Earliest first."""
        return by_arrival(arrival)

    def ahead(self, outside: Outside, base_fee: float, share: Floats, tip: Floats) -> Floats:
        """Those outside who pay the base fee and came earlier."""
        return outside.above(np.full(len(share), base_fee)) * share
