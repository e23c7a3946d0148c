"""The verbs of auctions as frozen values; see `transactions`. `account` sends and pays the gas, `target` is the account put up."""

from __future__ import annotations

import math
from typing import NamedTuple

from protocol import exchange
from protocol.gas import GAS
from protocol.state import Listing, State


class Bark(NamedTuple):
    """Put `target` up for auction, or warn it."""

    listing: Listing
    account: int
    target: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Bark"]

    def apply(self, state: State) -> exchange.Started:
        """See `exchange.bark`."""
        return exchange.bark(state, self.listing, self.account, self.target)


class Redo(NamedTuple):
    """Start `target`'s auction anew."""

    listing: Listing
    account: int
    target: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Redo"]

    def apply(self, state: State) -> exchange.Started:
        """See `exchange.redo`."""
        return exchange.redo(state, self.listing, self.account, self.target)


class Lift(NamedTuple):
    """End the case of `target`, who stands again."""

    listing: Listing
    account: int
    target: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Lift"]

    def apply(self, state: State) -> exchange.Lifted:
        """See `exchange.lift`."""
        return exchange.lift(state, self.listing, self.target)


class Take(NamedTuple):
    """At most `most` base units of `target`'s position, at the auction's price or better than `limit`."""

    listing: Listing
    account: int
    target: int
    most: int
    limit: float = math.nan

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Take"]

    def apply(self, state: State) -> exchange.Liquidated:
        """See `exchange.take`."""
        return exchange.take(state, self.listing, self.account, self.target, self.most, self.limit)


class Bid(NamedTuple):
    """A bid for `target`'s position. `price` in cash coins per base coin."""

    listing: Listing
    account: int
    target: int
    price: float

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Bid"]

    def apply(self, state: State) -> exchange.Bidden:
        """See `exchange.bid`."""
        return exchange.bid(state, self.listing, self.account, self.target, self.price)


class Deal(NamedTuple):
    """The end of an auction: the winner takes `target`'s position."""

    listing: Listing
    account: int
    target: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Deal"]

    def apply(self, state: State) -> exchange.Liquidated | exchange.Forfeited:
        """See `exchange.deal`."""
        return exchange.deal(state, self.listing, self.account, self.target)
