"""Trade at home, whatever others quote: the clientele that fragmentation lives on.

Its money is there too. A market where only such traders are is moved by them alone, and is put right by nobody but arbitrage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.quotes import Quotes, Wanted
from agents.routings.base import Routing
from protocol.ledger import Floats, Ints


@dataclass(frozen=True)
class AtHome(Routing):
    """Each trades where it is at home, and compares nothing."""

    def deposits(self, home: Ints, markets: int) -> Floats:
        """All of it at home."""
        return np.eye(markets)[home]

    def route(self, wanted: Wanted, quotes: Quotes) -> Floats:
        """Whole, at home, as far as margin goes there."""
        size = np.minimum(wanted.size[:, None], wanted.room)
        return size * np.eye(wanted.room.shape[1])[wanted.home]
