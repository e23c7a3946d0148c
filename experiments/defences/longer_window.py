"""Average for longer: every TWAP and EMA looks back `factor` times as far.

A push must be held for longer, and is paid for in every block (Mackinga, Nadahalli and Wattenhofer 2022). The cost: the index
lags further behind fair, which snipers take from whoever must honour it, and which makes liquidations late.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_oracle
from protocol.oracles.base import Oracle
from protocol.oracles.ema import Ema
from protocol.oracles.spot import Spot
from protocol.oracles.twap import ArithmeticTwap
from protocol.oracles.twap_geometric import GeometricTwap
from protocol.world import World


@dataclass(frozen=True)
class LongerWindow(Defence):
    """`factor` times the window or half-life; a spot oracle becomes a mean over `first` seconds."""

    factor: float = 20.0
    first: float = 1_200.0

    answers: ClassVar = (
        "FlashPush",
        "LiquidationHunter",
        "OraclePush",
        "OwnedPush",
        "Prober",
        "SettlementPush",
        "Spoofer",
        "TillEmptier",
    )

    def __post_init__(self) -> None:
        """Refuse a window that is none, or no longer."""
        if not self.factor > 1:
            raise ValueError(f"factor = {self.factor}: must be above 1")
        if not self.first > 0:
            raise ValueError(f"first = {self.first}: must be above 0 seconds")

    def applied(self, world: World) -> World | None:
        """Lengthen what averages."""
        return each_oracle(world, self._longer)

    def _longer(self, oracle: Oracle) -> Oracle | None:
        if isinstance(oracle, (ArithmeticTwap, GeometricTwap)):
            return dataclasses.replace(oracle, window=oracle.window * self.factor)
        if isinstance(oracle, Ema):
            return dataclasses.replace(oracle, half_life=oracle.half_life * self.factor)
        if isinstance(oracle, Spot) and oracle.source:
            return ArithmeticTwap(source=oracle.source, window=self.first)
        return None
