"""Halt seizures at the frontier: of an account that owes more than 1 / (1 + spread) of its collateral nothing is taken.

Beyond it each seizure raises the loan-to-value and ends in debt that the lenders write off (Warmuz, Chaudhary, Pinna,
arXiv:2212.07306). The cost: debts beyond the frontier stay, with all their collateral, until that recovers or is lost for good;
and keepers who are late earn nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.world import Exchange, World


@dataclass(frozen=True)
class FrontierHalt(Defence):
    """Halts at the frontier of each exchange's own spread."""

    answers: ClassVar = ("SelfLiquidator",)

    def applied(self, world: World) -> World | None:
        """Where something is lent, and seizures go on beyond the frontier."""
        return each_exchange(world, self._halting)

    def _halting(self, exchange: Exchange) -> Exchange | None:
        rules = exchange.seizure
        if not (exchange.loans or exchange.collateral) or rules.halt <= rules.frontier:
            return None
        return dataclasses.replace(exchange, seizure=dataclasses.replace(rules, halt=rules.frontier))
