"""The keeper of loans who sells what he takes in the market it is traded in: of a wrapped token there is no other.

So what falls is sold where it falls, which is how a wrapped token that has lost its peg takes others' collateral along.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player
from agents.roles.loan_keeper import LoanKeeper
from agents.view import View
from protocol.state import Listing
from protocol.transactions import Trade

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class PoolKeeper(LoanKeeper):
    """As a LoanKeeper; its market is the one it sells in."""

    def prepare(self, me: Player, game: Game) -> None:
        """Look for a market of tokens."""
        super().prepare(me, game)
        if me.memory["listing"].size >= 0:
            raise ValueError(
                f"market = {me.memory['listing'].name!r}: a PoolKeeper needs a market of tokens to sell in"
            )

    def sale(self, me: Player, view: View, listing: Listing, units: int) -> Action:
        """Into the market, at whatever it pays."""
        return me.send(Trade(listing, me.account, -units))

    def fetches(self, view: View, listing: Listing, units: int) -> float:
        """What the market would pay now; nothing where it cannot fill it."""
        owed = float(view.cost(listing, np.array([-units]))[0])
        return -owed / listing.house.cash_scale if math.isfinite(owed) else 0.0
