"""Shares without virtual ones: the first to invest makes a share so dear that the next one's money rounds down into his.

Hundred Finance, 15 April 2023, and every ERC-4626 vault before virtual shares. The gift that raises the price is here the fees
that the vault earns of its only investor.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from experiments.flaws.base import Flaw, swapped
from protocol import vault
from protocol.funding.unfunded import Unfunded
from protocol.oracles.median import Median
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market


def shares_down(assets: int, total: int, supply: int, virtual_assets: int, virtual_shares: int) -> int:
    """A share for a unit at first, and in proportion after that."""
    return assets * supply // total if supply and total else assets


def assets_down(shares: int, total: int, supply: int, virtual_assets: int, virtual_shares: int) -> int:
    """In proportion."""
    return shares * total // supply if supply else 0


@dataclass(frozen=True)
class FirstShare(Flaw):
    """An empty vault without virtual shares."""

    wealth: ClassVar[float] = 0.0

    def sound(self) -> Exchange:
        """A dear pool at the index, against a vault in which nobody has invested yet."""
        market = Market("perp", oracle=Median(), venue=OraclePool(), funding=Unfunded(), fee=0.004)
        return Exchange(markets=(market,), vault=Vault(liquidity=0.0))

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Shares as they were before 2022."""
        with swapped(vault, "shares_down", shares_down), swapped(vault, "assets_down", assets_down):
            yield
