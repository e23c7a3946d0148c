"""Funding has the wrong sign: whoever pushes a market off its index is paid for it, and those who lean against it pay.

A sign at fault in an accrual is found by audits again and again, and seldom by tests in which both sides are as large.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from experiments.flaws.base import Flaw, slow, spot, swapped
from protocol.funding.premium import Premium
from protocol.state import Listing, State
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class ReversedFunding(Flaw):
    """Shorts pay longs while the mid is above the index."""

    interval: ClassVar[float] = 3_600.0

    def sound(self) -> Exchange:
        """A virtual AMM marked by a slow index, with blocks an hour apart."""
        return Exchange(markets=(Market("perp", oracle=slow(), venue=VirtualAmm(liquidity=4e6)), spot()))

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The other way."""
        right = Premium.rate

        def reversed_rate(self: Premium, state: State, listing: Listing, index: float, elapsed: float) -> float:
            return -right(self, state, listing, index, elapsed)

        with swapped(Premium, "rate", reversed_rate):
            yield
