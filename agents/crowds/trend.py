"""Trend followers: they buy what has risen above its moving average, and sell what has fallen below it.

They supply the same-way flow from which crowded positions, and so cascades, are made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.crowds.base import Crowd, spread_out
from agents.crowds.decision import Columns
from agents.streams import Streams
from protocol.ledger import Ints


@dataclass(frozen=True)
class TrendCrowd(Crowd):
    """`threshold` is the mean log deviation from the average that makes a member act."""

    leverage: float = 5.0
    threshold: float = 0.005

    def columns(self, streams: Streams, stake: Ints) -> Columns:
        """Thresholds and leverage differ; a little noise keeps members from acting as one."""
        n, name = len(stake), self.label
        threshold = self.threshold * spread_out(streams, f"{name}.threshold", 0.5, 1.5, n)
        return Columns(
            stake,
            self.activity / 86_400.0 * spread_out(streams, f"{name}.activity", 0.67, 1.33, n),
            spread_out(streams, f"{name}.leverage", 0.25 * self.leverage, self.leverage, n),
            threshold,
            0.3 * threshold,
            np.ones(n),
            np.zeros(n),
            np.full(n, self.slippage),
        )
