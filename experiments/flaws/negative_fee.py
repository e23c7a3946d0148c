"""The fee is paid by the wrong side: whoever trades is given what he should have paid, out of what others have paid before.

Rebates above the fee of the other side have been farmed on more than one exchange by trading with oneself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from experiments.flaws.base import Flaw, slow, spot, swapped
from protocol.clearing import Desk
from protocol.exchange import trading
from protocol.exchange.checks import desk_of
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class NegativeFee(Flaw):
    """A fee with the wrong sign."""

    def sound(self) -> Exchange:
        """A virtual AMM marked by a slow index."""
        return Exchange(markets=(Market("perp", oracle=slow(), venue=VirtualAmm(liquidity=4e6)), spot()))

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Paid out."""

        def paid_out(state: Any, listing: Any, interest: Any, least: float, fee: float, index: float) -> Desk:
            return desk_of(state, listing, interest, least, -fee, index)

        with swapped(trading, "desk_of", paid_out):
            yield
