"""Funding by an averaged premium plus interest, without a clamp between them (dYdX v3).

The premium of the mid over the index, averaged over an hour, is paid over eight, with interest on top. With a mean of no
length it is the rule of the theory: kappa (f - x) + iota x, kappa = 1 / period (Ackerer, Hugonnier and Jermann 2023).
Attack surface: nothing dampens a small premium, so a thin mid sets the rate from its first basis point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.funding.base import Funding, clamp
from protocol.oracles.cumulative import begin, extend, mean
from protocol.state import Listing, State
from protocol.units import Seconds


@dataclass(frozen=True)
class PremiumPlus(Funding):
    """`interest` and `cap` are shares of the price per `period` seconds; the premium is averaged over `window` seconds."""

    window: Seconds = 3_600.0
    period: Seconds = 28_800.0
    interest: float = 0.0001
    cap: float = 0.06

    reads: ClassVar[str] = "premium"

    def __post_init__(self) -> None:
        """Refuse times that are none."""
        wrong = [
            f"{name} = {getattr(self, name)}: must be above 0 seconds"
            for name in ("window", "period")
            if not getattr(self, name) > 0
        ]
        if self.cap < 0:
            wrong.append(f"cap = {self.cap}: must be 0 or more")
        if wrong:
            raise ValueError("\n".join(wrong))

    def start(self, state: State, listing: Listing, index: float) -> None:
        """The premium's running integral."""
        begin(state, listing.path + ".funding.premium", 0.0)

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """Mean premium plus interest, per second."""
        premium, _ = mean(state, listing.path + ".funding.premium", self.window)
        return clamp(premium + self.interest, self.cap) / self.period

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """The premium that stands from now on."""
        premium = state.market(listing).venue.mid(state, listing) / index - 1.0
        extend(state, listing.path + ".funding.premium", self.window, premium)
