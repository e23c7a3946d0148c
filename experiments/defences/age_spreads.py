"""Let the spread follow the age of the index: pools widen by the root of the time since it was true.

Fair may have gone that far since. Whoever brings an old report pays for its age, and whoever trades just before a refresh for what
it would show. The cost: honest traders pay for a feed that is late, which is none of their doing; on a feed by heartbeat that
is most of the time.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class AgeSpreads(Defence):
    """`spread`: full, relative, per root second; 8e-4 are four standard deviations a side at a volatility of 56 % a root year."""

    spread: float = 8e-4

    answers: ClassVar = ("ReportPicker", "StaleSniper")

    def __post_init__(self) -> None:
        """Refuse a spread that narrows."""
        if not self.spread > 0:
            raise ValueError(f"spread = {self.spread}: must be above 0 per root second")

    def applied(self, world: World) -> World | None:
        """Widen pools whose spread follows age less."""
        return each_market(world, self._widened)

    def _widened(self, _: Exchange, market: Market) -> Market | None:
        venue = market.venue
        if not isinstance(venue, OraclePool) or venue.age_spread >= self.spread:
            return None
        return dataclasses.replace(market, venue=dataclasses.replace(venue, age_spread=self.spread))
