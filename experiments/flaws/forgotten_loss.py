"""A withdrawal looks at cash and forgets the loss on what is open: the winner is paid, and the loser takes the stake back as well.

Two accounts of one owner on both sides of a trade turn any such mistake into money; Hyperliquid's vault was left with a position
so, in March 2025, when margin could be withdrawn from under one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.flaws.base import Flaw, slow, spot, swapped
from protocol.errors import UnderMargined
from protocol.exchange import cash
from protocol.state import House, State
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market


def need_cash(state: State, house: House, account: int) -> None:
    """No more than the cash claim."""
    held = int(state.ledger.balance[house.cash, account])
    if held < 0:
        raise UnderMargined(account=account, equity=held / house.cash_scale, required=0.0)


@dataclass(frozen=True)
class ForgottenLoss(Flaw):
    """What is open does not bind the cash behind it."""

    def sound(self) -> Exchange:
        """A virtual AMM marked by a slow index."""
        return Exchange(markets=(Market("perp", oracle=slow(), venue=VirtualAmm(liquidity=4e6)), spot()))

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Cash alone."""
        with swapped(cash, "need_margin", need_cash):
            yield
