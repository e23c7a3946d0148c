"""What trading cost a group, fill by fill, against fair at that moment: a witness of the chain.

A record tells how far off fair a crowd's plain orders traded; this sees every fill, those in bundles too, and on which side it was.
Cost is what was paid beyond fair, or received short of it, with the market's fee: the effective spread against the true value. A
fill at a better price than fair counts against it. Gas is apart. What an auction clears when a block is closed it does not see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.game import Game
from protocol.chain import Filled
from protocol.exchange import Fill
from protocol.exchange.fills import flat
from protocol.ledger import Ints
from protocol.state import Listing, State


@dataclass
class Execution:
    """Look at the fills of `group`, by market. Cash coins at fair. Set `game` before the first block."""

    group: str
    game: Game | None = None
    traded: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    failed: int = 0  # transactions and plain orders
    orders: int = 0  # of them all

    def before(self, state: State) -> None:
        """Nothing to remember."""
        return

    def after(self, state: State, seen: Any, verb: str, account: int, reverted: bool, outcome: Any) -> None:
        """Count what the group's members traded."""
        mine = self._mine(state, account)
        self.orders += mine
        self.failed += mine and reverted
        for done in flat(outcome):
            if isinstance(done, Fill) and self._mine(state, done.account):
                self._count(state, done.listing, np.array([done.size]), np.array([done.owed]))
            elif isinstance(done, Filled):
                filled = (done.code == 0) & np.array([self._mine(state, one) for one in done.account.tolist()], bool)
                self._count(state, done.listing, done.size[filled], done.owed[filled])

    def _mine(self, state: State, account: int) -> bool:
        return account >= 0 and state.ledger.groups[state.ledger.group[account]] == self.group

    def _count(self, state: State, listing: Listing, size: Ints, owed: Ints) -> None:
        assert self.game is not None, "Execution.game is not set"
        market, scale = state.market(listing), listing.house.cash_scale
        fair = size / listing.size_scale * self.game.fair_now(market.instrument.base)
        fee = market.fee if market.instrument.claims() else 0.0  # a pool of tokens has charged its own
        cost = owed / scale - fair + fee * np.abs(owed) / scale
        self.traded[listing.path] = self.traded.get(listing.path, 0.0) + float(np.abs(fair).sum())
        self.cost[listing.path] = self.cost.get(listing.path, 0.0) + float(cost.sum())

    def slippage(self) -> float:
        """Cost per coin traded, over all markets; nan where nothing was."""
        traded = sum(self.traded.values())
        return sum(self.cost.values()) / traded if traded > 0 else math.nan
