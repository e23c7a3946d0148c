"""The routing family: where a trader with several markets to choose from keeps its money, and where it sends an order.

What a market costs is its quote for the whole order, impact included, its fee, and gas. Foucault and Menkveld 2008 ("Competition
for order flow and smart order routing systems", Journal of Finance 63(1)) tell those who compare from those who do not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from agents.quotes import Quotes, Wanted
from protocol.ledger import Floats, Ints


@dataclass(frozen=True)
class Routing(ABC):
    """`homes`: what share of traders is at home on each market; empty: as many on each."""

    homes: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse shares that are none, and a routing's own nonsense."""
        wrong = self.mistakes()
        if self.homes and not (min(self.homes) >= 0 and sum(self.homes) > 0):
            wrong.append(f"homes = {self.homes}: must be shares, 0 or more, not all of them 0")
        if wrong:
            raise ValueError("\n".join(wrong))

    def mistakes(self) -> list[str]:
        """One line for each of its own settings that makes no sense."""
        return []

    def settle(self, draws: Floats, markets: int) -> Ints:
        """The market where each trader is at home, by its own uniform draw. Shape [traders]."""
        edges = np.cumsum(self.homes or np.ones(markets))
        found: Ints = np.searchsorted(edges[:-1] / edges[-1], draws, side="right")
        return found

    def deposits(self, home: Ints, markets: int) -> Floats:
        """What share of its margin each keeps on each market's exchange; alike, so that it can trade anywhere."""
        return np.full((len(home), markets), 1.0 / markets)

    @abstractmethod
    def route(self, wanted: Wanted, quotes: Quotes) -> Floats:
        """Base coins of each order on each market, 0 or more; an order that is nowhere to be had gets none. [orders, markets]."""
