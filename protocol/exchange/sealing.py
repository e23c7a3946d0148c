"""Oracle reports, and the end of a block."""

from __future__ import annotations

import numpy as np

from protocol.exchange.batches import Cleared, clear_auctions
from protocol.exchange.settlement import close_dated
from protocol.instruments.base import NEVER
from protocol.oracles.base import Report, read_mark
from protocol.state import Listing, State


def report(state: State, listing: Listing, posted: Report) -> None:
    """Hand a report to the market's oracle. Raises ReportRejected."""
    state.market(listing).oracle.accept(state, listing, listing.path + ".oracle", posted)


def close_block(state: State) -> tuple[Cleared, ...]:
    """What every exchange does once a block is sealed.

    Auctions clear, oracles look, funding accrues, what has expired settles, margins look. Returns what became of the orders
    that waited for an auction.
    """
    cleared = clear_auctions(state)
    for house, listings in zip(state.houses, state.listings, strict=True):
        exchange = state.rules.exchanges[house.index]
        dated = []
        for listing in listings:
            market = exchange.markets[listing.index]
            if not market.index:
                market.oracle.observe(state, listing, listing.path + ".oracle")
            if market.instrument.expires() < NEVER:
                dated.append(listing)  # whose funding stays at zero
            elif listing.size >= 0:
                _accrue(state, listing)
        for listing in dated:  # once all oracles have looked
            close_dated(state, listing)
        exchange.margin.observe(state, house)
    return cleared


def _accrue(state: State, listing: Listing) -> None:
    index, rate, since = state.tables[listing.path + ".funding"].tolist()
    elapsed = state.time - since
    price = read_mark(state, listing).value
    index += rate * elapsed * price
    rate = state.market(listing).funding.rate(state, listing, price, elapsed)
    state.put(listing.path + ".funding", np.array([index, rate, state.time]))
