"""The verbs of bridges as frozen values: what players submit and the chains execute."""

from __future__ import annotations

from typing import NamedTuple

from protocol import exchange
from protocol.bridge import Key, Message
from protocol.gas import GAS
from protocol.state import Listing, Span, State


class Dispatch(NamedTuple):
    """Tokens for an account on the other chain. `salt`: the sender's own number, a new one each time."""

    span: Span
    account: int
    to: int
    units: int
    salt: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Dispatch"]

    def apply(self, state: State) -> Message:
        """See `exchange.dispatch`."""
        return exchange.dispatch(state, self.span, self.account, self.to, self.units, self.salt)


class Carry(NamedTuple):
    """A message of the other chain, carried out on the account's own."""

    span: Span
    account: int
    key: Key

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Carry"]

    def apply(self, state: State) -> int:
        """See `exchange.carry`."""
        return exchange.carry(state, self.span, self.account, self.key)


class Prepare(NamedTuple):
    """Half of a deal over two chains: tokens against the secret behind `lock`, until a moment in seconds."""

    span: Span
    account: int
    to: int
    token: int
    units: int
    lock: bytes
    until: float

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Prepare"]

    def apply(self, state: State) -> None:
        """See `exchange.prepare`."""
        exchange.prepare(state, self.span, self.account, self.to, self.token, self.units, self.lock, self.until)


class Commit(NamedTuple):
    """The secret of a deal told: its half on this chain is carried out."""

    span: Span
    account: int
    lock: bytes
    secret: bytes

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Commit"]

    def apply(self, state: State) -> None:
        """See `exchange.commit`."""
        exchange.commit(state, self.span, self.account, self.lock, self.secret)


class Abort(NamedTuple):
    """Half of a deal that nobody has carried out in time, taken back."""

    span: Span
    account: int
    lock: bytes

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Abort"]

    def apply(self, state: State) -> None:
        """See `exchange.abort`."""
        exchange.abort(state, self.span, self.account, self.lock)


class OfferLeg(NamedTuple):
    """A leg of a position over two chains: `size` taken of `to` at `price`, for the secret behind `lock`, with `margin` put up."""

    span: Span
    account: int
    to: int
    listing: Listing
    size: int
    price: float
    margin: int
    lock: bytes
    until: float

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["OfferLeg"]

    def apply(self, state: State) -> None:
        """See `exchange.offer_leg`."""
        exchange.offer_leg(state, *self)


class AcceptLeg(NamedTuple):
    """The other side's word, with `margin` of its own put up: from now on the secret alone is missing."""

    span: Span
    account: int
    lock: bytes
    margin: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["AcceptLeg"]

    def apply(self, state: State) -> None:
        """See `exchange.accept_leg`."""
        exchange.accept_leg(state, self.span, self.account, self.lock, self.margin)


class OpenLeg(NamedTuple):
    """The secret of a leg told: the position is there."""

    span: Span
    account: int
    lock: bytes
    secret: bytes

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["OpenLeg"]

    def apply(self, state: State) -> exchange.Fill:
        """See `exchange.open_leg`."""
        return exchange.open_leg(state, self.span, self.account, self.lock, self.secret)


class DropLeg(NamedTuple):
    """A leg that came to nothing: everybody's margin back."""

    span: Span
    account: int
    lock: bytes

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["DropLeg"]

    def apply(self, state: State) -> None:
        """See `exchange.drop_leg`."""
        exchange.drop_leg(state, self.span, self.account, self.lock)
