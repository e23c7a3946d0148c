"""The maker: it quotes both sides of a book, or for an auction, by Avellaneda and Stoikov (2008, Quantitative Finance 8, 217-224).

Its reservation price leans against its inventory, s - q gamma sigma^2 tau, and its full spread is gamma sigma^2 tau +
2 / gamma log(1 + gamma / k); s is the reference mid, and tau a horizon that moves along, or what is left until `ends`. Quotes
age until they are replaced, so each side stands back further by `caution` standard deviations of what s may do in a block and its
own latency: that is what being picked off costs.
Its inventory is its position or, of tokens, what it holds beyond the `base` it came with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, Role
from agents.view import View
from protocol import exchange
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import Bundle, CancelAll, Post, Transaction
from protocol.units import to_units_down
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.order_book import OrderBook

if TYPE_CHECKING:
    from agents.game import Game

NEVER = 1e12  # seconds, or per root second: more than there is


def quotes(mid: float, inventory: float, risk: float, variance: float, decay: float) -> tuple[float, float]:
    """(bid, ask) in cash coins. `inventory` in lots, `risk` per cash coin and lot, `decay` of fills per cash coin.

    `variance` is that of the mid over the horizon, in squared cash coins.
    """
    middle = mid - inventory * risk * variance
    half = 0.5 * risk * variance + math.log1p(risk / decay) / risk
    return middle - half, middle + half


@dataclass(frozen=True)
class Maker(Role):
    """Quotes lots of `lot` cash coins, `levels` a side; holds at most `most` of its capital, on either side.

    `risk` (gamma) is per cash coin and lot, `decay` (k) per cash coin, `horizon` (tau) and `memory` (of volatility) in
    seconds; `least_volatility` per root second until there is enough to go by. Quotes again when one is off by `tolerance`.
    It takes `heed` of the volatility it sees; beyond `flight` per root second it stands aside, and is back when that is over.
    `lean` is the share of the reservation price's distance from the mid that it takes; 0: quotes alike on both sides.
    """

    capital: float = 1_000_000.0
    latency: float = 0.1
    lot: float = 20_000.0
    levels: int = 2
    most: float = 1.0
    risk: float = 0.05
    decay: float = 1.5
    horizon: float = 60.0
    memory: float = 600.0
    least_volatility: float = 5e-5
    caution: float = 1.0
    tolerance: float = 0.0002
    heed: float = 1.0
    flight: float = NEVER
    lean: float = 1.0
    ends: float = NEVER

    def mistakes(self) -> list[str]:
        """Formulas need positive numbers."""
        return refusals(
            self,
            lot=(self.lot > 0, "above 0 cash coins"),
            levels=(self.levels >= 1, "1 or more"),
            most=(self.most > 0, "above 0, a multiple of capital"),
            risk=(self.risk > 0, "above 0 per cash coin and lot"),
            decay=(self.decay > 0, "above 0 per cash coin"),
            horizon=(self.horizon > 0, "above 0 seconds"),
            memory=(self.memory > 0, "above 0 seconds"),
            least_volatility=(self.least_volatility >= 0, "0 or more per root second"),
            caution=(self.caution >= 0, "0 or more standard deviations"),
            tolerance=(self.tolerance >= 0, "0 or more, a share of the mid"),
            heed=(0 <= self.heed <= 1, "0 (quotes as if it were calm) to 1"),
            flight=(self.flight > 0, "above 0 per root second"),
            lean=(self.lean >= 0, "0 or more, a share"),
            ends=(self.ends > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Nine tenths of its capital stand as margin of claims, the rest pays gas."""
        listing = game.listing(self.market, self.exchange)
        if not isinstance(game.state.market(listing).venue, OrderBook | BatchAuction):
            raise ValueError(f"market = {listing.name!r}: a Maker needs an OrderBook or a BatchAuction")
        house = listing.house
        if listing.size >= 0:
            exchange.deposit(game.state, house, me.account, to_units_down(0.9 * self.capital, int(house.cash_scale)))
        me.memory.update(listing=listing, until=0.0, bid=0.0, ask=0.0, held=0, posted=0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Replace the quotes when they are off or eaten into."""
        state, memory = view.state, me.memory
        if state.time < memory["until"]:
            return ()
        listing: Listing = memory["listing"]
        asset = state.market(listing).instrument.base
        mid = view.reference(asset)
        held = self._held(me, view, listing)
        volatility = self._volatility(me, view, asset)
        if volatility > self.flight:
            return self._stand_aside(me, view, listing, volatility)
        position = held / listing.size_scale * mid
        variance = (volatility * mid) ** 2 * max(0.0, min(self.horizon, self.ends - view.time))
        bid, ask = quotes(mid, self.lean * position / self.lot, self.risk, variance, self.decay)
        age = state.rules.chains[listing.house.chain].blocks.interval + self.latency
        back = self.caution * volatility * mid * math.sqrt(age)
        bid, ask = min(bid, mid) - back, max(ask, mid) + back
        slack = self.tolerance * mid
        fresh = abs(bid - memory["bid"]) <= slack and abs(ask - memory["ask"]) <= slack
        if fresh and held == memory["held"] and not self._eaten(me, view, listing):
            return ()
        memory.update(until=view.seal, bid=bid, ask=ask, held=held)
        me.note(view, "quote", spread=ask - bid, centre=0.5 * (bid + ask), held=held / listing.size_scale)
        return (me.send(self._requote(me, listing, mid, bid, ask, position)),)

    @staticmethod
    def _stand_aside(me: Player, view: View, listing: Listing, volatility: float) -> Iterable[Action]:
        """Take every quote off, once."""
        if me.memory["bid"] == 0.0:
            return ()
        me.memory.update(until=view.seal, bid=0.0, ask=0.0, posted=0)
        me.note(view, "maker leaves", volatility=volatility)
        return (me.send(CancelAll(listing, me.account)),)

    def _held(self, me: Player, view: View, listing: Listing) -> int:
        """Inventory, base units."""
        if listing.size >= 0:
            return view.balance(listing.size, me.account)
        return view.balance(listing.base, me.account) - to_units_down(self.base, int(listing.size_scale))

    @staticmethod
    def _eaten(me: Player, view: View, listing: Listing) -> bool:
        """Whether less waits than it posted: in an auction both sides may trade at once and leave the inventory as it was."""
        venue = view.state.market(listing).venue
        if not isinstance(venue, BatchAuction):
            return False
        waits = int(np.abs(venue.resting(view.state, listing, me.account).size).sum())
        return waits < int(me.memory["posted"])

    def _volatility(self, me: Player, view: View, asset: str) -> float:
        """Per root second; looked at ten times a `memory`."""
        memory = me.memory
        if view.time >= memory.get("look", 0.0):
            memory["look"] = view.time + 0.1 * self.memory
            memory["volatility"] = max(self.least_volatility, self.heed * view.volatility(asset, self.memory))
        found: float = memory["volatility"]
        return found

    def _requote(self, me: Player, listing: Listing, mid: float, bid: float, ask: float, position: float) -> Bundle:
        """All orders off, new ones on; nothing on the side that would take inventory beyond the most."""
        room = self.most * self.capital
        size = int(self.lot / mid * listing.size_scale)
        step = max(0.5 * (ask - bid), self.tolerance * mid)
        parts: list[Transaction] = [CancelAll(listing, me.account)]
        for level in range(self.levels):
            if position + (level + 1) * self.lot <= room:
                parts.append(Post(listing, me.account, size, bid - level * step))
            if position - (level + 1) * self.lot >= -room:
                parts.append(Post(listing, me.account, -size, ask + level * step))
        me.memory["posted"] = size * (len(parts) - 1)
        return Bundle(me.account, tuple(parts))
