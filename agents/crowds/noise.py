"""Noise traders: they trade for reasons of their own, and carry the volume that everybody else lives on.

In a spot market they spend or sell a share of the wallet (`leverage`); in a market of claims they open and close positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.crowds.base import Crowd, spread_out
from agents.crowds.decision import Columns
from agents.streams import Streams
from protocol.ledger import Ints


@dataclass(frozen=True)
class NoiseCrowd(Crowd):
    """`leverage` is the largest a member uses."""

    leverage: float = 3.0

    def columns(self, streams: Streams, stake: Ints) -> Columns:
        """Leverage from a quarter of the largest up; activity within a factor of two."""
        n, name = len(stake), self.label
        flat = np.zeros(n)
        return Columns(
            stake,
            self.activity / 86_400.0 * spread_out(streams, f"{name}.activity", 0.67, 1.33, n),
            spread_out(streams, f"{name}.leverage", 0.25 * self.leverage, self.leverage, n),
            flat,
            np.ones(n),
            flat,
            flat,
            np.full(n, self.slippage),
        )
