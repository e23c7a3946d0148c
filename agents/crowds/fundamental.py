"""Fundamental traders: they buy below the reference mid and sell above it, each with its own patience.

They pull a venue's mid back to the world; without them and arbitrageurs a virtual market drifts wherever flow takes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.crowds.base import Crowd, watchers
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
        return watchers(self, streams, stake, self.leverage, self.threshold, blur=0.5, trend=0.0, gap=1.0)
