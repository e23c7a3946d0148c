"""Collateral comes back while a loan stands on it: what is pledged counts twice, once for the lender and once for its owner.

Qubit, 28 January 2022, and many a fork of a lending market: collateral that was not, or no longer, there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.flaws.base import Flaw, slow, spot, swapped
from protocol.appraisal import Collateral
from protocol.exchange import pledging
from protocol.lending import LoanPool
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class UncheckedRelease(Flaw):
    """`release` does not ask for margin."""

    def sound(self) -> Exchange:
        """Cash lent against ether."""
        return Exchange(
            markets=(Market("perp", oracle=slow(), venue=VirtualAmm(liquidity=4e6)), spot()),
            collateral=(Collateral("ETH"),),
            loans=(LoanPool("USD", liquidity=500_000.0),),
        )

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Nothing is asked."""
        with swapped(pledging, "need_margin", lambda *_: None):
            yield
