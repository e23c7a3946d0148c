"""Noise traders as one: the cash that they want to have in the asset wanders, and returns slowly to what all of it is worth.

Demand in base coins is that cash over the price, out of `supply` coins of which they hold what nobody else does; as claims sum to
zero, they are short what others are long. They are two camps that take turns in wanting the larger part, so that there is always
somebody to trade with; what both want together does not depend on it. For auctions: each sends its whole schedule to every one.
Source: Thurner, Farmer and Geanakoplos 2012, "Leverage causes fat tails and clustered volatility", Quantitative Finance 12(5),
695-707, section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.schedules import grid, schedule
from agents.streams import normal_at
from agents.view import View
from protocol import exchange
from protocol.settings import refusals
from protocol.state import Listing
from protocol.units import to_units_down
from protocol.venues.base import AT_THE_CLOSE

if TYPE_CHECKING:
    from agents.game import Game


def need_auction(game: Game, listing: Listing) -> None:
    """Raise ValueError where a schedule cannot be sent: it needs claims that trade in an auction."""
    if listing.size < 0 or game.state.market(listing).venue.settles != AT_THE_CLOSE:
        raise ValueError(f"market = {listing.name!r}: a demand schedule needs claims that trade in an auction")


@dataclass(frozen=True)
class NoiseDemand(Role):
    """`supply` base coins; log cash follows an autoregression of `memory` and `noise` a block, around `supply` at `value`.

    A camp wants `churn` more than half in one block and as much less in the next. `step`: log price from
    one of its orders to the next, near the last price.
    """

    count: int = 2
    capital: float = 1e9
    supply: float = 1_000.0
    value: float = 100.0
    memory: float = 0.99
    noise: float = 0.035
    churn: float = 0.2
    step: float = 0.001

    def mistakes(self) -> list[str]:
        """A stationary demand for something."""
        return refusals(
            self,
            supply=(0 < self.supply < math.inf, "above 0 base coins"),
            value=(0 < self.value < math.inf, "above 0 cash coins"),
            memory=(0 <= self.memory <= 1, "0 to 1"),
            noise=(0 <= self.noise < math.inf, "0 or more"),
            step=(0 < self.step <= 0.01, "above 0 to 0.01 of the price"),
            churn=(0 < self.churn < 1, "above 0 to below 1, a share of what a camp wants"),
            count=(self.count in (0, 2), "0 or 2: they are two camps"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Bring all money; want all there is at `value`."""
        listing = game.listing(self.market, self.exchange)
        need_auction(game, listing)
        exchange.deposit(
            game.state, listing.house, me.account, to_units_down(self.capital, int(listing.house.cash_scale))
        )
        me.memory.update(listing=listing, key=game.streams.key(f"{self.label}.demand"), log=0.0)
        me.memory["camp"] = 1 if me.label.endswith("0") else -1

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Draw the cash of this block, and send the schedule that it makes."""
        listing: Listing = me.memory["listing"]
        shock = normal_at(me.memory["key"], view.state.height, 0)
        me.memory["log"] = self.memory * me.memory["log"] + self.noise * shock
        turn = me.memory["camp"] * (1 if view.state.height % 2 else -1)
        cash = 0.5 * (1.0 + turn * self.churn) * self.supply * self.value * math.exp(me.memory["log"])
        prices = grid(view.mid(listing), self.step, 0.01)
        wanted = (cash / prices - 0.5 * self.supply) * listing.size_scale
        sent = schedule(me, view, listing, prices, wanted, view.balance(listing.size, me.account))
        return () if sent is None else (sent,)
