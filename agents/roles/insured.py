"""The insured: it holds base coins, and buys puts on them for as long as somebody lists and sells what it wants.

It asks for an option by what it is: a put `below` the mid at a strike on a grid, that expires at the next full `cycle`. Where no
such series is listed it asks for the next strike up, and at last goes without. It pays at most `most` of the mid for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.view import View
from protocol import exchange
from protocol.errors import UnlistedSeries
from protocol.exchange import Series
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import TradeSeries
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Insured(Role):
    """`below` and `most` are shares of the mid, `grid` cash coins, `cycle` and `retry` seconds; tries `strikes` of them."""

    capital: float = 20_000.0
    base: float = 20.0
    below: float = 0.005
    grid: float = 10.0
    strikes: int = 5
    cycle: float = 3_600.0
    most: float = 0.02
    retry: float = 300.0

    def mistakes(self) -> list[str]:
        """Shares, grids and times are positive."""
        return refusals(
            self,
            below=(0 <= self.below < 1, "0 to below 1"),
            grid=(self.grid > 0, "above 0 cash coins"),
            strikes=(self.strikes >= 1, "1 or more"),
            cycle=(self.cycle > 0, "above 0 seconds"),
            most=(0 < self.most < 1, "above 0 to below 1"),
            retry=(self.retry > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Nine tenths of its capital are there to pay premiums with."""
        listing = game.listing(self.market, self.exchange)
        house = listing.house
        exchange.deposit(game.state, house, me.account, to_units_down(0.9 * self.capital, int(house.cash_scale)))
        me.memory.update(listing=listing, until=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Buy cover for the cycle where there is none yet."""
        if view.state.time < me.memory["until"]:
            return ()
        listing: Listing = me.memory["listing"]
        asset = view.state.market(listing).instrument.base
        mid, expiry = view.reference(asset), self.cycle * (math.floor(view.seal / self.cycle) + 1)
        coins = view.balance(listing.base, me.account)
        lowest = self.grid * round(mid * (1.0 - self.below) / self.grid)
        for number in range(self.strikes):
            series = Series(asset, "put", lowest + number * self.grid, expiry)
            order = TradeSeries(listing.house, me.account, series, coins, self.most * mid)
            fill, revert = view.simulate(order)
            if isinstance(revert, UnlistedSeries):
                continue
            if revert is not None:
                me.note(view, "cover declined", strike=series.strike, why=type(revert).__name__)
                break
            me.note(view, "cover", strike=series.strike, premium=fill.owed / listing.house.cash_scale)
            me.memory["until"] = expiry
            return (me.send(order),)
        else:
            me.note(view, "cover not listed", lowest=lowest, expiry=expiry)
        me.memory["until"] = view.state.time + self.retry
        return ()
