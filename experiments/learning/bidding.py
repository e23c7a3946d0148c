"""A keeper's seat: it goes after whatever pays, as any keeper, and the learner says what share of the prize it bids."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.player import Action, Player
from agents.roles.keeper import Keeper
from agents.roles.taking import affordable, look_back
from agents.view import View
from experiments.learning.base import Seat

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class KeeperSeat(Seat):
    """`keeper` says what it goes after; its own bid is not asked."""

    capital: float = 1_000_000.0
    latency: float = 0.2
    keeper: Keeper = field(default_factory=Keeper)

    signals = ("targets", "prize", "purse")
    moves = {"bid": (0.0, 1.0)}

    @property
    def usual(self) -> tuple[float, ...]:
        """Its keeper's bid."""
        return (self.keeper.bid_share,)

    def prepare(self, me: Player, game: Game) -> None:
        """Nine tenths of its capital stand as margin, the rest pays gas."""
        Keeper(capital=self.capital, exchange=self.exchange).prepare(me, game)

    def report(self, me: Player, view: View) -> Iterable[float]:
        """How many targets pay, decades of cash coins that they bring, and what is in its wallet of a tenth of its capital."""
        house = view.house(self.exchange)
        worth = self._worth(me, view)
        purse = view.balance(house.token, me.account) / house.cash_scale
        return len(worth), math.log10(1.0 + sum(profit for *_, profit in worth)), 10.0 * purse / max(self.capital, 1.0)

    def play(self, me: Player, view: View, moves: tuple[float, ...]) -> Iterable[Action]:
        """Bid the share for each, if the wallet pays for it."""
        for listing, transaction, profit in self._worth(me, view):
            tip = affordable(view, me, listing, transaction.gas, max(self.tip, moves[0] * profit / transaction.gas))
            if tip >= self.tip:
                yield me.send(transaction, tip)

    def _worth(self, me: Player, view: View) -> list[tuple[Any, Any, float]]:
        """What pays; asked once a block, since asking leaves notes."""
        if me.memory.get("height") != view.state.height:
            look_back(me, view)
            worth = list(self.keeper.worthwhile(me, view, view.house(self.exchange)))
            me.memory.update(height=view.state.height, worth=worth)
        found: list[tuple[Any, Any, float]] = me.memory["worth"]
        return found
