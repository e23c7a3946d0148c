"""Fundamental traders: they buy below the reference mid and sell above it, each with its own patience.

They pull a venue's mid back to the world; without them and arbitrageurs a virtual market drifts wherever flow takes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.crowds.base import Crowd, spread_out
from agents.crowds.decision import Columns
from agents.streams import Streams
from protocol.ledger import Ints


@dataclass(frozen=True)
class FundamentalCrowd(Crowd):
    """`threshold` is the mean log gap between reference and mid that makes a member act."""

    leverage: float = 2.0
    threshold: float = 0.004

    def columns(self, streams: Streams, stake: Ints) -> Columns:
        """Thresholds and leverage differ; each is a little wrong about value."""
        n, name = len(stake), self.label
        threshold = self.threshold * spread_out(streams, f"{name}.threshold", 0.5, 1.5, n)
        return Columns(
            stake,
            self.activity / 86_400.0 * spread_out(streams, f"{name}.activity", 0.67, 1.33, n),
            spread_out(streams, f"{name}.leverage", 0.25 * self.leverage, self.leverage, n),
            threshold,
            0.5 * threshold,
            np.zeros(n),
            np.ones(n),
            np.full(n, self.slippage),
        )
