"""Send the whole order to the market where it costs least, and leave home only for a gain that is worth it.

How much it must be worth, `loyalty`, is each trader's own: with none the whole flow tips to whoever quotes best, with much of it
flow divides by price and fees. Margin on one exchange carries no position on another, so an order is as large as it can be there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.quotes import BEYOND, Quotes, Wanted
from agents.routings.base import Routing
from protocol.ledger import Floats
from protocol.settings import refusals


@dataclass(frozen=True)
class BestVenue(Routing):
    """`loyalty`: the gain for which a trader leaves home, relative to what it trades; the mean, each its own up to twice that."""

    loyalty: float = 0.0

    def mistakes(self) -> list[str]:
        """A gain is a share."""
        return refusals(self, loyalty=(0 <= self.loyalty < 1, "0 to below 1, a share of what is traded"))

    def route(self, wanted: Wanted, quotes: Quotes) -> Floats:
        """Whole, where a coin costs least with fee and gas."""
        sizes = np.minimum(wanted.size[:, None], wanted.room)
        prices = np.full(sizes.shape, BEYOND)
        for market in range(sizes.shape[1]):
            size = sizes[:, market]
            some = size > 0.0
            prices[some, market] = (quotes.cost(market, size[some]) + quotes.gas[market]) / size[some]
        rows, found = np.arange(len(sizes)), prices.min(axis=1)
        stays = prices[rows, wanted.home] - found <= 2.0 * self.loyalty * wanted.ease * np.abs(found)
        best = np.where(stays, wanted.home, prices.argmin(axis=1))
        placed = np.zeros_like(sizes)
        placed[rows, best] = np.where(found < BEYOND * 1e-6, sizes[rows, best], 0.0)
        return placed
