"""Clear books in frequent sealed auctions at one price, so that being first is worth nothing within an interval.

What is left to snipe is what the interval does not hold (Budish, Cramton and Shim 2015). The cost: a fill comes up to an interval
later, takes who cannot carry it out, and large orders find the depth of one auction alone.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.liquidations.full import Full
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class FrequentBatches(Defence):
    """Every order book becomes an auction each `interval` seconds; not where forced sales need depth at once."""

    interval: float = 6.0

    answers: ClassVar = ("QuoteSniper",)

    def __post_init__(self) -> None:
        """Refuse an interval that is none."""
        if not self.interval > 0:
            raise ValueError(f"interval = {self.interval}: must be above 0 seconds")

    def applied(self, world: World) -> World | None:
        """Change the venue of books."""

        def batched(exchange: Exchange, market: Market) -> Market | None:
            forced = market.instrument.claims() and isinstance(exchange.liquidation, Full)
            if not isinstance(market.venue, OrderBook) or forced:
                return None
            return dataclasses.replace(market, venue=BatchAuction(interval=self.interval))

        return each_market(world, batched)
