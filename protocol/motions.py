"""Motions: what is asked of an exchange as an institution, as frozen values: changes of its rules, credentials, hedges.

Of the same make as `transactions`: each names the account it acts for and its gas, and calls the verb of its name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from protocol import exchange
from protocol.gas import GAS
from protocol.governance import Proposal
from protocol.state import House, State


class Propose(NamedTuple):
    """A change of an exchange's rules: a dotted path below it, and a number or a whole rule."""

    house: House
    account: int
    path: str
    value: Any

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Propose"]

    def apply(self, state: State) -> int:
        """See `exchange.propose`."""
        return exchange.propose(state, self.house, self.account, self.path, self.value)


class Execute(NamedTuple):
    """A proposal whose time has come, carried out."""

    house: House
    account: int
    number: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Execute"]

    def apply(self, state: State) -> Proposal:
        """See `exchange.execute`."""
        return exchange.execute(state, self.house, self.account, self.number)


class Retract(NamedTuple):
    """A proposal taken back."""

    house: House
    account: int
    number: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Retract"]

    def apply(self, state: State) -> None:
        """See `exchange.retract`."""
        exchange.retract(state, self.house, self.account, self.number)


class Grant(NamedTuple):
    """A credential, given by its authority."""

    account: int
    credential: str
    holder: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Grant"]

    def apply(self, state: State) -> None:
        """See `exchange.grant`."""
        exchange.grant(state, self.account, self.credential, self.holder)


class Revoke(NamedTuple):
    """A credential, taken back by its authority."""

    account: int
    credential: str
    holder: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Revoke"]

    def apply(self, state: State) -> None:
        """See `exchange.revoke`."""
        exchange.revoke(state, self.account, self.credential, self.holder)


class Hedge(NamedTuple):
    """The vault's hedge, carried out."""

    house: House
    account: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Hedge"]

    def apply(self, state: State) -> tuple[exchange.Fill | exchange.Queued, ...]:
        """See `exchange.hedge`."""
        return exchange.hedge(state, self.house, self.account)
