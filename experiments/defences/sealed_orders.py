"""Seal what waits: orders are committed unread and opened in the order they came.

Nothing can be answered, overtaken or surrounded before it is settled, and fees buy no place (F3B: Zhang, Merino et al. 2022).
The cost: everybody's information is older by the delay, so makers quote wider, arbitrage is later, and liquidations too.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence
from protocol.orderings.sealed import LONGEST, Sealed
from protocol.world import Chain, World


@dataclass(frozen=True)
class SealedOrders(Defence):
    """`share` of the block time passes between commitment and opening."""

    share: float = 0.25

    answers: ClassVar = ("BlockStuffer", "OwnedPush", "Sandwich", "UpdateRunner")

    def __post_init__(self) -> None:
        """Refuse a delay that is none, or longer than a block."""
        if not 0 < self.share <= 1:
            raise ValueError(f"share = {self.share}: must be above 0 to 1, a share of the block time")

    def applied(self, world: World) -> World | None:
        """Seal every chain on which orders can be read or places bought."""
        if all(isinstance(chain.ordering, Sealed) for chain in world.chains):
            return None
        return dataclasses.replace(world, chains=tuple(map(self._sealed, world.chains)))

    def _sealed(self, chain: Chain) -> Chain:
        delay = min(self.share * chain.blocks.interval, 0.9 * LONGEST)
        return chain if isinstance(chain.ordering, Sealed) else dataclasses.replace(chain, ordering=Sealed(delay=delay))
