"""Trade at the edge of the confidence band: pools at an index widen by a multiple of the oracle's own doubt.

A publisher's band widens with volatility, so that a stale report, or one picked out of several, is dear just when it is worth
most. The cost: honest traders pay the band too, both ways, and most of all in a storm. A band of one half-width lets through what
jumps; two let through next to nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.venues.delayed_pool import DelayedPool
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class ConfidenceBands(Defence):
    """`weight`: half-widths of confidence that each side of the spread is widened by."""

    weight: float = 2.0

    answers: ClassVar = ("ReportPicker", "StaleSniper")

    def __post_init__(self) -> None:
        """Refuse a band that narrows."""
        if not self.weight > 0:
            raise ValueError(f"weight = {self.weight}: must be above 0 half-widths")

    def applied(self, world: World) -> World | None:
        """Widen pools whose weight is less."""
        return each_market(world, self._widened)

    def _widened(self, _: Exchange, market: Market) -> Market | None:
        venue = market.venue
        if not isinstance(venue, OraclePool | DelayedPool) or venue.confidence_weight >= self.weight:
            return None
        return dataclasses.replace(market, venue=dataclasses.replace(venue, confidence_weight=self.weight))
