"""Lock a part of the first deposit for ever, so that its depositor does not own the vault.

Uniswap V2 burns its first 1,000 units of liquidity. A gift that raises the share's price is then the dead shares' in their
proportion. The cost: the first depositor loses `shares` units of cash, a tenth of a cent for 1,000.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.world import Exchange, World


@dataclass(frozen=True)
class DeadShares(Defence):
    """Locks the first `shares` units."""

    shares: int = 1_000

    answers: ClassVar = ("ShareInflator",)

    def __post_init__(self) -> None:
        """Refuse none."""
        if not self.shares >= 1:
            raise ValueError(f"shares = {self.shares}: must be 1 or more")

    def applied(self, world: World) -> World | None:
        """Where a vault has a first depositor yet to come."""
        return each_exchange(world, self._locked)

    def _locked(self, exchange: Exchange) -> Exchange | None:
        rules = exchange.vault
        if rules is None or rules.liquidity > 0 or rules.dead_shares >= self.shares:
            return None
        return dataclasses.replace(exchange, vault=dataclasses.replace(rules, dead_shares=self.shares))
