"""Let profit vest before it may leave: what is on paper never leaves, what is realised does so over days.

A pump must then be held for as long, against everybody who sells into it (Mango, October 2022, took half an hour). The cost:
winners wait for their money. It stops nobody who is paid in something else than profit, as by a loan on pumped collateral.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.vesting import Vesting
from protocol.world import Exchange, World


@dataclass(frozen=True)
class VestedProfit(Defence):
    """All but 1/e of a profit vests within `period` seconds."""

    period: float = 86_400.0

    answers: ClassVar = ("TillEmptier", "FlashPush")

    def __post_init__(self) -> None:
        """Refuse a period that is none."""
        if not self.period > 0:
            raise ValueError(f"period = {self.period}: must be above 0 seconds")

    def applied(self, world: World) -> World | None:
        """Where positions are traded, and profit may leave at once."""
        return each_exchange(world, self._vesting)

    def _vesting(self, exchange: Exchange) -> Exchange | None:
        if exchange.vesting is not None or not any(market.instrument.claims() for market in exchange.markets):
            return None
        return dataclasses.replace(exchange, vesting=Vesting(self.period))
