"""Let full blocks become dearer: a base fee that everybody pays rises with use (EIP-1559).

Filling one block costs what it did, but filling them for as long as an auction lasts costs exponentially more (Roughgarden
2020, "Transaction fee mechanism design for the Ethereum blockchain", section 3). The cost: honest demand pays more in a
rush as well, and what it pays goes to nobody.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence
from protocol.world import World


@dataclass(frozen=True)
class RisingBaseFee(Defence):
    """The base fee moves by at most `change` a block."""

    change: float = 0.125

    answers: ClassVar = ("BlockStuffer",)

    def __post_init__(self) -> None:
        """Refuse a change that is none."""
        if not 0 < self.change < 1:
            raise ValueError(f"change = {self.change}: must be above 0 to below 1")

    def applied(self, world: World) -> World | None:
        """Let it rise on every chain where it moves less."""
        if all(chain.fee_change >= self.change for chain in world.chains):
            return None
        chains = (dataclasses.replace(chain, fee_change=max(chain.fee_change, self.change)) for chain in world.chains)
        return dataclasses.replace(world, chains=tuple(chains))
