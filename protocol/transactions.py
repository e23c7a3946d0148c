"""The verbs as frozen values: what players submit and the chain executes, one whole transaction at a time.

Each names the account it acts for and the gas it uses; `apply` calls the verb of the same name in `exchange` and returns its
outcome. A `Bundle` is several at once: all of them happen, or none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from protocol import exchange
from protocol.gas import GAS
from protocol.oracles.base import Report
from protocol.state import House, Listing, State


class Transaction(Protocol):
    """Anything that can be executed for an account."""

    @property
    def account(self) -> int:
        """The account it acts for, and which pays the gas."""

    @property
    def gas(self) -> int:
        """Gas units it uses."""

    def apply(self, state: State) -> Any:
        """Do it. Raises a Revert; the chain undoes what was done by then."""


class Deposit(NamedTuple):
    """Cash tokens into an exchange."""

    house: House
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Deposit"]

    def apply(self, state: State) -> None:
        """See `exchange.deposit`."""
        exchange.deposit(state, self.house, self.account, self.units)


class Withdraw(NamedTuple):
    """Cash tokens out of an exchange."""

    house: House
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Withdraw"]

    def apply(self, state: State) -> None:
        """See `exchange.withdraw`."""
        exchange.withdraw(state, self.house, self.account, self.units)


class Trade(NamedTuple):
    """An order against a market's venue. `size` in base units, signed; `limit` worst average price."""

    listing: Listing
    account: int
    size: int
    limit: float = math.nan

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Trade"]

    def apply(self, state: State) -> exchange.Fill | exchange.Queued:
        """See `exchange.trade`."""
        return exchange.trade(state, self.listing, self.account, self.size, self.limit)


class Liquidate(NamedTuple):
    """Forced closure of `target`'s position by the keeper `account`, by one of the ways that the rule allows."""

    listing: Listing
    account: int
    target: int
    way: int = 0

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Liquidate"]

    def apply(self, state: State) -> exchange.Liquidated:
        """See `exchange.liquidate`."""
        return exchange.liquidate(state, self.listing, self.account, self.target, self.way)


class Invest(NamedTuple):
    """Cash into the vault."""

    house: House
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Invest"]

    def apply(self, state: State) -> int:
        """See `exchange.invest`."""
        return exchange.invest(state, self.house, self.account, self.units)


class Divest(NamedTuple):
    """Vault shares back into cash."""

    house: House
    account: int
    shares: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Divest"]

    def apply(self, state: State) -> int:
        """See `exchange.divest`."""
        return exchange.divest(state, self.house, self.account, self.shares)


class Provide(NamedTuple):
    """Both tokens into a pool, for at most `cash` cash units."""

    listing: Listing
    account: int
    cash: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Provide"]

    def apply(self, state: State) -> int:
        """See `exchange.provide`."""
        return exchange.provide(state, self.listing, self.account, self.cash)


class Remove(NamedTuple):
    """Pool shares back into both tokens."""

    listing: Listing
    account: int
    shares: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Remove"]

    def apply(self, state: State) -> tuple[int, int]:
        """See `exchange.remove`."""
        return exchange.remove(state, self.listing, self.account, self.shares)


class ProvideRange(NamedTuple):
    """At most `base` and `cash` units into a range of ticks of a concentrated pool."""

    listing: Listing
    account: int
    low: int
    high: int
    base: int
    cash: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["ProvideRange"]

    def apply(self, state: State) -> int:
        """See `exchange.provide_range`."""
        return exchange.provide_range(state, *self)


class RemoveRange(NamedTuple):
    """Liquidity out of a range of ticks of a concentrated pool; with none of it, only the fees."""

    listing: Listing
    account: int
    low: int
    high: int
    liquidity: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["RemoveRange"]

    def apply(self, state: State) -> tuple[int, int]:
        """See `exchange.remove_range`."""
        return exchange.remove_range(state, *self)


class Publish(NamedTuple):
    """A report to a market's oracle, by a reporter or by any user who carries a signed one."""

    listing: Listing
    account: int
    report: Report

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Publish"]

    def apply(self, state: State) -> None:
        """See `exchange.report`."""
        exchange.report(state, self.listing, self.report._replace(reporter=self.account))


class Post(NamedTuple):
    """A resting order. `size` in base units, signed; `price` in cash coins per base coin."""

    listing: Listing
    account: int
    size: int
    price: float

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Post"]

    def apply(self, state: State) -> int:
        """See `exchange.post`."""
        return exchange.post(state, self.listing, self.account, self.size, self.price)


class Cancel(NamedTuple):
    """One resting order off the book, by its number."""

    listing: Listing
    account: int
    order: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Cancel"]

    def apply(self, state: State) -> None:
        """See `exchange.cancel`."""
        exchange.cancel(state, self.listing, self.account, self.order)


class CancelAll(NamedTuple):
    """All of an account's resting orders off the book."""

    listing: Listing
    account: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["CancelAll"]

    def apply(self, state: State) -> int:
        """See `exchange.cancel_all`."""
        return exchange.cancel_all(state, self.listing, self.account)


class PostSurface(NamedTuple):
    """A whole volatility surface, by its keeper: rows of tenors, columns of moneyness, per root year."""

    house: House
    account: int
    base: str
    volatilities: tuple[tuple[float, ...], ...]

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["PostSurface"]

    def apply(self, state: State) -> None:
        """See `exchange.post_surface`."""
        exchange.post_surface(state, self.house, self.account, self.base, self.volatilities)


class TradeSeries(NamedTuple):
    """An order for the option of that right, strike and expiry, wherever it is listed. Otherwise as `Trade`."""

    house: House
    account: int
    series: exchange.Series
    size: int
    limit: float = math.nan

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["TradeSeries"]

    def apply(self, state: State) -> exchange.Fill | exchange.Queued:
        """See `exchange.find_series` and `exchange.trade`."""
        listing = exchange.find_series(state, self.house, self.series)
        return exchange.trade(state, listing, self.account, self.size, self.limit)


@dataclass(frozen=True)
class Spin:
    """Nothing at all, for `gas` units of block space: how congestion is bought, and how one's own transaction is called back."""

    account: int
    gas: int

    def __post_init__(self) -> None:
        """Refuse what takes no space."""
        if not self.gas >= 1:
            raise ValueError(f"gas = {self.gas}: must be 1 or more")

    def apply(self, state: State) -> None:
        """Nothing."""
        return


class Bundle(NamedTuple):
    """Several transactions of one sender: all or none."""

    account: int
    transactions: tuple[Transaction, ...]

    @property
    def gas(self) -> int:
        """Gas units, all together."""
        return sum(transaction.gas for transaction in self.transactions)

    def apply(self, state: State) -> tuple[Any, ...]:
        """Each in turn; the first that reverts reverts them all."""
        return tuple(transaction.apply(state) for transaction in self.transactions)
