"""Funding with velocity: the skew moves the rate, not sets it, so that the rate finds its own level (Synthetix SIP-279).

d rate / dt = velocity * skew / skew_scale.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.funding.base import Funding
from protocol.funding.skew import open_skew
from protocol.state import Listing, State
from protocol.units import SECONDS_PER_DAY


def velocity_rate(rate: float, skew: float, scale: float, velocity: float, days: float) -> float:
    """Rate per day after `days` at a constant `skew`. `velocity` is the change per day and day at full skew."""
    return rate + velocity * max(-1.0, min(1.0, skew / scale)) * days


@dataclass(frozen=True)
class Velocity(Funding):
    """`velocity` per day and day at a skew of `skew_scale` base coins."""

    skew_scale: float = 1_000_000.0
    velocity: float = 3.0

    def __post_init__(self) -> None:
        """Refuse a scale that divides by nothing."""
        if not self.skew_scale > 0:
            raise ValueError(f"skew_scale = {self.skew_scale}: must be above 0 base coins")

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """The last rate, moved by the skew over the time since."""
        last = float(state.tables[listing.path + ".funding"][1]) * SECONDS_PER_DAY
        skew = open_skew(state, listing)
        return velocity_rate(last, skew, self.skew_scale, self.velocity, elapsed / SECONDS_PER_DAY) / SECONDS_PER_DAY
