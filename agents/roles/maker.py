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
from typing import TYPE_CHECKING, Any

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


def desk_of(listing: Listing, **told: Any) -> dict[str, Any]:
    """What a maker remembers of one market: its quotes, what it held and had room for; `told` goes into its notes.

    `look`: seconds, when it looks at volatility again. `posted` in base units, `room` in cash coins.
    """
    fresh = {"until": 0.0, "bid": 0.0, "ask": 0.0, "held": 0, "posted": 0, "room": 0.0, "look": 0.0}
    return {"listing": listing, "told": told, **fresh}


@dataclass(frozen=True)
class Maker(Role):
    """Quotes lots of `lot` cash coins, `levels` a side; holds at most `most` of its capital, on either side.

    `risk` (gamma) is per cash coin and lot, `decay` (k) per cash coin, `horizon` (tau) and `memory` (of volatility) in
    seconds; `least_volatility` per root second until there is enough to go by. Quotes again when one is off by `tolerance`.
    It takes `heed` of the volatility it sees; beyond `flight` per root second it stands aside, and is back when that is over.
    `lean` is the share of the reservation price's distance from the mid that it takes; 0: quotes alike on both sides.
    """

    kind = "maker"

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
        return super().mistakes() + refusals(
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
        me.memory.update(desk_of(listing))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Replace the quotes when they are off or eaten into."""
        return self.quoting(me, view, me.memory, self.most * self.capital, self.risk)

    def quoting(self, me: Player, view: View, desk: dict[str, Any], room: float, risk: float) -> Iterable[Action]:
        """The same at one desk (see `desk_of`), for as much as `room` cash coins of inventory and at that aversion to `risk`."""
        state = view.state
        if state.time < desk["until"]:
            return ()
        listing: Listing = desk["listing"]
        asset = state.market(listing).instrument.base
        mid = view.reference(asset)
        held = self._held(me, view, listing)
        volatility = self._volatility(view, asset, desk)
        if volatility > self.flight:
            return self.stand_aside(me, view, desk, volatility=volatility)
        position = held / listing.size_scale * mid
        variance = (volatility * mid) ** 2 * max(0.0, min(self.horizon, self.ends - view.time))
        bid, ask = quotes(mid, self.lean * position / self.lot, risk, variance, self.decay)
        age = state.rules.chains[listing.house.chain].blocks.interval + self.latency
        back = self.caution * volatility * mid * math.sqrt(age)
        bid, ask = min(bid, mid) - back, max(ask, mid) + back
        slack = self.tolerance * mid
        fresh = abs(bid - desk["bid"]) <= slack and abs(ask - desk["ask"]) <= slack
        fresh = fresh and abs(room - desk["room"]) < self.lot
        if fresh and held == desk["held"] and not self._eaten(me, view, desk):
            return ()
        requote = self._requote(me, desk, mid, (bid, ask), position, room)
        desk.update(until=view.seal, bid=bid, ask=ask, held=held, room=room)
        numbers = {"spread": ask - bid, "centre": 0.5 * (bid + ask), "held": held / listing.size_scale}
        me.note(view, "quote", **numbers, **desk["told"])
        return (me.send(requote),)

    @staticmethod
    def stand_aside(me: Player, view: View, desk: dict[str, Any], **why: float) -> Iterable[Action]:
        """Take every quote off, once."""
        if desk["bid"] == 0.0:
            return ()
        desk.update(until=view.seal, bid=0.0, ask=0.0, posted=0)
        me.note(view, "maker leaves", **why, **desk["told"])
        return (me.send(CancelAll(desk["listing"], me.account)),)

    def _held(self, me: Player, view: View, listing: Listing) -> int:
        """Inventory, base units."""
        if listing.size >= 0:
            return view.balance(listing.size, me.account)
        return view.balance(listing.base, me.account) - to_units_down(self.base, int(listing.size_scale))

    @staticmethod
    def _eaten(me: Player, view: View, desk: dict[str, Any]) -> bool:
        """Whether less waits than it posted: in an auction both sides may trade at once and leave the inventory as it was."""
        venue = view.state.market(desk["listing"]).venue
        if not isinstance(venue, BatchAuction):
            return False
        waits = int(np.abs(venue.resting(view.state, desk["listing"], me.account).size).sum())
        return waits < int(desk["posted"])

    def _volatility(self, view: View, asset: str, desk: dict[str, Any]) -> float:
        """Per root second; looked at ten times a `memory`."""
        if view.time >= desk["look"]:
            desk["look"] = view.time + 0.1 * self.memory
            desk["volatility"] = max(self.least_volatility, self.heed * view.volatility(asset, self.memory))
        found: float = desk["volatility"]
        return found

    def _requote(
        self, me: Player, desk: dict[str, Any], mid: float, at: tuple[float, float], position: float, room: float
    ) -> Bundle:
        """All orders off, new ones on `at` bid and ask; nothing on the side that would take inventory beyond its room."""
        listing, (bid, ask) = desk["listing"], at
        size = int(self.lot / mid * listing.size_scale)
        step = max(0.5 * (ask - bid), self.tolerance * mid)
        parts: list[Transaction] = [CancelAll(listing, me.account)]
        for level in range(self.levels):
            if position + (level + 1) * self.lot <= room:
                parts.append(Post(listing, me.account, size, bid - level * step))
            if position - (level + 1) * self.lot >= -room:
                parts.append(Post(listing, me.account, -size, ask + level * step))
        desk["posted"] = size * (len(parts) - 1)
        return Bundle(me.account, tuple(parts))
