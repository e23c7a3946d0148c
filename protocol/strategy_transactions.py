"""The verbs of strategies as frozen values: what savers, and those who carry plans out, submit and the chain executes."""

from __future__ import annotations

from typing import NamedTuple

from protocol import exchange
from protocol.gas import GAS
from protocol.state import Mandate, State


class Join(NamedTuple):
    """Cash into a strategy."""

    mandate: Mandate
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Join"]

    def apply(self, state: State) -> int:
        """See `exchange.join`."""
        return exchange.join(state, self.mandate, self.account, self.units)


class Leave(NamedTuple):
    """Shares of a strategy back into cash, at least `least` units of it."""

    mandate: Mandate
    account: int
    shares: int
    least: int = 0

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Leave"]

    def apply(self, state: State) -> int:
        """See `exchange.leave`."""
        return exchange.leave(state, self.mandate, self.account, self.shares, self.least)


class Rebalance(NamedTuple):
    """A strategy's plan, carried out."""

    mandate: Mandate
    account: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Rebalance"]

    def apply(self, state: State) -> tuple[exchange.Fill | exchange.Queued, ...]:
        """See `exchange.rebalance`."""
        return exchange.rebalance(state, self.mandate, self.account)
