"""Socialised loss: everybody with equity pays in proportion to it.

The last step: it always ends the deficit if anybody has anything, and it reaches those who took no part.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.losses.base import NOBODY, Charges, Loss, players, pro_rata
from protocol.margins.base import Threshold
from protocol.state import House, State


@dataclass(frozen=True)
class Socialise(Loss):
    """Charges players' positive equity, at most `most` of it."""

    most: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 < self.most <= 1:
            raise ValueError(f"most = {self.most}: allowed above 0 to 1, a share of equity")

    def charge(self, state: State, house: House, debtor: int, deficit: int) -> Charges:
        """Pro rata to equity, exactly."""
        worth, _ = state.exchange(house).margin.standings(state, house, Threshold.MAINTENANCE)
        who = players(state)
        who = who[(worth[who] > 0) & (who != debtor)]
        if len(who) == 0:
            return NOBODY
        units = min(deficit, int(worth[who].sum() * self.most * house.cash_scale))
        return Charges(who, pro_rata(units, worth[who])) if units > 0 else NOBODY
