"""Quote options wider in volatility: what a lever moves the surface by must pay the spread twice.

The cost: honest traders pay it as well, on every option that the vault sells or buys back.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.instruments.option import Option
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class WiderVolatility(Defence):
    """`spread`: full, per root year."""

    spread: float = 0.2

    answers: ClassVar = ("VolatilityPush",)

    def __post_init__(self) -> None:
        """Refuse a spread that is none."""
        if not self.spread > 0:
            raise ValueError(f"spread = {self.spread}: must be above 0 per root year")

    def applied(self, world: World) -> World | None:
        """Widen pools of options whose spread is less."""
        return each_market(world, self._wider)

    def _wider(self, _: Exchange, market: Market) -> Market | None:
        venue = market.venue
        if not isinstance(market.instrument, Option) or not isinstance(venue, OraclePool):
            return None
        if venue.volatility_spread >= self.spread:
            return None
        return dataclasses.replace(market, venue=dataclasses.replace(venue, volatility_spread=self.spread))
