"""The liquidation keeper: it scans public accounts, and sends what its own simulation says will pay.

It needs a margin account, pays gas for every attempt, and bids a share of the prize in priority fees. Too slow, too poor or
too dear a chain, and accounts below maintenance stay open: that is how bad debt is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, Role
from agents.view import View
from protocol import exchange
from protocol.margins.base import Threshold
from protocol.oracles.base import read_mark
from protocol.transactions import GAS, Liquidate
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Keeper(Role):
    """Bids `bid_share` of the reward as tip; goes after at most `most` accounts a block; wants `least_profit` cash coins."""

    capital: float = 1_000_000.0
    latency: float = 0.2
    bid_share: float = 0.2
    most: int = 32
    least_profit: float = 0.0

    def mistakes(self) -> list[str]:
        """A bid is a share of the prize."""
        return [] if 0 <= self.bid_share <= 1 else [f"bid_share = {self.bid_share}: allowed 0 to 1"]

    def prepare(self, me: Player, game: Game) -> None:
        """Nine tenths of its capital stand as margin, the rest pays gas."""
        house = game.house(self.exchange)
        exchange.deposit(game.state, house, me.account, to_units_down(0.9 * self.capital, int(house.cash_scale)))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Liquidate the largest accounts below maintenance that are worth it."""
        house = view.house(self.exchange)
        margin = view.state.exchange(house).margin
        below, needs = margin.below(view.state, house, Threshold.MAINTENANCE)
        if len(below) == 0:
            return
        mine = view.state.ledger.exchange[below] < 0
        below, needs = below[mine], needs[mine]
        for account in below[np.argsort(-needs, kind="stable")][: self.most].tolist():
            for listing in view.state.listings[house.index]:
                if listing.size < 0 or view.balance(listing.size, account) == 0:
                    continue
                transaction = Liquidate(listing, me.account, account)
                done, revert = view.simulate(transaction)
                if revert is not None:
                    continue
                gas = GAS["Liquidate"]
                prize = self._prize(view, done)
                cost = gas * view.fee(listing)
                if prize - cost <= self.least_profit:
                    me.note(view, "liquidation declined", account=account, prize=prize, gas=cost)
                    continue
                yield me.send(transaction, max(self.tip, self.bid_share * (prize - cost) / gas))

    @staticmethod
    def _prize(view: View, done: exchange.Liquidated) -> float:
        """Cash coins: the reward, or the discount of what it takes over at the mark."""
        scale = done.listing.house.cash_scale
        value = done.taken * read_mark(view.state, done.listing).value * done.listing.price_scale
        discount = abs(value - done.notional) if done.taken else 0.0
        return (done.reward + discount) / scale
