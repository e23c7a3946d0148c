"""Margin that grows with position against depth: what selling it would cost is asked on top, at the opening and after.

Legs so large that a push could break them cannot be carried. It costs large traders capital; small ones hardly notice.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.margins.depth_scaled import DepthScaled
from protocol.world import Exchange, World


@dataclass(frozen=True)
class MarginByDepth(Defence):
    """Adds `weight` times the slippage of selling into the exchange's one pool, measured within `slippage`."""

    slippage: float = 0.1
    weight: float = 2.0

    answers: ClassVar = ("InsuranceDrain", "ToxicDump")

    def __post_init__(self) -> None:
        """Refuse settings that are none."""
        if not 0 < self.slippage < 1:
            raise ValueError(f"slippage = {self.slippage}: must be above 0 to below 1, relative")
        if not self.weight > 0:
            raise ValueError(f"weight = {self.weight}: must be above 0")

    def applied(self, world: World) -> World | None:
        """Where the exchange has one pool of tokens, and margin does not look at depth yet."""
        return each_exchange(world, self._scaled)

    def _scaled(self, exchange: Exchange) -> Exchange | None:
        pools = [market.name for market in exchange.markets if not market.instrument.claims()]
        if len(pools) != 1 or exchange.margin.sources():
            return None
        margin = DepthScaled(exchange.margin, pools[0], self.slippage, self.weight)
        return dataclasses.replace(exchange, margin=margin)
