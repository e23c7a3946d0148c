"""The hedger: it has the vault's hedge carried out whenever the reward is worth the gas. It decides nothing else.

Where the reward is too small for the chain's fees, nobody comes, and the vault stays as exposed as its traders made it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.roles.errand import run_errand
from agents.view import View
from protocol.motions import Hedge

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Hedger(Role):
    """Wants `least_profit` cash coins beyond gas; bids `bid_share` of the rest as tip."""

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
        if game.state.exchange(house).hedging is None:
            raise ValueError(f"exchange = {house.name!r}: does not hedge")
        me.memory["until"] = 0.0

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Ask for the hedge if it would be done, and pays."""
        house = view.house(self.exchange)
        rules = view.state.exchange(house).hedging
        if rules is None or view.state.time < me.memory["until"] or not rules.plan(view.state, house):
            return ()
        listing = view.state.listings[house.index][0]
        sent = run_errand(self, me, view, listing, "hedge", Hedge(house, me.account), rules.reward)
        if sent:
            me.memory["until"] = view.seal
        return sent
