"""The vault honours an index that is a pool's mid of the moment: push the pool, trade at the index, and put it back, in one bundle.

bZx, 18 February 2020; Cheese Bank, 6 November 2020; Inverse Finance, 2 April 2022.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from experiments.flaws.base import Flaw, slow, spot
from protocol.funding.unfunded import Unfunded
from protocol.oracles.spot import Spot
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class LiveIndex(Flaw):
    """The index is the spot pool's mid."""

    def sound(self) -> Exchange:
        """A perpetual at a slow index of a thin pool, against a vault."""
        market = Market("perp", oracle=slow(), venue=OraclePool(), funding=Unfunded())
        return Exchange(markets=(market, spot(500_000.0)), vault=Vault(liquidity=2e6))

    def spoilt(self) -> Exchange:
        """The same at a live one."""
        right = self.sound()
        return replace(right, markets=(replace(right.markets[0], oracle=Spot("spot")), right.markets[1]))
