"""Forced sales that do not touch the venue: keepers take part of a position over, at a discount to the index.

Who pushes the mark then finds nobody selling into his exit. It costs the liquidated the discount, and needs keepers with
capital: where they run out, positions stay open below maintenance.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.liquidations.full import Full
from protocol.liquidations.partial import Partial
from protocol.world import Exchange, World


@dataclass(frozen=True)
class KeepersTakeOver(Defence):
    """`rule` stands where everything was sold at once."""

    rule: Partial = field(default_factory=Partial)

    answers: ClassVar = ("LiquidationHunter",)

    def applied(self, world: World) -> World | None:
        """Where the whole position is sold on the venue."""
        return each_exchange(world, self._handed)

    def _handed(self, exchange: Exchange) -> Exchange | None:
        return dataclasses.replace(exchange, liquidation=self.rule) if isinstance(exchange.liquidation, Full) else None
