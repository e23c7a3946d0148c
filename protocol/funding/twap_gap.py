"""Funding by the gap between two means: that of the mark and that of the index, over a day (01, Mango).

rate = (TWAP of the mark - TWAP of the index) / 24 per hour, where the mark may be no further than `bound` from the index.
Attack surface: a gap held for the window pays the holder for a day's share of it, and is bounded by `bound`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.funding.base import Funding
from protocol.oracles.cumulative import begin, extend, mean
from protocol.state import Listing, State
from protocol.units import SECONDS_PER_DAY, Seconds


def gap_rate(mark: float, index: float, bound: float) -> float:
    """Share of the index per day for mean `mark` and `index`, cash coins, the mark held within (1 +- `bound`) of the index."""
    return max(1.0 - bound, min(1.0 + bound, mark / index)) - 1.0


@dataclass(frozen=True)
class TwapGap(Funding):
    """Means over `window` seconds; the mark counts up to `bound` (a share) away from the index."""

    window: Seconds = 3_600.0
    bound: float = 0.05

    reads: ClassVar[str] = "premium"

    def __post_init__(self) -> None:
        """Refuse a window that is none, and a bound beyond zero."""
        wrong = []
        if not self.window > 0:
            wrong.append(f"window = {self.window}: must be above 0 seconds")
        if not 0 <= self.bound < 1:
            wrong.append(f"bound = {self.bound}: allowed 0 to below 1")
        if wrong:
            raise ValueError("\n".join(wrong))

    def start(self, state: State, listing: Listing, index: float) -> None:
        """Two running integrals, of the mark and of the index."""
        for name in ("mark", "index"):
            begin(state, f"{listing.path}.funding.{name}", index)

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """The gap, per second."""
        mark, middle = (mean(state, f"{listing.path}.funding.{name}", self.window)[0] for name in ("mark", "index"))
        return gap_rate(mark, middle, self.bound) / SECONDS_PER_DAY

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """Both prices that stand from now on."""
        for name, price in (("mark", state.market(listing).venue.mid(state, listing)), ("index", index)):
            extend(state, f"{listing.path}.funding.{name}", self.window, price)
