"""How long players stand below maintenance before somebody closes or restores them."""

from __future__ import annotations

import math

import numpy as np

from protocol.margins.base import Threshold
from protocol.state import State


class Standing:
    """When each player fell below maintenance, and for how long: show it the state after every block.

    `waits` are seconds from the first block after which an account stood below to the one that closed or restored it.
    """

    def __init__(self, exchange: int = 0) -> None:
        self.exchange = exchange
        self.since: dict[int, float] = {}  # seconds, of those who stand below now
        self.waits: list[float] = []
        self.time = 0.0

    def __call__(self, state: State) -> None:
        """Look at a sealed block."""
        house, self.time = state.houses[self.exchange], state.time
        below, _ = state.exchange(house).margin.below(state, house, Threshold.MAINTENANCE)
        now = set(below.tolist())
        for account in [account for account in self.since if account not in now]:
            self.waits.append(state.time - self.since.pop(account))
        for account in now:
            self.since.setdefault(account, state.time)

    def time_to_close(self) -> float:
        """Mean seconds below; those who still are count as long as they have been, which is less than it will be. nan: nobody."""
        all_waits = self.waits + [self.time - since for since in self.since.values()]
        return float(np.mean(all_waits)) if all_waits else math.nan
