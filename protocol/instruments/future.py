"""A dated future: it is marked at what it would settle at, and settles for cash at the mean index of its last `window`.

Before the window that is the index (there are no rates to carry it at), inside it blends into the mean reached so far.
Attack surface: that of the settlement window (`settling`).
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.instruments.base import Instrument
from protocol.instruments.settling import begin, dating_mistakes, expected, extend
from protocol.state import Listing, State
from protocol.units import SECONDS_PER_DAY, Seconds


@dataclass(frozen=True)
class Future(Instrument):
    """`expiry` and the settlement `window` before it in seconds."""

    expiry: float = 7.0 * SECONDS_PER_DAY
    window: Seconds = 1_800.0

    def __post_init__(self) -> None:
        """Refuse dates that are none."""
        super().__post_init__()
        if wrong := dating_mistakes(self.expiry, self.window):
            raise ValueError("\n".join(wrong))

    def claims(self) -> tuple[str, ...]:
        """Those of a perpetual; its funding stays at zero."""
        return ("size", "quote", "funding")

    def price(self, state: State, listing: Listing, index: float) -> float:
        """What it would settle at."""
        return expected(state, listing, self.expiry, self.window, index)

    def expires(self) -> float:
        """At `expiry`."""
        return self.expiry

    def start(self, state: State, listing: Listing, index: float) -> None:
        """The running mean."""
        begin(state, listing, index)

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """Bring the running mean forward."""
        extend(state, listing, self.expiry, self.window, index)
