"""Small worlds for the tests of the machine (`experiments.validation.bench`), and a witness who judges each deed by the laws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from experiments.validation.bench import (
    CASH,
    COIN,
    PRICE,
    Told,
    exchange_for,
    market_for,
    only,
    open_world,
    tell,
)
from protocol import exchange, laws
from protocol.blocks.fixed import Fixed
from protocol.bridge import Bridge
from protocol.errors import Revert
from protocol.genesis import genesis
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.opening import back_wrapped
from protocol.state import Listing, State
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.order_book import OrderBook
from protocol.world import Chain, World

__all__ = [
    "CASH",
    "COIN",
    "PRICE",
    "Told",
    "Witness",
    "bridged",
    "exchange_for",
    "market_for",
    "only",
    "open_world",
    "quote_book",
    "tell",
]


def bridged(l1: Chain | None = None, l2: Chain | None = None, **changes: Any) -> tuple[State, list[int]]:
    """Two chains with a spot market each, the second one of what a bridge has issued; two traders on either, with 1,000 coins."""
    l1, l2 = l1 or Chain("l1"), l2 or Chain("l2", Fixed(2.0))
    here = exchange_for(name="here", chain="l1", markets=(market_for(ConstantProduct(), name="spot"),))
    there = market_for(ConstantProduct(), name="spot", instrument=Token(bridge="bridge"))
    rules = World((l1, l2), (here, exchange_for(name="there", chain="l2", markets=(there,))), (Bridge(**changes),))
    state = genesis(rules, {"ETH": PRICE})
    accounts = []
    for house, (listing,) in zip(state.houses, state.listings, strict=True):
        for account in range(first := state.ledger.open("traders", 2, chain=house.chain), first + 2):
            state.ledger.move(house.token, WORLD, account, 1_000_000 * CASH, Reason.GENESIS)
            state.ledger.move(listing.base, WORLD, account, 1_000 * COIN, Reason.GENESIS)
            accounts.append(account)
    back_wrapped(state)
    tell(state, PRICE)
    state.finalise()
    return state, accounts


def quote_book(state: State, listing: Listing, makers: list[int], levels: int = 10, size: int = 2 * COIN) -> None:
    """Rest orders around the index, where the venue is a book that needs them."""
    if isinstance(state.market(listing).venue, OrderBook):
        for number in range(levels):
            for side in (1, -1):
                maker = makers[number % len(makers)]
                exchange.post(state, listing, maker, side * size, PRICE * (1 - side * 0.001 * (number + 1)))


@dataclass
class Witness:
    """Does deeds, undoes those that revert, judges each by the laws, and remembers what was reached."""

    state: State
    reached: dict[str, int] = field(default_factory=dict)

    def note(self, what: str) -> None:
        self.reached[what] = self.reached.get(what, 0) + 1

    def does(self, verb: Callable[..., Any], account: int, *arguments: Any) -> Any:
        """The outcome of a verb whose arguments are given whole, or the Revert. `account`: who is to answer for it."""
        before, mark = laws.snapshot(self.state), self.state.mark()
        try:
            outcome = verb(self.state, *arguments)
        except Revert as revert:
            self.state.rewind(mark)
            outcome = revert
            self.note(type(revert).__name__)
        else:
            self.note(verb.__name__)
        deed = laws.Deed(verb.__name__, account, isinstance(outcome, Revert))
        laws.check(self.state)
        laws.check_step(before, deed, self.state)
        return outcome
