"""Believe no index that moves too far in a block: a reading further off than that is held until it is back, or has lasted.

A push in one block is stopped (Liquity's `PriceFeed`, 2021; Venus's `BoundValidator` resisted a push of 16 times for 37 minutes,
March 2026); one that paces itself is not, and neither are bribed reporters who do. The cost: in a crash the
last good index stands while trading and liquidation are refused, for as long as the guard is patient.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.oracles.guarded import Guarded
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class LargestMove(Defence):
    """`most`: relative, from one block to the next; held for `patience` seconds."""

    most: float = 0.01
    patience: float = 300.0

    answers: ClassVar = ("FlashPush", "OraclePush", "ReporterBribe", "SelfLiquidator", "TillEmptier")

    def __post_init__(self) -> None:
        """Refuse a bound that is none."""
        if not 0 < self.most < math.inf:
            raise ValueError(f"most = {self.most}: must be above 0, a share of the index")
        if not self.patience >= 0:
            raise ValueError(f"patience = {self.patience}: must be 0 or more seconds")

    def applied(self, world: World) -> World | None:
        """Guard every index that claims are marked by, or that trades move, and that has no guard."""
        return each_market(world, self._guarded)

    def _guarded(self, _: Exchange, market: Market) -> Market | None:
        read = market.instrument.claims() or market.oracle.sources()
        if market.index or isinstance(market.oracle, Guarded) or not read:
            return None
        age = float(getattr(market.oracle, "max_age", 1e9))
        guard = Guarded(market.oracle, max_age=age, max_move=self.most, max_gap=1e9, patience=self.patience)
        return dataclasses.replace(market, oracle=guard)
