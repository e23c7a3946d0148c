"""Breakers: after a fast move of the index nothing is opened, and nobody is liquidated, for a while.

A push must then be held for the pause, against everybody who trades it back. It costs traders the moves in which they cannot enter,
and, where the move was real, whoever bears the deficits that grow while nobody is liquidated.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.limits.circuit_breaker import CircuitBreaker
from protocol.limits.liquidation_pause import LiquidationPause
from protocol.limits.watch import Breaker
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class Halts(Defence):
    """Both for `pause` seconds after a move beyond `bound`, relative, within `window` seconds."""

    bound: float = 0.04
    window: float = 120.0
    pause: float = 300.0

    answers: ClassVar = ("LiquidationHunter",)

    def __post_init__(self) -> None:
        """Refuse settings that are none, as the rules themselves do."""
        self._breakers()

    def applied(self, world: World) -> World | None:
        """Where something can be opened, and nothing halts yet."""
        return each_market(world, self._guarded)

    def _guarded(self, exchange: Exchange, market: Market) -> Market | None:
        if not market.instrument.claims() or any(isinstance(limit, LiquidationPause) for limit in market.limits):
            return None
        return dataclasses.replace(market, limits=(*market.limits, *self._breakers()))

    def _breakers(self) -> tuple[Breaker, Breaker]:
        numbers = self.bound, self.window, self.pause
        return CircuitBreaker(*numbers), LiquidationPause(*numbers)
