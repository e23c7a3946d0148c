"""Full liquidation: the whole position is closed on the venue, at whatever price it gives.

It ends the risk at once, and sells hardest when the book is thinnest: the price channel of every cascade.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from protocol.liquidations.base import Liquidation, Plan, below_maintenance, check_rates
from protocol.state import Listing, State


@dataclass(frozen=True)
class Full(Liquidation):
    """`reward` to the keeper and `penalty` to the insurance, as shares of the notional closed."""

    waits: ClassVar[bool] = False

    reward: float = 0.002
    penalty: float = 0.005

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        if wrong := check_rates(self.reward, self.penalty):
            raise ValueError("\n".join(wrong))

    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """Close all of it."""
        found = below_maintenance(state, listing, account)
        if found is None:
            return None
        return Plan(account, listing, -found[0], math.nan, self.reward, self.penalty)
