"""Ask a second source: what reporters say counts only while a pool of the same exchange agrees with them.

Bribing reporters is then worth no more than the gap that is allowed, unless the pool is pushed as well. The cost: where pool and
reporters differ for good reason, as in a crash, nobody trades and nobody is liquidated until they agree again.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.twap import ArithmeticTwap
from protocol.venues.concentrated import ConcentratedPool
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class SecondOpinion(Defence):
    """The second is the mean of a pool's mid over `window` seconds; `gap`, relative, is let pass."""

    gap: float = 0.01
    window: float = 60.0

    answers: ClassVar = ("ReporterBribe",)

    def __post_init__(self) -> None:
        """Refuse a gap or a window that is none."""
        for name in ("gap", "window"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} = {getattr(self, name)}: must be above 0")

    def applied(self, world: World) -> World | None:
        """Guard medians of reporters, where there is a pool to ask."""
        return each_market(world, self._guarded)

    def _guarded(self, exchange: Exchange, market: Market) -> Market | None:
        pools = [
            other.name
            for other in exchange.markets
            if isinstance(other.venue, ConstantProduct | ConcentratedPool)
            and other.instrument.token == market.instrument.base
        ]
        if not isinstance(market.oracle, Median) or not pools:
            return None
        second = ArithmeticTwap(source=pools[0], window=self.window)
        guard = Guarded(market.oracle, second, max_age=market.oracle.max_age, max_move=0.5, max_gap=self.gap)
        return dataclasses.replace(market, oracle=guard)
