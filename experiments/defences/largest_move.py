"""Believe no index that moves too far in a block: a reading further off than that is held until it is back, or has lasted.

A push in one block is stopped; one that paces itself is not, and neither are bribed reporters who do. The cost: in a crash the
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

    answers: ClassVar = ("OraclePush", "ReporterBribe")

    def __post_init__(self) -> None:
        """Refuse a bound that is none."""
        if not 0 < self.most < math.inf:
            raise ValueError(f"most = {self.most}: must be above 0, a share of the index")
        if not self.patience >= 0:
            raise ValueError(f"patience = {self.patience}: must be 0 or more seconds")

    def applied(self, world: World) -> World | None:
        """Guard the index of every market of claims that has one of its own and no guard."""
        return each_market(world, self._guarded)

    def _guarded(self, _: Exchange, market: Market) -> Market | None:
        if market.index or isinstance(market.oracle, Guarded) or not market.instrument.claims():
            return None
        age = float(getattr(market.oracle, "max_age", 1e9))
        guard = Guarded(market.oracle, max_age=age, max_move=self.most, max_gap=1e9, patience=self.patience)
        return dataclasses.replace(market, oracle=guard)
