"""Leveraged speculators: high leverage, little margin, and a new stake after each liquidation.

Their liquidation prices cluster, because they enter on the same moves with the same leverage: the fuel of a cascade.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.crowds.base import Crowd, spread_out
from agents.crowds.decision import Columns
from agents.streams import Streams
from protocol.ledger import Ints


@dataclass(frozen=True)
class LeveragedCrowd(Crowd):
    """Leverage between `least_leverage` and `leverage`; `herding` is how strongly the trend weighs in a signal."""

    least_leverage: float = 3.0
    leverage: float = 9.0
    herding: float = 20.0
    threshold: float = 1.0
    reentry: float = 0.2

    def columns(self, streams: Streams, stake: Ints) -> Columns:
        """Own noise plus a share of the trend, each by its own weight."""
        n, name = len(stake), self.label
        return Columns(
            stake,
            self.activity / 86_400.0 * spread_out(streams, f"{name}.activity", 0.67, 1.33, n),
            spread_out(streams, f"{name}.leverage", self.least_leverage, self.leverage, n),
            np.full(n, self.threshold),
            np.ones(n),
            self.herding * streams.normal(f"{name}.herding", 0, n),
            np.zeros(n),
            np.full(n, self.slippage),
        )
