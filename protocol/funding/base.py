"""The funding family: the rate at which one index per market grows.

The table at `path.funding` is [index, rate, time]: index in cash coins per base coin held long, rate per second as a share of
the price, time in seconds of the last accrual. The exchange accrues once a block; accounts settle when touched.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from protocol.state import Listing, State


@dataclass(frozen=True)
class Funding(ABC):
    """A rule for the rate that longs pay shorts."""

    @abstractmethod
    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """Share of the index per second, from now until the next block; `elapsed` seconds since the last. Longs pay if positive."""
