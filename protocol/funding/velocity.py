"""Funding with velocity: the skew moves the rate, not sets it, so that the rate finds its own level (Synthetix SIP-279).

d rate / dt = velocity * skew / skew_scale, for the skew that stood; what is owed for an interval is the mean of the rates at its
ends, as SIP-279's unrecorded funding has it, which is exact for a constant skew whatever the block times. Over a closed cycle
of the rate the counterparty of the skew gains nothing. The pure formulas take `one`, 1.0 of floats or the fixed point of ints, and
are then the contract's own (PerpsV2MarketBase.sol).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from protocol.fixed_point import to_zero
from protocol.funding.base import Funding, remember_interest, stood
from protocol.state import Listing, State
from protocol.units import SECONDS_PER_DAY

N = TypeVar("N", int, float)


def velocity_rate(rate: N, skew: N, scale: N, velocity: N, days: N, one: N) -> N:
    """Rate per day after `days` at a constant `skew`. `velocity` is the change per day and day at full skew."""
    lean = max(-one, min(one, to_zero(skew, one, scale)))
    return rate + to_zero(to_zero(lean, velocity, one), days, one)


def mean_of(before: N, after: N, days: N, one: N) -> N:
    """What is owed for `days`, a share of the price, at the mean of the rates at their ends."""
    return to_zero(to_zero(before + after, one, 2 * one), days, one)


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
        last = float(state.tables[listing.funding_at][1]) * SECONDS_PER_DAY
        long, short = stood(state, listing)
        days = elapsed / SECONDS_PER_DAY
        return velocity_rate(last, long - short, self.skew_scale, self.velocity, days, 1.0) / SECONDS_PER_DAY

    def paid(self, before: float, after: float, elapsed: float) -> float:
        """The mean of both ends."""
        return mean_of(before, after, elapsed, 1.0)

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """The open interest that stands from now on."""
        remember_interest(state, listing)
