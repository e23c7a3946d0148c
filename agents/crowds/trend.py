"""Trend followers: they buy what has risen above its moving average, and sell what has fallen below it.

They supply the same-way flow from which crowded positions, and so cascades, are made.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.crowds.base import Crowd, watchers
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
        return watchers(self, streams, stake, self.leverage, self.threshold, blur=0.3, trend=1.0, gap=0.0)
