"""Funding by premium: P + clamp(I - P, +-band) per period, P the mid's premium over the index (Binance, Hyperliquid).

Published rows of May 2023 obey it with a band of 3 bp, Binance documents 5 bp; both are settings.
Attack surface: the mid of a thin venue sets the rate for everybody (skew it, collect it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.funding.base import Funding, clamp
from protocol.state import Listing, State
from protocol.units import Seconds


def premium_rate(premium: float, interest: float, band: float) -> float:
    """Funding per period: premium + clamp(interest - premium, -band, band). All shares of the price."""
    return premium + clamp(interest - premium, band)


@dataclass(frozen=True)
class Premium(Funding):
    """Rate per `period` seconds, from the mid's premium over the index; never beyond `cap` per period."""

    period: Seconds = 28_800.0
    interest: float = 0.0001
    band: float = 0.0005
    cap: float = 0.04

    reads: ClassVar[str] = "premium"

    def __post_init__(self) -> None:
        """Refuse a period that is none."""
        if not self.period > 0:
            raise ValueError(f"period = {self.period}: must be above 0 seconds")
        if self.band < 0 or self.cap < 0:
            raise ValueError(f"band = {self.band}, cap = {self.cap}: must be 0 or more")

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """The clamped premium, per second."""
        premium = state.market(listing).venue.mid(state, listing) / index - 1.0
        rate = premium_rate(premium, self.interest, self.band)
        return clamp(rate, self.cap) / self.period
