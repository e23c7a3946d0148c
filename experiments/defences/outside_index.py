"""An index of outside reporters in place of one that the venue's own trades make.

The market takes the index of another one of its exchange on the same base, whose oracle reads no venue. It costs the market
its independence: where there is no price elsewhere there is no index, and who bribes the reporters has all of it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.oracles.spot import Spot
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class OutsideIndex(Defence):
    """Takes the first market of the base whose oracle reads no venue."""

    answers: ClassVar = ("LiquidationHunter", "OraclePush")

    def applied(self, world: World) -> World | None:
        """Where such a market stands beside one that is marked by a venue."""
        return each_market(world, self._guided)

    def _guided(self, exchange: Exchange, market: Market) -> Market | None:
        if market.index or not market.instrument.claims() or not market.oracle.sources():
            return None
        for other in exchange.markets:
            same = other.instrument.base == market.instrument.base
            if same and not other.index and not other.oracle.sources():
                return dataclasses.replace(market, oracle=Spot(), index=other.name)
        return None
