"""Trading out of what one has taken over, on the market's venue, no worse than the reference mid less one's cost."""

from __future__ import annotations

from collections.abc import Iterator

from agents.player import Action, Player
from agents.roles.taking import affordable
from agents.view import View
from protocol.state import Listing
from protocol.transactions import Trade


def unwind(me: Player, view: View, listing: Listing, share: float, cost: float) -> Iterator[Action]:
    """Sell `share` of a long, buy back as much of a short; orders beyond the limit are not even sent."""
    held = view.balance(listing.size, me.account) if listing.size >= 0 else 0
    if held == 0:
        return
    side = 1 if held > 0 else -1
    size = -side * max(1, int(abs(held) * share))
    if abs(held) * listing.price_scale * view.index(listing).value < 100.0 * listing.house.cash_scale:
        size = -held  # what is left is hardly worth its gas
    limit = view.reference(view.state.market(listing).instrument.base) * (1.0 - side * cost)
    order = Trade(listing, me.account, size, limit)
    if affordable(view, me, listing, order.gas, me.role.tip) >= me.role.tip and view.simulate(order)[1] is None:
        yield me.send(order)
