"""The time-weighted geometric mean of a venue's mid (Uniswap v3 whitepaper, Adams et al. 2021, section 5.2).

As the arithmetic mean, but of logarithms: the contract accumulates the whole tick floor(log_1.0001 p), here the natural
logarithm is accumulated unrounded. It treats a rise and a fall by the same factor alike, and the mean of 1/p is 1/mean.
Attack surface: a mid pushed by the factor 1 + x for L of `window` seconds moves the index by (1 + x)^(L / window) - 1.
For one block that grows far slower than x, so one enormous push upwards buys little; a push down to nearly zero weighs
more than under the arithmetic mean, and a small push held for long weighs the same.
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
class GeometricTwap(Oracle):
    """Geometric mean of the mid of `source` (a market of the same exchange; '' is its own) over `window` seconds."""

    sure: ClassVar[bool] = True

    source: str = ""
    window: Seconds = 600.0

    def __post_init__(self) -> None:
        """Refuse a window that is none."""
        require_window(self.window)

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """The integral of the log mid, from `price` on."""
        begin(state, at, math.log(price))

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The mean now; `time` is the last sealed block."""
        value, time = mean(state, at, self.window)
        return Reading(math.exp(value), time, 0.0, Status.FRESH)

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Add the interval that ends now; a venue without a mid leaves the last one standing."""
        source = resolve(state, listing, self.source)
        mid = state.market(source).venue.mid(state, source)
        extend(state, at, self.window, math.log(mid) if 0.0 < mid < math.inf else state.tables[at + ".head"].value)

    def sources(self) -> tuple[str, ...]:
        """The venue it averages."""
        return (self.source,)

    def remembers(self) -> float:
        """Its window."""
        return self.window
