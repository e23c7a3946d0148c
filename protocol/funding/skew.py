"""Funding by skew: the heavier side pays in proportion to how far the market leans (Synthetix SIP-80).

rate = clamp(skew / skew_scale, +-1) * cap per day. Attack surface: whoever holds both sides on two accounts pays nothing and
can turn the rate for everybody else.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.funding.base import Funding, clamp, open_interest
from protocol.state import Listing, State
from protocol.units import SECONDS_PER_DAY


def skew_rate(skew: float, scale: float, cap: float) -> float:
    """Funding per day for a `skew` and `scale` in the same unit. SIP-80 with the sign such that a long skew pays."""
    return clamp(skew / scale, 1.0) * cap


@dataclass(frozen=True)
class Skew(Funding):
    """`cap` per day at a skew of `skew_scale` base coins."""

    skew_scale: float = 100_000.0
    cap: float = 0.1

    def __post_init__(self) -> None:
        """Refuse a scale that divides by nothing."""
        if not self.skew_scale > 0:
            raise ValueError(f"skew_scale = {self.skew_scale}: must be above 0 base coins")

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """The skew's rate, per second."""
        long, short = open_interest(state, listing)
        return skew_rate(long - short, self.skew_scale, self.cap) / SECONDS_PER_DAY
