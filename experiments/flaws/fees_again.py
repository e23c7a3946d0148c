"""Fees of a range are paid out and not written down as paid: they can be collected again and again.

Popsicle Finance, 3 August 2021: the fee debt of a liquidity position did not go with it, and was paid more than once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.flaws.base import Flaw, swapped
from protocol.funding.unfunded import Unfunded
from protocol.instruments.token import Token
from protocol.state import Listing, State
from protocol.venues.concentrated import ConcentratedPool
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class FeesAgain(Flaw):
    """Collecting leaves the position as it was."""

    def sound(self) -> Exchange:
        """Ether in ranges."""
        return Exchange(markets=(Market("range", Token(), venue=ConcentratedPool(liquidity=1e6), funding=Unfunded()),))

    @contextmanager
    def planted(self) -> Iterator[None]:
        """What has been earned is not marked as paid."""
        right = ConcentratedPool.change

        def change(
            self: ConcentratedPool, state: State, listing: Listing, account: int, low: int, high: int, liquidity: int
        ) -> tuple[int, int]:
            before = state.tables[listing.path + ".positions"]
            due = right(self, state, listing, account, low, high, liquidity)
            if liquidity == 0:
                state.put(listing.path + ".positions", before)
            return due

        with swapped(ConcentratedPool, "change", change):
            yield
