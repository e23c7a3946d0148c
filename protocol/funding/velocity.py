"""Funding with velocity: the skew moves the rate, not sets it, so that the rate finds its own level (Synthetix SIP-279).

d rate / dt = velocity * skew / skew_scale, for the skew that stood; what is owed for an interval is the mean of the rates at its
ends, as SIP-279's unrecorded funding has it, which is exact for a constant skew whatever the block times. Over a closed cycle
of the rate the counterparty of the skew gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.funding.base import Funding, clamp, remember_interest, stood
from protocol.state import Listing, State
from protocol.units import SECONDS_PER_DAY


def velocity_rate(rate: float, skew: float, scale: float, velocity: float, days: float) -> float:
    """Rate per day after `days` at a constant `skew`. `velocity` is the change per day and day at full skew."""
    return rate + velocity * clamp(skew / scale, 1.0) * days


@dataclass(frozen=True)
class Velocity(Funding):
    """`velocity` per day and day at a skew of `skew_scale` base coins."""

    skew_scale: float = 1_000_000.0
    velocity: float = 3.0

    def __post_init__(self) -> None:
        """Refuse a scale that divides by nothing."""
        if not self.skew_scale > 0:
            raise ValueError(f"skew_scale = {self.skew_scale}: must be above 0 base coins")

    def start(self, state: State, listing: Listing, index: float) -> None:
        """The open interest of now."""
        remember_interest(state, listing)

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """The last rate, moved by the skew that stood since."""
        last = float(state.tables[listing.path + ".funding"][1]) * SECONDS_PER_DAY
        long, short = stood(state, listing)
        days = elapsed / SECONDS_PER_DAY
        return velocity_rate(last, long - short, self.skew_scale, self.velocity, days) / SECONDS_PER_DAY

    def paid(self, before: float, after: float, elapsed: float) -> float:
        """The mean of both ends."""
        return 0.5 * (before + after) * elapsed

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """The open interest that stands from now on."""
        remember_interest(state, listing)
