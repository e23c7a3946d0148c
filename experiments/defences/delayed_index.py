"""Let an index wait before it counts (Maker's OSM, an hour; here half of one), so that a pushed price is seen before it does harm.

A push must stand at a hop, and everybody can read what the index will be. No attacker here times its push to a hop: they think
of holding it through two, so what this rule stops is overstated. The cost: liquidations come a hop late, and
whoever must honour the index is sniped by those who read its future.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.oracles.security_module import SecurityModule
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class DelayedIndex(Defence):
    """Wraps every oracle that a market of the exchange moves; `hop` in seconds."""

    hop: float = 1_800.0

    answers: ClassVar = ("OraclePush",)

    def __post_init__(self) -> None:
        """Refuse a hop that is none."""
        if not self.hop > 0:
            raise ValueError(f"hop = {self.hop}: must be above 0 seconds")

    def applied(self, world: World) -> World | None:
        """Wrap what is moved by trades and not yet made to wait."""

        def delayed(_: Exchange, market: Market) -> Market | None:
            if market.index or not market.instrument.claims() or not any(market.oracle.sources()):
                return None
            if isinstance(market.oracle, SecurityModule):
                return None
            return dataclasses.replace(market, oracle=SecurityModule(market.oracle, self.hop))

        return each_market(world, delayed)
