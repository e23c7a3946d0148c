"""An exponential moving average around any oracle: what it said, remembered by half-lives.

Where `Ema` averages a venue of the same exchange, this averages an index that comes from anywhere, reports from outside included.
After dt seconds the average is value + (average - value) * 2^(-dt / half_life), as there (Egorov, Automatic market-making with
dynamic peg, Curve 2021). A reading that is not fresh pulls nothing, and its status is passed on.
Attack surface: the inner oracle's, for as long as a push is held: x held for L seconds moves it by x (1 - 2^(-L / half_life)).
It lags, and whoever must honour it is sniped by those who know where it is going; liquidations come as late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from protocol.oracles.around import INNER, Around
from protocol.oracles.base import FRESH, Oracle, Reading
from protocol.oracles.ema import Average, after
from protocol.oracles.median import Median
from protocol.state import Listing, State
from protocol.units import Seconds


@dataclass(frozen=True)
class Smoothed(Around):
    """Averages `inner`; `half_life` in seconds."""

    inner: Oracle = field(default_factory=Median)
    half_life: Seconds = 3_600.0

    def __post_init__(self) -> None:
        """Refuse a half-life that is none."""
        if not 0 < self.half_life < math.inf:
            raise ValueError(f"half_life = {self.half_life}: must be above 0 seconds")

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """The average starts at `price`."""
        self.inner.start(state, listing, at + INNER, price)
        state.put(at, Average(price, price, state.time))

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The average now; time and status are the inner oracle's."""
        average: Average = state.tables[at]
        inner = self.inner.read(state, listing, at + INNER)
        return inner._replace(value=after(average, state.time, self.half_life))

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Close the interval that ends now."""
        self.inner.observe(state, listing, at + INNER)
        seen, average = self.inner.read(state, listing, at + INNER), state.tables[at]
        value = seen.value if seen.status == FRESH else average.mid
        state.put(at, Average(after(average, state.time, self.half_life), value, state.time))
