"""Funding by imbalance: the larger side pays factor * |L - S|^exponent / (L + S) per second (GMX v2).

GMX hands all of it to the smaller side, so that its rate per coin is larger by the ratio of the sides (`sides`). Here a
market has one index: the larger side pays exactly that rate, the smaller receives the same *per coin*, and what is left
goes to whoever carries the skew, which is the vault. Over one second that is the same total from the same payers.
Attack surface: the smaller side of a lopsided market is paid for being there, at a rate that it can steer with two accounts.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.funding.base import Funding, open_interest
from protocol.state import Listing, State


def sides(long: float, short: float, factor: float, exponent: float) -> tuple[float, float]:
    """What a coin held long and a coin held short pay per second, shares of notional; negative: receives. `long`, `short`: cash."""
    if long == short:
        return 0.0, 0.0
    rate = factor * abs(long - short) ** exponent / (long + short)
    larger, smaller = max(long, short), min(long, short)
    received = rate * larger / smaller if smaller > 0 else 0.0
    return (rate, -received) if long > short else (-received, rate)


@dataclass(frozen=True)
class Imbalance(Funding):
    """`factor` per second, of open interest in cash coins to the power of `exponent`."""

    factor: float = 2e-8
    exponent: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what would pay the heavier side."""
        wrong = []
        if not self.factor >= 0:
            wrong.append(f"factor = {self.factor}: must be 0 or more per second")
        if not self.exponent > 0:
            wrong.append(f"exponent = {self.exponent}: must be above 0")
        if wrong:
            raise ValueError("\n".join(wrong))

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """What the larger side pays, with its sign."""
        long, short = (index * coins for coins in open_interest(state, listing))
        paid = sides(long, short, self.factor, self.exponent)
        return paid[0] if long > short else -paid[1]
