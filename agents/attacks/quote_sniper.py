"""The quote sniper: it sees the reference move, and takes the quotes that its makers have not yet withdrawn.

A quote is an option for whoever is quicker, and the race is decided by the chain: where the first to come is served first by
speed alone, where fees are served first by what each would pay, so there it reads the mempool and outbids whoever wants the
same quotes, up to `most_share` of what they are worth. Sniping is the cost of quoting in Budish, Cramton and Shim (2015), and
batch auctions take it away: in those nobody can be hit before the batch closes, and makers have had time to think again. What
it buys it sells on the reference venue. Spreads wider than the usual step of the reference keep it at home.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.surrounding import trades
from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol.gas import GAS
from protocol.mempool import RAISE
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Trade
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.order_book import OrderBook

if TYPE_CHECKING:
    from agents.game import Game

FAITH = 100.0  # cash coins of hopes come true that it begins with


@dataclass(frozen=True)
class QuoteSniper(Attack):
    """Takes what stands `edge` (relative) beyond the reference mid; blind, in an auction, a `lot` of cash coins.

    Bids `bid_share` of the gain at first and `most_share` at most, in `rounds` looks at the mempool a block; with none it is quick,
    and sends on the news itself.
    """

    capital: float = 1_000_000.0
    base: float = 300.0
    latency: float = 0.05
    least_profit: float = 1.0
    ponder: float = 600.0
    edge: float = 0.0003
    lot: float = 50_000.0
    bid_share: float = 0.02
    most_share: float = 0.9
    rounds: int = 0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            edge=(0 <= self.edge < 1, "0 to below 1, a share of the mid"),
            lot=(self.lot > 0, "above 0 cash coins"),
            bid_share=(0 <= self.bid_share <= self.most_share, "0 to most_share"),
            most_share=(0 <= self.most_share < 1, "0 to below 1"),
            rounds=(self.rounds >= 0, "0 or more"),
        )

    def looks(self) -> int:
        """Once a round."""
        return self.rounds

    def surface(self, state: State, listing: Listing) -> str:
        """Quotes that somebody must withdraw in time, of what can be sold elsewhere."""
        if not isinstance(state.market(listing).venue, OrderBook | BatchAuction):
            return "nobody's quotes stand here"
        return "" if listing.size < 0 else "what is bought here cannot be sold elsewhere"

    def prepare(self, me: Player, game: Game) -> None:
        """Nothing has been seen."""
        listing = game.listing(self.market, self.exchange)
        me.memory.update(listing=listing, until=0.0, height=-1, wealth=None, estimate=0.0, bid=0.0, side=0)
        me.memory.update(won=0.0, hoped=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Sell what the last one brought; take what is stale, and outbid whoever would."""
        memory, state = me.memory, view.state
        listing: Listing = memory["listing"]
        if lacks := self.surface(state, listing):
            self.decline(me, view, lacks)
            return
        asset = state.market(listing).instrument.base
        mid = view.reference(asset)
        if memory["height"] != state.height:
            if state.time < memory["until"]:
                return
            memory.update(height=state.height, bid=0.0)
            spare = view.balance(listing.base, me.account) / listing.size_scale - self.base
            if abs(spare) * mid > 1.0:
                yield ReferenceTrade(me.account, asset, -spare)
            elif memory["wealth"] is not None:
                self._over(me, view, listing)
        size, gain = self._stale(me, view, listing, mid)
        if size:
            yield from self._bid(me, view, listing, mid, size, gain)

    def _over(self, me: Player, view: View, listing: Listing) -> None:
        memory = me.memory
        cash = view.balance(listing.house.token, me.account) / listing.house.cash_scale
        realised = cash - memory["wealth"]
        self.over(me, view, realised=realised, estimate=memory["estimate"])
        memory.update(wealth=None, won=memory["won"] + realised, hoped=memory["hoped"] + memory["estimate"])

    def _stale(self, me: Player, view: View, listing: Listing, mid: float) -> tuple[int, float]:
        """Units worth taking, signed, and what they bring at the reference, cash coins."""
        venue, scale = view.state.market(listing).venue, listing.size_scale
        purse = 0.9 * view.balance(listing.house.token, me.account) / listing.house.cash_scale / mid * scale
        room = {1: purse, -1: 0.9 * view.balance(listing.base, me.account)}
        if isinstance(venue, BatchAuction):
            past = float(view.past(view.state.market(listing).instrument.base, venue.interval)[0])
            side, lead = (1 if mid > past else -1), abs(mid / past - 1.0) - self.edge
            size = int(min(self.lot / mid * scale, room[side]))
            return (side * size, lead * size / scale * mid) if lead > 0.0 else (0, 0.0)
        assert isinstance(venue, OrderBook)  # `surface` has looked
        shelf = venue.shelf(view.state, listing, me.account)
        for side in (1, -1):
            stale = (shelf.size * side < 0) & ((shelf.price - mid * (1.0 - side * self.edge)) * side < 0)
            if not stale.any():
                continue
            sizes, prices = np.abs(shelf.size[stale]), shelf.price[stale]
            best = np.argsort(prices * side, kind="stable")
            taken = np.minimum(sizes[best], np.maximum(0.0, room[side] - np.cumsum(sizes[best]) + sizes[best]))
            gain = float((taken * (mid - prices[best]) * side).sum()) / scale
            return side * int(taken.sum()), gain
        return 0, 0.0

    def _bid(self, me: Player, view: View, listing: Listing, mid: float, size: int, gain: float) -> Iterable[Action]:
        memory, gas = me.memory, GAS["Trade"]
        side = 1 if size > 0 else -1
        asset = view.state.market(listing).instrument.base
        coins = size / listing.size_scale
        gain *= max(0.0, (memory["won"] + FAITH) / (memory["hoped"] + FAITH))  # what came of such hopes so far
        slip = abs(view.reference_cost(asset, -coins) + coins * mid)
        worth = gain - slip - gas * view.fee(listing)
        cost = slip + gas * (view.fee(listing) + self.tip)
        if gain - self.caution * cost < self.least_profit:
            self.decline(me, view, "does not pay", estimate=gain - cost, cost=cost)
            return
        waiting = trades(view.mempool(), listing, me.account) if self.rounds else []  # who does not look does not know
        rivals = [tip for order, tip in waiting if order.size * side > 0]
        most, best = self.most_share * worth / gas, max(rivals, default=0.0)
        if memory["bid"] and memory["side"] == side and memory["bid"] > best:
            return
        bid = max(self.tip, self.bid_share * worth / gas, (1.0 + RAISE) * max(best, memory["bid"]))
        if bid > max(most, self.tip):
            return
        if not memory["bid"]:
            memory["estimate"] = worth - gas * bid
            if memory["wealth"] is None:
                memory["wealth"] = view.balance(listing.house.token, me.account) / listing.house.cash_scale
            self.launch(me, view, estimate=worth - gas * bid, cost=cost, stake=abs(coins) * mid, size=coins)
        memory.update(bid=bid, side=side, until=view.seal)
        limit = mid * (1.0 - side * self.edge)
        yield me.send(Trade(listing, me.account, size, limit), bid, "snipe")
