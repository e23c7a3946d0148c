"""What orders of any size cost now on each of several markets of one base: one curve a market, for all who trade this block.

A curve is the venue's own quote of one order cut into slices, each dearer than the one before, with the market's fee in it. A
market that quotes nothing ahead (an auction) stands at its mid; one that cannot be traded (a stale index) is out of reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from protocol.errors import Revert
from protocol.ledger import Floats, Ints
from protocol.state import Listing
from protocol.venues.base import AT_THE_CLOSE

if TYPE_CHECKING:
    from agents.view import View

POINTS = 64
BEYOND = 1e30  # cash coins: what nobody pays; infinity would make a difference of two of them nan


class Quotes(NamedTuple):
    """Curves of one side, in base coins and cash coins. Shapes [markets, points], the first point at nothing."""

    sizes: Floats  # coins bought, or sold
    costs: Floats  # what they cost; below 0: they bring that
    gas: Floats  # [markets] what a trade there costs in gas

    def cost(self, market: int, sizes: Floats) -> Floats:
        """What each of some orders alone would cost on a market, gas apart."""
        costs: Floats = np.interp(sizes, self.sizes[market], self.costs[market], right=BEYOND)
        return costs


class Wanted(NamedTuple):
    """Orders of one side that are to be placed. Shapes [orders], and [orders, markets]."""

    size: Floats  # base coins
    home: Ints  # the market where it is at home
    ease: Floats  # uniform in [0, 1): how easily it leaves there, each its own
    room: Floats  # base coins that it could carry on each market


def quotes(view: View, listings: Sequence[Listing], side: int, most: float, gas: Floats) -> Quotes:
    """The curves of buying (`side` 1) or selling (-1) up to `most` base coins; finer where orders are small."""
    sizes, costs = np.zeros((2, len(listings), POINTS + 1))
    for row, listing in enumerate(listings):
        marks = most * listing.size_scale * (np.arange(POINTS + 1) / POINTS) ** 2
        units = np.maximum(np.diff(np.ceil(marks)).astype(np.int64), 1)
        sizes[row, 1:] = np.cumsum(units) / listing.size_scale
        costs[row, 1:] = np.cumsum(_slices(view, listing, side * units))
    return Quotes(sizes, np.minimum(costs, BEYOND), gas)


def _slices(view: View, listing: Listing, units: Ints) -> Floats:
    """What each slice costs after those before it, cash coins, fee in; `BEYOND` from the first that cannot be had on."""
    market = view.state.market(listing)
    try:
        if market.venue.settles == AT_THE_CLOSE:
            owed = units / listing.size_scale * view.mid(listing)
        else:
            owed = view.cost(listing, units) / listing.house.cash_scale
    except Revert:
        return np.full(len(units), BEYOND)
    fee = market.fee if market.instrument.claims() else 0.0  # a pool of tokens charges its own
    costs = owed + fee * np.abs(owed)
    missing = np.isnan(costs)
    if missing.any():
        costs[np.argmax(missing) :] = BEYOND
    return costs
