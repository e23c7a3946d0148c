"""Withdrawals are rounded up, to the cent: whoever redeems next to nothing, often enough, redeems what is others'.

Rounding for the caller has emptied pools where it could be repeated: Balancer's, 3 November 2025, by some 100 million dollars.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.flaws.base import Flaw, slow, spot, swapped
from protocol import lending
from protocol.lending import Accrued, LoanPool
from protocol.state import Lender
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market

CENT = 10_000  # cash units


@dataclass(frozen=True)
class RoundedUp(Flaw):
    """`redeem` pays whole cents, rounded up."""

    def sound(self) -> Exchange:
        """Cash that is lent."""
        return Exchange(
            markets=(Market("perp", oracle=slow(), venue=VirtualAmm(liquidity=4e6)), spot()),
            loans=(LoanPool("USD", liquidity=500_000.0),),
        )

    @contextmanager
    def planted(self) -> Iterator[None]:
        """In whole cents."""
        right = lending.worth_of

        def worth_of(shares: int, pool: Accrued, lender: Lender) -> int:
            return -(-right(shares, pool, lender) // CENT) * CENT

        with swapped(lending, "worth_of", worth_of):
            yield
