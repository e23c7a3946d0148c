"""An aggregator: one order over all markets, so that the last coin costs the same on each of them, in one bundle or not at all.

That is the optimum where quotes are convex (Angeris, Evans, Chitra and Boyd 2022, "Optimal routing for constant function market
makers", EC 22); for pools of a constant product with reserves x of base and y of cash, of which a share g of the input counts, it
is x - d = sqrt(x y / (g p)) at one price p. It is found here off the quotes themselves, for any venue: cut each curve into slices
and take the cheapest. A leg must save its gas. Whoever signs sends it as a bundle, so that either every leg is filled or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.quotes import BEYOND, Quotes, Wanted
from agents.routings.base import Routing
from protocol.ledger import Floats


class Ladder:
    """The slices of some markets' curves, the cheapest first: how much of each market an order of any size takes."""

    def __init__(self, quotes: Quotes, markets: Sequence[int]) -> None:
        steps = np.diff(quotes.sizes[list(markets)], axis=1)
        prices = np.maximum.accumulate(np.diff(quotes.costs[list(markets)], axis=1) / steps, axis=1)
        order = np.argsort(prices, axis=None, kind="stable")
        order = order[prices.ravel()[order] < BEYOND * 1e-6]
        taken = np.zeros((len(order) + 1, len(markets)))
        places = order // steps.shape[1]
        taken[np.arange(1, len(order) + 1), places] = steps.ravel()[order]
        self.taken = np.cumsum(taken, axis=0)  # [slices + 1, markets] base coins
        self.total = self.taken.sum(axis=1)

    def split(self, size: float) -> Floats:
        """Base coins on each market; less than `size` where there is not as much. Shape [markets]."""
        return np.array([np.interp(size, self.total, column) for column in self.taken.T])


@dataclass(frozen=True)
class Aggregated(Routing):
    """Each order over all markets at one marginal price, gas of a leg included."""

    def route(self, wanted: Wanted, quotes: Quotes) -> Floats:
        """Split, leaving out legs that do not save their gas. Where margin does not carry a leg, the leg is as much less."""
        every = tuple(range(wanted.room.shape[1]))
        ladders = {every: Ladder(quotes, every)}
        placed = np.zeros_like(wanted.room)
        for row, size in enumerate(wanted.size.tolist()):
            markets, legs, cost = self._try(quotes, ladders, every, size)
            while len(markets) > 1:
                fewer = tuple(m for m in markets if m != markets[int(np.argmin(legs))])
                less = self._try(quotes, ladders, fewer, size)
                if not (less[1].sum() >= legs.sum() * (1.0 - 1e-9) and less[2] <= cost):
                    break
                markets, legs, cost = less
            placed[row, list(markets)] = legs
        return np.minimum(placed, wanted.room)

    @staticmethod
    def _try(
        quotes: Quotes, ladders: dict[tuple[int, ...], Ladder], markets: tuple[int, ...], size: float
    ) -> tuple[tuple[int, ...], Floats, float]:
        """(markets, the legs on them, what they cost with gas)."""
        if markets not in ladders:
            ladders[markets] = Ladder(quotes, markets)
        legs = ladders[markets].split(size)
        pairs = list(zip(markets, legs, strict=True))
        cost = sum(float(quotes.cost(m, np.array([leg]))[0]) + float(quotes.gas[m]) for m, leg in pairs if leg > 0.0)
        return markets, legs, cost
