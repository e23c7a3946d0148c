"""A maker that also picks off: whoever quotes on a book is as fast at taking what has gone stale there (Budish et al. 2015).

Its taking leg looks at the whole shelf and at the reference, and not at what its quoting leg has resting: the two run apart, as
they do in firms, which is why exchanges have rules against self-trade. What of its own it meets is the book's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agents.player import Action, Player
from agents.roles.maker import Maker
from agents.view import View
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import Trade
from protocol.venues.order_book import OrderBook


@dataclass(frozen=True)
class PickingMaker(Maker):
    """Takes all that rests `edge` (relative) beyond the reference mid, and pays `haste` times its usual tip for it."""

    edge: float = 0.0005
    haste: float = 5.0

    def mistakes(self) -> list[str]:
        """As a maker's; and nobody picks at a loss."""
        return super().mistakes() + refusals(
            self,
            edge=(self.edge >= 0, "0 or more, a share of the mid"),
            haste=(self.haste >= 1, "1 or more"),
        )

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Take what is stale, and quote as makers do."""
        listing: Listing = me.memory["listing"]
        venue = view.state.market(listing).venue
        quotes = tuple(super().act(me, view))
        if not isinstance(venue, OrderBook) or view.state.time < me.memory.get("picked", 0.0):
            return quotes
        mid = view.reference(view.state.market(listing).instrument.base)
        shelf = venue.shelf(view.state, listing, me.account)
        for side in (1, -1):
            limit = mid * (1.0 - side * self.edge)
            stale = (shelf.size * side < 0) & ((shelf.price - limit) * side < 0)
            size = -int(shelf.size[stale].sum())
            if size:
                me.memory["picked"] = view.seal
                mine = int(abs(shelf.size[stale & (shelf.owner == me.account)].sum()))
                me.note(view, "picks off", size=size / listing.size_scale, own=mine / listing.size_scale)
                return (me.send(Trade(listing, me.account, size, limit), self.haste * self.tip), *quotes)
        return quotes
