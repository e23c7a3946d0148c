"""The rebalancer: it has strategies' plans carried out whenever the reward is worth the gas. It decides nothing else.

Where the reward is too small for the chain's fees, nobody comes: options expire, and the strategy stands without new ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.roles.errand import run_errand
from agents.view import View
from protocol.strategy_transactions import Rebalance

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Rebalancer(Role):
    """Serves all strategies of an exchange; wants `least_profit` cash coins beyond gas, and bids `bid_share` of the rest as tip."""

    capital: float = 10_000.0
    latency: float = 0.5
    bid_share: float = 0.2
    least_profit: float = 0.0

    def mistakes(self) -> list[str]:
        """A bid is a share of the prize."""
        return [] if 0 <= self.bid_share <= 1 else [f"bid_share = {self.bid_share}: allowed 0 to 1"]

    def prepare(self, me: Player, game: Game) -> None:
        """Look whether there is anything to do."""
        house = game.house(self.exchange)
        if not game.state.mandates[house.index]:
            raise ValueError(f"exchange = {house.name!r}: has no strategies")
        me.memory["until"] = {}

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Ask for each plan that has something to do, would be done, and pays."""
        house, until = view.house(self.exchange), me.memory["until"]
        sent: list[Action] = []
        for mandate in view.state.mandates[house.index]:
            rule = view.state.exchange(house).strategies[mandate.index]
            if view.state.time < until.get(mandate.index, 0.0) or not rule.plan(view.state, mandate).orders:
                continue
            listing = view.state.find(house, rule.underlying)
            errand = Rebalance(mandate, me.account)
            if found := tuple(run_errand(self, me, view, listing, f"{mandate.name} plan", errand, rule.reward)):
                until[mandate.index] = view.seal
                sent += found
        return sent
