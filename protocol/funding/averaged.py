"""Funding by an averaged premium, set once an interval and paid evenly over the next (Hyperliquid, Binance).

The premium of the mid over the index is averaged over the last `interval` seconds, at the end of every block; what results is
P + clamp(I - P, +-band) per `period`. Hyperliquid sets it hourly and pays an eighth of the eight-hour rate; its rows of May
2023 obey a band of 3 bp, its documents say 5.
Attack surface: as for an instantaneous premium, but it has to be held for a share of the interval that counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.funding.base import Funding, clamp
from protocol.funding.premium import premium_rate
from protocol.oracles.cumulative import begin, extend, mean
from protocol.state import Listing, State
from protocol.units import Seconds


def is_due(now: float, elapsed: float, interval: float) -> bool:
    """Whether a multiple of `interval` lies in the `elapsed` seconds up to `now`. All in seconds."""
    return now // interval > (now - elapsed) // interval


@dataclass(frozen=True)
class AveragedPremium(Funding):
    """`interest`, `band` and `cap` are shares of the price per `period` seconds; the rate is set every `interval` seconds."""

    interval: Seconds = 3_600.0
    period: Seconds = 28_800.0
    interest: float = 0.0001
    band: float = 0.0005
    cap: float = 0.32

    reads: ClassVar[str] = "premium"

    def __post_init__(self) -> None:
        """Refuse periods that are none."""
        wrong = [
            f"{name} = {getattr(self, name)}: must be above 0 seconds"
            for name in ("interval", "period")
            if not getattr(self, name) > 0
        ]
        wrong += [
            f"{name} = {getattr(self, name)}: must be 0 or more" for name in ("band", "cap") if getattr(self, name) < 0
        ]
        if wrong:
            raise ValueError("\n".join(wrong))

    def start(self, state: State, listing: Listing, index: float) -> None:
        """The premium's running integral."""
        begin(state, listing.path + ".funding.premium", 0.0)

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """The rate set last, or a new one where an interval has ended; per second."""
        if not is_due(state.time, elapsed, self.interval):
            return float(state.tables[listing.funding_at][1])
        premium, _ = mean(state, listing.path + ".funding.premium", self.interval)
        return clamp(premium_rate(premium, self.interest, self.band), self.cap) / self.period

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """The premium that stands from now on."""
        premium = state.market(listing).venue.mid(state, listing) / index - 1.0
        extend(state, listing.path + ".funding.premium", self.interval, premium)
