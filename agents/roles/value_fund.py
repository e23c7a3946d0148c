"""The value fund: the further below value the price, the more it buys, until its leverage is what it may have.

There it targets leverage: when the price falls its capital falls faster, and it must sell. Investors bring money after good
returns and take it back after bad ones; a fund that has lost nearly all closes, and another takes its place later. Source:
Thurner, Farmer and Geanakoplos 2012, "Leverage causes fat tails and clustered volatility", Quantitative Finance 12(5), 695-707,
sections 2.2 to 2.4. Departures: its capital is that of the last sealed block, not of the price that is being found, so
that its schedule falls with the price and an auction can take it; and investors wait while margin is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, Role
from agents.roles.noise_demand import need_auction
from agents.schedules import grid, schedule
from agents.view import View
from protocol import exchange
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import Deposit, Withdraw
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game

DUST = 1e-4  # cash coins that it keeps for what rounding may take
SHY = 1e-6  # of its leverage that it leaves unused: what rounding may take


@dataclass(frozen=True)
class ValueFund(Role):
    """Wants `aggression` times the relative gap to `value` times its capital, up to `leverage`; starts with `stake` cash coins.

    Rates by the block: investors weigh new returns by `weight`, and move `flow` of the capital for each unit of the mean return
    above `benchmark`. Below `ruin` of the stake it closes, for `pause` blocks. What it does not need waits in its wallet.
    """

    capital: float = 1e7
    latency: float = 0.1
    value: float = 100.0
    aggression: float = 5.0
    leverage: float = 7.5
    stake: float = 200.0
    weight: float = 0.1
    flow: float = 0.15
    benchmark: float = 0.005
    ruin: float = 0.1
    pause: int = 100

    def mistakes(self) -> list[str]:
        """Multiples and shares."""
        return refusals(
            self,
            value=(0 < self.value < math.inf, "above 0 cash coins"),
            aggression=(0 < self.aggression < math.inf, "above 0, a multiple of capital"),
            leverage=(0 < self.leverage < math.inf, "above 0, a multiple of capital"),
            stake=(0 < self.stake <= self.capital, f"above 0 to capital = {self.capital}"),
            weight=(0 < self.weight <= 1, "above 0 to 1"),
            flow=(0 <= self.flow < math.inf, "0 or more"),
            benchmark=(math.isfinite(self.benchmark), "a return a block"),
            ruin=(0 <= self.ruin < 1, "0 to below 1, a share of the stake"),
            pause=(self.pause >= 0, "0 or more blocks"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Put up the stake."""
        listing = game.listing(self.market, self.exchange)
        need_auction(game, listing)
        exchange.deposit(
            game.state, listing.house, me.account, to_units_down(self.stake, int(listing.house.cash_scale))
        )
        me.memory.update(listing=listing, opens=0)
        self._open(me)

    def _open(self, me: Player) -> None:
        me.memory.update(last=self.stake, mean=0.0, owed=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Settle with investors, then send the schedule for what capital is left."""
        memory, listing = me.memory, me.memory["listing"]
        margin = view.state.exchange(listing.house).margin
        worth, needs = margin.standing(view.state, listing.house, Threshold.INITIAL, me.account)
        held = view.balance(listing.size, me.account)
        if memory["opens"] > view.state.height:
            return self._closing(me, view, listing, held)
        if memory["opens"] and memory["opens"] <= view.state.height:
            memory["opens"] = 0
            self._open(me)
            return self._settle(me, listing, self.stake - worth)
        if worth < self.ruin * self.stake:
            memory["opens"] = view.state.height + max(1, self.pause)
            me.note(view, "fund closes", worth=worth)
            return self._closing(me, view, listing, held)
        capital = worth - memory["owed"]
        memory["mean"] += self.weight * ((capital - memory["last"]) / memory["last"] - memory["mean"])
        brought = max(-1.0, self.flow * (memory["mean"] - self.benchmark)) * capital
        capital += brought
        memory["last"], memory["owed"] = capital, memory["owed"] - brought
        moved = -min(memory["owed"], max(0.0, worth - needs - DUST))
        memory["owed"] += moved
        return (*self._settle(me, listing, moved), *self._orders(me, view, listing, capital, held))

    def _orders(self, me: Player, view: View, listing: Listing, capital: float, held: int) -> Iterable[Action]:
        """What it wants at each price: by the gap to value, up to its leverage at the price of now."""
        price = view.mid(listing)
        prices = grid(price, 0.005, 0.02)
        share = np.minimum(self.aggression * np.maximum(0.0, 1.0 - prices / self.value), self.leverage)
        coins = np.minimum(share / prices, self.leverage / price) * max(0.0, capital) * (1.0 - SHY)
        sent = schedule(me, view, listing, prices, coins * listing.size_scale, held)
        return () if sent is None else (sent,)

    def _closing(self, me: Player, view: View, listing: Listing, held: int) -> Iterable[Action]:
        """Sell whatever is left at any price."""
        prices = grid(view.mid(listing), 0.01, 0.01)
        sent = schedule(me, view, listing, prices, np.zeros(len(prices)), held)
        return () if sent is None else (sent,)

    @staticmethod
    def _settle(me: Player, listing: Listing, cash: float) -> Iterable[Action]:
        """Pay in, or out to investors, cash coins."""
        units = to_units_down(abs(cash), int(listing.house.cash_scale))
        if units == 0:
            return ()
        verb = Deposit if cash > 0 else Withdraw
        return (me.send(verb(listing.house, me.account, units)),)
