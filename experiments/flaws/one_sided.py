"""A pool gives shares of both tokens to whoever brings one of them.

Balancer's and Uranium's pools, June 2020 and April 2021, were emptied through sums that did not ask for what had come in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.flaws.base import Flaw, slow, spot, swapped
from protocol import exchange
from protocol.errors import NothingToDo
from protocol.ledger import WORLD, Reason
from protocol.state import Listing, State
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market


def provide(state: State, listing: Listing, account: int, cash: int) -> int:
    """Pool shares for cash alone."""
    ledger, house = state.ledger, listing.house
    supply = -int(ledger.balance[listing.share, WORLD]) if listing.size < 0 else 0
    shares = cash * supply // max(1, int(ledger.balance[house.token, listing.desk]))
    if cash <= 0 or shares <= 0:
        raise NothingToDo(market=listing.name, amount=cash)

    ledger.move(house.token, account, listing.desk, cash, Reason.LIQUIDITY)
    ledger.move(listing.share, WORLD, account, shares, Reason.LIQUIDITY)
    return shares


@dataclass(frozen=True)
class OneSided(Flaw):
    """`provide` forgets the base token."""

    def sound(self) -> Exchange:
        """A pool of tokens."""
        return Exchange(markets=(Market("perp", oracle=slow(), venue=VirtualAmm(liquidity=4e6)), spot()))

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Cash is enough."""
        with swapped(exchange, "provide", provide):
            yield
