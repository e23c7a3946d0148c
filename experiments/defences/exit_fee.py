"""A fee on every exit from the vault, kept for those who stay, above what the index usually lags by.

A visit for the sake of one late mark then costs more than it takes. It costs honest providers the fee, once, when they leave.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.world import Exchange, World


@dataclass(frozen=True)
class ExitFee(Defence):
    """`fee` is a share of what is paid out."""

    fee: float = 0.01

    answers: ClassVar = ("VaultRunner",)

    def __post_init__(self) -> None:
        """Refuse settings that are none."""
        if not 0 < self.fee < 1:
            raise ValueError(f"fee = {self.fee}: must be above 0 to below 1, a share of what is paid out")

    def applied(self, world: World) -> World | None:
        """Where a vault takes less."""
        return each_exchange(world, self._charged)

    def _charged(self, exchange: Exchange) -> Exchange | None:
        if exchange.vault is None or exchange.vault.fee >= self.fee:
            return None
        return dataclasses.replace(exchange, vault=dataclasses.replace(exchange.vault, fee=self.fee))
