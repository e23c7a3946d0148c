"""The arbitrageur: it trades a pool of tokens to the edge of its fee band around the reference mid.

It is what carries fair into the pool, and what every push of the pool pays. In a pool with ranges the pool itself says what
brings its mid to the edge; in a constant product the trade is a closed form: with reserves x
and y and a share g of the input counting, buying ends where xy / (g (x - d)^2) is the reference bid, selling where
xy g / (x + g d)^2 is the ask. What it has bought or sold is evened out on the reference venue once the fill is seen, so
a trade that comes too late costs gas and no exposure; it can sell only what it holds (`base`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, ReferenceTrade, Role
from agents.view import View
from protocol.bridge import span_of
from protocol.gas import GAS
from protocol.instruments.synthetic import Synthetic
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import Trade
from protocol.venues.concentrated import ConcentratedPool
from protocol.venues.constant_product import ConstantProduct

if TYPE_CHECKING:
    from agents.game import Game


def to_edge(base: float, cash: float, fee: float, bid: float, ask: float) -> float:
    """Base coins that bring a pool to the edge of its fee band: above 0 to buy from it, 0 inside the band.

    `base`, `cash`: reserves in coins. `bid`, `ask`: where the coins can be sold and bought elsewhere.
    """
    kept, mid = 1.0 - fee, cash / base
    if mid < bid * kept:
        return base - math.sqrt(base * cash / (kept * bid))
    if mid * kept > ask:
        return (base - math.sqrt(base * cash * kept / ask)) / kept
    return 0.0


@dataclass(frozen=True)
class Arbitrageur(Role):
    """Bids `bid_share` of the expected gain as tip; wants `least_profit` cash coins; lets exposure below `ignore` stand."""

    kind = "arbitrageur"

    capital: float = 500_000.0
    base: float = 250.0
    bid_share: float = 0.2
    least_profit: float = 1.0
    ignore: float = 10.0

    def mistakes(self) -> list[str]:
        """A bid is a share of the gain."""
        return refusals(
            self,
            bid_share=(0 <= self.bid_share < 1, "0 to below 1"),
            ignore=(self.ignore >= 0, "0 or more cash coins"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the pool."""
        listing = game.listing(self.market, self.exchange)
        if not isinstance(game.state.market(listing).venue, ConstantProduct | ConcentratedPool):
            raise ValueError(f"market = {listing.name!r}: an Arbitrageur needs a ConstantProduct or ConcentratedPool")
        if isinstance(game.state.market(listing).instrument, Synthetic):
            raise ValueError(
                f"market = {listing.name!r}: a synthetic is traded nowhere else; a PegTrader mints and converts it"
            )
        if span_of(game.state, listing.base) is not None:
            raise ValueError(
                f"market = {listing.name!r}: a wrapped token is traded nowhere else; a ChainArbitrageur carries it home"
            )
        me.memory["pool"] = listing

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Even out what the last trade left, then trade to the edge of the band."""
        state = view.state
        if state.time < me.memory.get("until", 0.0):
            return ()  # what was sent last is not in view yet
        listing: Listing = me.memory["pool"]
        market, balance = state.market(listing), state.ledger.balance
        asset, scale = market.instrument.base, listing.size_scale
        mid = view.reference(asset)
        actions: list[Action] = []
        spare = float(balance[listing.base, me.account]) / scale - self.base
        if abs(spare) * mid > self.ignore:
            actions.append(ReferenceTrade(me.account, asset, -spare))
        trade = self._trade(me, view, listing, mid)
        if trade is not None:
            actions.append(trade)
        if actions:
            me.memory["until"] = view.seal
        return actions

    def _trade(self, me: Player, view: View, listing: Listing, mid: float) -> Action | None:
        market, balance = view.state.market(listing), view.state.ledger.balance
        venue = market.venue
        assert isinstance(venue, ConstantProduct | ConcentratedPool)  # `prepare` has looked
        fee, scale, cash_scale = venue.fee, listing.size_scale, listing.house.cash_scale
        base = float(balance[listing.base, listing.desk]) / scale
        cash = float(balance[listing.house.token, listing.desk]) / cash_scale
        ratio = cash / base
        if isinstance(venue, ConcentratedPool):
            ratio = view.mid(listing)
            edge = mid * (1.0 - fee) if ratio < mid else mid / (1.0 - fee)
            size = 0.0 if abs(math.log(mid / ratio)) <= -math.log1p(-fee) else venue.size_to(view.state, listing, edge)
            size /= scale
        else:
            size = to_edge(base, cash, fee, mid, mid)
        if size == 0.0:
            return None
        purse = 0.95 * float(balance[listing.house.token, me.account]) / cash_scale
        held = float(balance[listing.base, me.account]) / scale
        most = purse / mid if isinstance(venue, ConcentratedPool) else base * purse / (cash + purse)
        size = max(-held, min(size, most))
        if size == 0.0:
            return None

        asset, kept = market.instrument.base, 1.0 - fee
        even = -view.reference_cost(asset, -size)  # cash received for evening out
        impact = abs(even / (size * mid) - 1.0)  # on average; twice that at the margin
        gap = abs(math.log(mid / ratio)) - fee
        size *= gap / (gap + 2.0 * impact)
        if isinstance(venue, ConcentratedPool):
            owed = float(view.cost(listing, np.array([int(size * scale)]))[0]) / cash_scale
        else:
            owed = cash * size / ((base - size) * kept) if size > 0 else cash * kept * size / (base - kept * size)
        even = -view.reference_cost(asset, -size)
        gas = GAS["Trade"]
        gain = even - owed - gas * (view.fee(listing) + self.tip)
        if not gain > self.least_profit:
            return None
        tip = max(self.tip, self.bid_share * gain / gas)
        return me.send(Trade(listing, me.account, int(size * scale), even / size), tip)
