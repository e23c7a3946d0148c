"""Lend to nobody for the length of a transaction.

Whoever wants to push a price, or to repay his own debt to seize its collateral, must then own the capital, and bears its cost.
It stops nobody who has it. The cost: lenders forgo the fees, and honest arbitrage and refinancing need capital of their own.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.world import Exchange, World


@dataclass(frozen=True)
class NoFlash(Defence):
    """Switches flash loans off."""

    answers: ClassVar = ("FlashPush", "SelfLiquidator")

    def applied(self, world: World) -> World | None:
        """Take the rule away where there is one."""
        return each_exchange(world, self._without)

    def _without(self, exchange: Exchange) -> Exchange | None:
        return None if exchange.flash is None else dataclasses.replace(exchange, flash=None)
