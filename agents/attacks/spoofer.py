"""The spoofer: show orders that nobody is meant to fill, trade at the index that they make, and take them off.

Where an index is made of a book's mid, an order just inside the best of the other side moves it by half the spread, and costs
nothing until somebody fills it. Where the mid counts at once all of it is one bundle: a position at the honest index, the
order shown, the way out, the order cancelled. Where the mid is averaged, the order must stand at the end of as many blocks as make
the move worth while, and is filled now and then by whoever knows better: a picking maker, a noise trader. Its estimate of the one
is the bundle simulated, of the other the half spread, the window, and `hit`, the share of what is shown that it expects to lose
each time. Spoofing is unlawful where markets are regulated (Dodd-Frank, section 747; the flash crash of May 2010 was tried
for it). Against it: a mean over more blocks than it is safe to stand there, a second source, trading costs above half the
spread of the book, and depth, which narrows it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.holdings import paid_in, pot, purse, wealth
from agents.attacks.pushing import judged, reach
from agents.attacks.seats import unhonoured
from agents.attacks.sizing import largest, round_trip
from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol.gas import GAS
from protocol.oracles.base import Status
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, CancelAll, Post, Trade, Transaction
from protocol.venues.order_book import OrderBook

if TYPE_CHECKING:
    from agents.game import Game

BLOCKS = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55, 89])  # for which orders stand


class Show(NamedTuple):
    """What it means to do, and what it expects. Cash and base in coins."""

    side: int  # 1: show a bid, -1: an ask
    price: float  # of the order shown
    shown: float  # base coins
    moved: float  # relative, of the mid
    blocks: int  # for which the order stands; 0: all in one bundle
    size: float  # of the position, base coins, not signed
    money: float  # margin to add
    gain: float
    cost: float


@dataclass(frozen=True)
class Spoofer(Attack):
    """Shows orders worth `shown` cash coins, asks out of `base`, for `most_blocks` at most; uses `usage` of its margin."""

    capital: float = 1_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    least_profit: float = 100.0
    shown: float = 50_000.0
    usage: float = 0.95
    hit: float = 0.5
    most_blocks: int = 55

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            shown=(self.shown > 0, "above 0 cash coins"),
            usage=(0 < self.usage <= 1, "above 0 to 1"),
            hit=(0 <= self.hit <= 1, "0 to 1"),
            most_blocks=(self.most_blocks >= 1, "1 or more"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """A vault that must honour at once what a book's mid makes of the index."""
        if lacks := unhonoured(state, listing):
            return lacks
        if self.book(state, listing) is None:
            return "no book makes this index"
        market = state.market(listing)
        return "" if judged(market.oracle) and not market.index else "cannot judge this oracle"

    @staticmethod
    def book(state: State, listing: Listing) -> Listing | None:
        """The book that the index reads, if it reads one."""
        for name in state.market(listing).oracle.sources():
            found = state.find(listing.house, name) if name else listing
            if isinstance(state.market(found).venue, OrderBook):
                return found
        return None

    def prepare(self, me: Player, game: Game) -> None:
        """Nothing has been sent; the first thought comes at once."""
        me.memory.update(stage="idle", until=0.0, listing=game.listing(self.market, self.exchange))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """One step of the plan, once the last one is in view."""
        memory = me.memory
        if view.state.time < memory["until"]:
            return ()
        if memory["stage"] == "showing":
            return self._stand(me, view)
        if memory["stage"] == "leaving":
            return self._leave(me, view)
        listing: Listing = memory["listing"]
        book = self.book(view.state, listing)
        lacks = self.surface(view.state, listing)
        if lacks or book is None:
            self.decline(me, view, lacks)
            return ()
        if view.index(listing).status != Status.FRESH:
            self.decline(me, view, "no usable index")
            return ()
        shows = [show for side in (1, -1) if (show := self.plan(me, view, listing, book, side)) is not None]
        if not shows:
            self.decline(me, view, "nothing to be shown inside this book")
            return ()
        return self._open(me, view, listing, book, max(shows, key=lambda one: one.gain - self.caution * one.cost))

    # ------------------------------------------------------------------ the plan

    def plan(self, me: Player, view: View, listing: Listing, book: Listing, side: int) -> Show | None:
        """The best it can think of on one side, whether or not it pays; None where there is nothing to show."""
        market, house, venue = view.state.market(listing), listing.house, view.state.market(book).venue
        assert isinstance(venue, OrderBook)  # `book` has looked
        bids, asks = venue.depth(view.state, book, 1)
        if not bids or not asks:
            return None
        bid, ask = bids[0][0], asks[0][0]
        price = ask - venue.tick if side > 0 else bid + venue.tick
        now = 0.5 * (bid + ask)
        moved = side * (0.5 * ((ask if side > 0 else bid) + price) / now - 1.0)
        shown = (
            self.shown / price
            if side > 0
            else min(self.shown / price, view.balance(book.base, me.account) / book.size_scale)
        )
        if moved <= 0.0 or shown * book.size_scale < 1.0:
            return None
        interval = view.state.rules.chains[house.chain].blocks.interval
        blocks = np.array([0]) if market.oracle.live else BLOCKS[self.most_blocks >= BLOCKS]
        move = np.array(side * moved)
        followed = side * reach(market.oracle, move, np.maximum(blocks, 1) * interval, interval)
        index, wallet = view.index(listing).value, purse(me, view, house)
        money = max(0.0, 0.98 * wallet - (self.shown if side > 0 else 0.0))
        margin = money + max(0.0, view.balance(house.cash, me.account) / house.cash_scale)
        most = 0.9 * pot(view, house) / max(1e-9, index * float(followed.max()))
        size = min(self.usage * largest(view, listing, side, margin, index), most)
        units = int(size * listing.size_scale)
        if units == 0:
            return None
        gain = size * index * followed
        trip = round_trip(view, listing, side * units) + 2.0 * market.fee * size * index * (1.0 + moved)
        hits = blocks * self.hit * shown * price * moved
        gas = (view.fee(listing) + self.tip) * (2 * GAS["Trade"] + (1 + blocks) * (GAS["Post"] + GAS["CancelAll"]))
        cost = max(0.0, trip) + hits + gas
        best = int(np.argmax(gain - self.caution * cost))
        numbers = float(gain[best]), float(cost[best]) if math.isfinite(cost[best]) else math.inf
        return Show(side, price, shown, moved, int(blocks[best]), size, money, *numbers)

    def _open(self, me: Player, view: View, listing: Listing, book: Listing, show: Show) -> Iterable[Action]:
        numbers: dict[str, Any] = {**show._asdict(), "estimate": show.gain - show.cost}
        if not show.gain - self.caution * show.cost >= self.least_profit:
            self.decline(me, view, "does not pay", **numbers)
            return ()
        size = int(show.side * show.size * listing.size_scale)
        parts: list[Transaction] = [*paid_in(me, listing.house, show.money), Trade(listing, me.account, size)]
        parts.append(self._order(me, book, show.side, show.price, show.shown))
        if show.blocks == 0:
            parts += [Trade(listing, me.account, -size), CancelAll(book, me.account)]
        bundle = Bundle(me.account, tuple(parts))
        _, revert = view.simulate(bundle, view.seal)
        if revert is not None:
            self.decline(me, view, str(revert), **numbers)
            return ()
        mid = view.reference(view.state.market(listing).instrument.base)
        me.memory.update(
            stage="showing" if show.blocks else "leaving",
            until=view.seal,
            start=view.seal,
            show=show,
            book=book,
            wealth=wealth(me, view, listing, mid),
        )
        self.launch(me, view, stake=show.money + self.shown, **numbers)
        return (me.send(bundle),)

    @staticmethod
    def _order(me: Player, book: Listing, side: int, price: float, coins: float) -> Post:
        return Post(book, me.account, side * int(coins * book.size_scale), price)

    # ------------------------------------------------------------------ standing there, and leaving

    def _stand(self, me: Player, view: View) -> Iterable[Action]:
        """Move the order with the book until the blocks are over."""
        memory = me.memory
        listing, book, show = memory["listing"], memory["book"], memory["show"]
        interval = view.state.rules.chains[listing.house.chain].blocks.interval
        if view.balance(listing.size, me.account) == 0 or view.seal - memory["start"] >= (show.blocks - 0.5) * interval:
            memory["stage"] = "leaving"
            return self._leave(me, view)
        venue = view.state.market(book).venue
        assert isinstance(venue, OrderBook)
        shelf = venue.shelf(view.state, book, me.account)
        theirs = shelf.price[(shelf.owner != me.account) & (shelf.size * show.side < 0)]
        if not len(theirs):
            return ()
        best = float(theirs.min() if show.side > 0 else theirs.max())
        price = best - show.side * venue.tick
        memory["until"] = view.seal
        order = self._order(me, book, show.side, price, show.shown)
        return (me.send(Bundle(me.account, (CancelAll(book, me.account), order))),)

    def _leave(self, me: Player, view: View) -> Iterable[Action]:
        """Close the position, take the order off, sell what was filled meanwhile."""
        memory = me.memory
        listing, book, show = memory["listing"], memory["book"], memory["show"]
        asset = view.state.market(listing).instrument.base
        size, mid = view.balance(listing.size, me.account), view.reference(asset)
        memory["until"] = view.seal
        venue = view.state.market(book).venue
        assert isinstance(venue, OrderBook)
        if size:
            return (me.send(Bundle(me.account, (Trade(listing, me.account, -size), CancelAll(book, me.account)))),)
        if len(venue.resting(view.state, book, me.account).order):
            return (me.send(CancelAll(book, me.account)),)
        spare = view.balance(book.base, me.account) / book.size_scale - self.base
        if abs(spare) * mid > 1.0:
            return (ReferenceTrade(me.account, asset, -spare),)
        realised = wealth(me, view, listing, mid) - memory["wealth"]
        self.over(me, view, realised=realised, estimate=show.gain - show.cost)
        memory.update(stage="idle", until=0.0)
        return ()
