"""The time-weighted arithmetic mean of a venue's mid (Uniswap v2 whitepaper, Adams et al. 2020, section 2.2).

The mean is taken over exactly the last `window` seconds, up to the present second, of the mids that stood at the ends
of blocks; until a window has passed it is over what there is, starting from the price at genesis. It is always fresh.
Attack surface: a mid pushed to p (1 + x) at the end of a block and held for L seconds moves the index by x L / window,
in proportion to x: one enormous push in one block does as much as a small one held for long. It is weak while what
there is to average is still short, and it lags: whoever knows fair knows where the index is going.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from protocol.oracles.base import Oracle, Reading, Status, resolve
from protocol.oracles.cumulative import begin, extend, mean, require_window
from protocol.state import Listing, State
from protocol.units import Seconds


@dataclass(frozen=True)
class ArithmeticTwap(Oracle):
    """Mean of the mid of `source` (a market of the same exchange; '' is the market it serves) over `window` seconds."""

    sure: ClassVar[bool] = True

    source: str = ""
    window: Seconds = 600.0

    def __post_init__(self) -> None:
        """Refuse a window that is none."""
        require_window(self.window)

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """The integral of the mid, from `price` on."""
        begin(state, at, price)

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The mean now; `time` is the last sealed block."""
        value, time = mean(state, at, self.window)
        return Reading(value, time, 0.0, Status.FRESH)

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Add the interval that ends now; a venue without a mid leaves the last one standing."""
        source = resolve(state, listing, self.source)
        mid = state.market(source).venue.mid(state, source)
        extend(state, at, self.window, mid if 0.0 < mid < math.inf else state.tables[at + ".head"].value)

    def sources(self) -> tuple[str, ...]:
        """The venue it averages."""
        return (self.source,)

    def remembers(self) -> float:
        """Its window."""
        return self.window
