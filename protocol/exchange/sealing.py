"""Oracle reports, and the end of a block."""

from __future__ import annotations

import numpy as np

from protocol.oracles.base import Report, read_index
from protocol.state import Listing, State


def report(state: State, listing: Listing, posted: Report) -> None:
    """Hand a report to the market's oracle. Raises ReportRejected."""
    state.market(listing).oracle.accept(state, listing, listing.path + ".oracle", posted)


def close_block(state: State) -> None:
    """What every exchange does once a block is sealed: oracles look, funding accrues, margins look."""
    for house, listings in zip(state.houses, state.listings, strict=True):
        exchange = state.rules.exchanges[house.index]
        for listing in listings:
            market = exchange.markets[listing.index]
            market.oracle.observe(state, listing, listing.path + ".oracle")
            if listing.size >= 0:
                _accrue(state, listing)
        exchange.margin.observe(state, house)


def _accrue(state: State, listing: Listing) -> None:
    index, before, since = state.tables[listing.path + ".funding"].tolist()
    elapsed = state.time - since
    price = read_index(state, listing).value
    rule = state.market(listing).funding
    after = rule.rate(state, listing, price, elapsed)
    index += rule.paid(before, after, elapsed) * price
    state.put(listing.path + ".funding", np.array([index, after, state.time]))
    rule.observe(state, listing, price)
