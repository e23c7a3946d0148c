"""Execute at an index newer than the order: pools at an index take requests, and fill them once it has been renewed.

Nobody trades on an index that he has seen, be it stale, pushed for a block or picked. The cost: honest traders wait for the next
report, without knowing their price, and bear its move; a forced sale finds no depth, so that it has a place only where keepers
take positions over.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.instruments.option import Option
from protocol.liquidations.full import Full
from protocol.venues.delayed_pool import DelayedPool
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class DelayedExecution(Defence):
    """`delay`: seconds by which the index must be newer than the order."""

    delay: float = 0.0

    answers: ClassVar = ("ReportPicker", "StaleSniper", "OraclePush", "Spoofer")

    def __post_init__(self) -> None:
        """Refuse an index from before the order."""
        if not 0 <= self.delay < 120:
            raise ValueError(f"delay = {self.delay}: allowed 0 to below 120 seconds")

    def applied(self, world: World) -> World | None:
        """Put a pool of two steps where there is one of one step, options apart."""
        return each_market(world, self._delayed)

    def _delayed(self, exchange: Exchange, market: Market) -> Market | None:
        venue = market.venue
        if not isinstance(venue, OraclePool) or isinstance(market.instrument, Option):
            return None
        if isinstance(exchange.liquidation, Full):
            return None
        pool = DelayedPool(venue.spread, venue.skew_scale, venue.confidence_weight, self.delay)
        return dataclasses.replace(market, venue=pool)
