"""Let shares that nobody owns stand beside the first depositor's, so that a gift to the vault is mostly theirs.

OpenZeppelin ERC-4626 since 4.9: one virtual unit of assets, 10^3 virtual shares, make an inflation of the share's price cost a
thousand times what it can take. The cost: what rounding and gifts leave with the virtual shares, a thousandth of a cash unit.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.world import Exchange, World


@dataclass(frozen=True)
class VirtualShares(Defence):
    """`shares` for each of one unit of assets."""

    shares: int = 1_000

    answers: ClassVar = ("ShareInflator",)

    def __post_init__(self) -> None:
        """Refuse none."""
        if not self.shares >= 1:
            raise ValueError(f"shares = {self.shares}: must be 1 or more")

    def applied(self, world: World) -> World | None:
        """Where a vault has fewer."""
        return each_exchange(world, self._virtual)

    def _virtual(self, exchange: Exchange) -> Exchange | None:
        rules = exchange.vault
        if rules is None or rules.virtual_shares >= self.shares:
            return None
        return dataclasses.replace(
            exchange, vault=dataclasses.replace(rules, virtual_assets=1, virtual_shares=self.shares)
        )
