"""Anybody may be liquidated, for a reward beyond the margin that stands behind it: one account liquidates another of one owner.

Euler, 13 March 2023: an account made to fail on purpose, and liquidated by its owner at a discount that others paid for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from experiments.flaws.base import Flaw, slow, spot
from protocol.liquidations.base import Plan
from protocol.liquidations.full import Full
from protocol.state import Listing, State
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class Eager(Full):
    """A position may be closed whether its account is below maintenance or not."""

    reward: float = 0.2

    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """Close all of it."""
        held = int(state.ledger.balance[listing.size, account])
        if held == 0 or state.ledger.exchange[account] >= 0:
            return None
        return Plan(account, listing, -held, math.nan, self.reward, self.penalty)


@dataclass(frozen=True)
class EagerLiquidation(Flaw):
    """The reward is twice the initial margin, and nobody asks for ill health."""

    def sound(self) -> Exchange:
        """A virtual AMM marked by a slow index."""
        return Exchange(markets=(Market("perp", oracle=slow(), venue=VirtualAmm(liquidity=4e6)), spot()))

    def spoilt(self) -> Exchange:
        """With the eager rule."""
        return replace(self.sound(), liquidation=Eager())
