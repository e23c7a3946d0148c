"""Exits from the vault that are paid after a delay, at what shares are worth then.

Who sees a loss coming cannot be out before it is marked, and who lends the vault money for a gain must stay for what comes after.
It costs honest providers the use of their money for the delay, and whatever is lost meanwhile.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.world import Exchange, World


@dataclass(frozen=True)
class ExitDelay(Defence):
    """`seconds` from asking to being paid."""

    seconds: float = 86_400.0

    answers: ClassVar = ("VaultRunner",)

    def __post_init__(self) -> None:
        """Refuse settings that are none."""
        if not self.seconds > 0:
            raise ValueError(f"seconds = {self.seconds}: must be above 0 seconds")

    def applied(self, world: World) -> World | None:
        """Where a vault pays at once."""
        return each_exchange(world, self._delayed)

    def _delayed(self, exchange: Exchange) -> Exchange | None:
        if exchange.vault is None or exchange.vault.delay > 0:
            return None
        return dataclasses.replace(exchange, vault=dataclasses.replace(exchange.vault, delay=self.seconds))
