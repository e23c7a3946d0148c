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
from protocol.errors import Revert
from protocol.state import Listing, State
from protocol.venues.order_book import OrderBook

__all__ = [
    "CASH",
    "COIN",
    "PRICE",
    "Told",
    "Witness",
    "exchange_for",
    "market_for",
    "only",
    "open_world",
    "quote_book",
    "tell",
]


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
