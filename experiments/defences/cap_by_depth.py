"""Open-interest caps that follow depth: a market opens no more on a side than its coin's own pool could take.

A push of the price then costs more than what stands to be won by it. It costs traders room: where the pool is thin, or its
providers have left, they are refused.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.limits.depth_cap import DepthCap
from protocol.world import Exchange, Market, World


def pool_of(exchange: Exchange, base: str) -> str:
    """The market of the exchange in which the coin itself is traded; '' where there is none."""
    return next((m.name for m in exchange.markets if not m.instrument.claims() and m.instrument.base == base), "")


@dataclass(frozen=True)
class CapByDepth(Defence):
    """`share` of the depth within `slippage` of the pool in which the coin is traded."""

    slippage: float = 0.1
    share: float = 2.0

    answers: ClassVar = ("InsuranceDrain", "ToxicDump", "OraclePush")

    def __post_init__(self) -> None:
        """Refuse settings that are none."""
        if not 0 < self.slippage < 1:
            raise ValueError(f"slippage = {self.slippage}: must be above 0 to below 1, relative")
        if not self.share > 0:
            raise ValueError(f"share = {self.share}: must be above 0, of the depth")

    def applied(self, world: World) -> World | None:
        """Where the coin has a pool on the same exchange."""
        return each_market(world, self._capped)

    def _capped(self, exchange: Exchange, market: Market) -> Market | None:
        pool = pool_of(exchange, market.instrument.base)
        if not pool or not market.instrument.claims() or any(isinstance(limit, DepthCap) for limit in market.limits):
            return None
        cap = DepthCap(pool, self.slippage, self.share)
        return dataclasses.replace(market, limits=(*market.limits, cap))
