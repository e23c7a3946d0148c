"""How large a position an attacker can take at the index: what margin, open-interest cap and the vault leave room for."""

from __future__ import annotations

import math

import numpy as np

from agents.view import View
from protocol.limits.base import interest_cap
from protocol.margins.base import Threshold
from protocol.state import Listing
from protocol.venues.oracle_pool import OraclePool


def largest(view: View, listing: Listing, side: int, money: float, index: float) -> float:
    """Base coins, 0 or more, that `money` cash coins of margin carry from flat. `side`: 1 long, -1 short."""
    state = view.state
    market = state.market(listing)
    share, slope = state.exchange(listing.house).margin.rate(state, listing, Threshold.INITIAL)
    venue = market.venue
    drag = share + market.fee
    if isinstance(venue, OraclePool):
        drag += 0.5 * venue.spread + max(0.0, side * (view.mid(listing) / index - 1.0))
        slope += 0.5 / venue.skew_scale
    carried = money / (index * drag)
    if slope > 0.0:
        carried = (math.sqrt(drag * drag + 4.0 * slope * money / index) - drag) / (2.0 * slope)
    interest = state.tables[listing.interest_at]
    room = interest_cap(state, listing) / index - float(interest[0 if side > 0 else 1]) / listing.size_scale
    return max(0.0, min(carried, room))


def round_trip(view: View, listing: Listing, size: int) -> float:
    """Cash coins that opening and closing `size` units costs at an index that stands still, fees and gas apart; nan: no fill."""
    owed = view.cost(listing, np.array([size, -size]))
    return float(owed[0] + owed[1]) / listing.house.cash_scale
