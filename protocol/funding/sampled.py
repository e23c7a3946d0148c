"""Funding by skew, looked at once an interval and paid evenly until it is looked at again.

The rate is that of `Skew` at the end of the first block of an interval; whoever holds a position meanwhile pays or receives it,
whatever the skew has become. So do hourly snapshots, which spare a chain a computation a trade. Attack surface: a skew that
stands for one block sets the rate for the interval, and who made it need not be there to pay it.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.funding.averaged import is_due
from protocol.funding.base import Funding, open_interest
from protocol.funding.skew import skew_rate
from protocol.state import Listing, State
from protocol.units import SECONDS_PER_DAY, Seconds


@dataclass(frozen=True)
class SampledSkew(Funding):
    """`cap` per day at a skew of `skew_scale` base coins, as it is every `interval` seconds."""

    interval: Seconds = 3_600.0
    skew_scale: float = 100_000.0
    cap: float = 0.1

    def __post_init__(self) -> None:
        """Refuse times and scales that are none."""
        wrong = []
        if not self.interval > 0:
            wrong.append(f"interval = {self.interval}: must be above 0 seconds")
        if not self.skew_scale > 0:
            wrong.append(f"skew_scale = {self.skew_scale}: must be above 0 base coins")
        if not self.cap >= 0:
            wrong.append(f"cap = {self.cap}: must be 0 or more per day")
        if wrong:
            raise ValueError("\n".join(wrong))

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """The rate set last, or that of the skew of now where an interval has ended; per second."""
        if not is_due(state.time, elapsed, self.interval):
            return float(state.tables[listing.funding_at][1])
        long, short = open_interest(state, listing)
        return skew_rate(long - short, self.skew_scale, self.cap) / SECONDS_PER_DAY
