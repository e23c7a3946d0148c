"""Guard the index: a reading that a block has moved by more than `max_move` is held back, and nothing is done on it.

What is pushed and undone within a transaction is never believed (Liquity's `PriceFeed`, 2021; Venus's `BoundValidator` resisted
a push of 16 times for 37 minutes, March 2026). The cost: while a real move is held back, nobody trades, withdraws or is
liquidated; and whoever pushes the source keeps it so for as long as he pays for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_oracle
from protocol.oracles.base import Oracle
from protocol.oracles.ema import Ema
from protocol.oracles.guarded import Guarded
from protocol.oracles.spot import Spot
from protocol.oracles.twap import ArithmeticTwap
from protocol.oracles.twap_geometric import GeometricTwap
from protocol.world import World


@dataclass(frozen=True)
class IndexGuard(Defence):
    """Guards every index that a venue's trades move with the largest move in a block, relative, and `patience` in seconds."""

    max_move: float = 0.01
    patience: float = 600.0

    answers: ClassVar = ("FlashPush", "OraclePush", "TillEmptier", "SelfLiquidator")

    def __post_init__(self) -> None:
        """Refuse a guard that guards nothing."""
        if not self.max_move > 0:
            raise ValueError(f"max_move = {self.max_move}: must be above 0, a share of the last good value")
        if not self.patience >= 0:
            raise ValueError(f"patience = {self.patience}: must be 0 or more seconds")

    def applied(self, world: World) -> World | None:
        """Put the guard around what nobody guards."""
        guarded = each_oracle(world, self._guarded)
        return None if guarded == world else guarded

    def _guarded(self, oracle: Oracle) -> Oracle | None:
        if isinstance(oracle, Guarded):
            return oracle if oracle.max_move <= self.max_move else None
        if not isinstance(oracle, (Spot, ArithmeticTwap, GeometricTwap, Ema)):
            return None
        return Guarded(inner=oracle, max_move=self.max_move, patience=self.patience)
