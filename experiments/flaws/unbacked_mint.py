"""No ratio of collateral is asked for, neither to mint nor to unlock: tokens are made that nothing stands behind.

Cashio, 23 March 2022: what stood behind a mint was not looked at, and the token fell to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.flaws.base import Flaw, spot, swapped
from protocol.exchange import issuing
from protocol.funding.unfunded import Unfunded
from protocol.instruments.synthetic import Synthetic
from protocol.oracles.median import Median
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class UnbackedMint(Flaw):
    """No ratio is asked for."""

    def sound(self) -> Exchange:
        """Gold minted against ether."""
        gold = Market("gold", Synthetic(), oracle=Median(), venue=ConstantProduct(liquidity=1e6), funding=Unfunded())
        return Exchange(markets=(spot(), gold))

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Nothing is asked."""
        with swapped(issuing, "_need_ratio", lambda *_: None):
            yield
