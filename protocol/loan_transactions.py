"""The verbs of loans, collateral, gifts and synthetics as frozen values: what players submit and the chain executes."""

from __future__ import annotations

from typing import Any, NamedTuple

from protocol import exchange
from protocol.gas import GAS
from protocol.state import House, Issue, Lender, Pledgeable, State
from protocol.transactions import Transaction


class Pledge(NamedTuple):
    """Tokens into custody as collateral."""

    seat: Pledgeable
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Pledge"]

    def apply(self, state: State) -> None:
        """See `exchange.pledge`."""
        exchange.pledge(state, self.seat, self.account, self.units)


class Release(NamedTuple):
    """Collateral back out of custody."""

    seat: Pledgeable
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Release"]

    def apply(self, state: State) -> None:
        """See `exchange.release`."""
        exchange.release(state, self.seat, self.account, self.units)


class Supply(NamedTuple):
    """Tokens into a loan pool."""

    lender: Lender
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Supply"]

    def apply(self, state: State) -> int:
        """See `exchange.supply`."""
        return exchange.supply(state, self.lender, self.account, self.units)


class Redeem(NamedTuple):
    """A loan pool's shares back into tokens."""

    lender: Lender
    account: int
    shares: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Redeem"]

    def apply(self, state: State) -> int:
        """See `exchange.redeem`."""
        return exchange.redeem(state, self.lender, self.account, self.shares)


class Borrow(NamedTuple):
    """Tokens out of a loan pool, against a debt."""

    lender: Lender
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Borrow"]

    def apply(self, state: State) -> int:
        """See `exchange.borrow`."""
        return exchange.borrow(state, self.lender, self.account, self.units)


class Repay(NamedTuple):
    """A debt to a loan pool paid, as far as it goes."""

    lender: Lender
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Repay"]

    def apply(self, state: State) -> int:
        """See `exchange.repay`."""
        return exchange.repay(state, self.lender, self.account, self.units)


class Seize(NamedTuple):
    """Forced repayment of `target`'s debt in token row `debt`, at most `most` units, for collateral in token row `lien`."""

    house: House
    account: int
    target: int
    debt: int
    lien: int
    most: int = 1 << 62

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Seize"]

    def apply(self, state: State) -> exchange.Seized:
        """See `exchange.seize`."""
        return exchange.seize(state, self.house, self.account, self.target, self.debt, self.lien, self.most)


class Lock(NamedTuple):
    """Collateral into a synthetic position."""

    issue: Issue
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Lock"]

    def apply(self, state: State) -> None:
        """See `exchange.lock`."""
        exchange.lock(state, self.issue, self.account, self.units)


class Unlock(NamedTuple):
    """Collateral out of a synthetic position."""

    issue: Issue
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Unlock"]

    def apply(self, state: State) -> None:
        """See `exchange.unlock`."""
        exchange.unlock(state, self.issue, self.account, self.units)


class Mint(NamedTuple):
    """Synthetic units against what is locked."""

    issue: Issue
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Mint"]

    def apply(self, state: State) -> int:
        """See `exchange.mint`."""
        return exchange.mint(state, self.issue, self.account, self.units)


class Burn(NamedTuple):
    """Synthetic units against a debt."""

    issue: Issue
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Burn"]

    def apply(self, state: State) -> int:
        """See `exchange.burn`."""
        return exchange.burn(state, self.issue, self.account, self.units)


class Convert(NamedTuple):
    """Synthetic units into collateral, at the index less the fee."""

    issue: Issue
    account: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Convert"]

    def apply(self, state: State) -> int:
        """See `exchange.convert`."""
        return exchange.convert(state, self.issue, self.account, self.units)


class Bite(NamedTuple):
    """A keeper closes `target`'s position, at most `most` units of it."""

    issue: Issue
    account: int
    target: int
    most: int = 1 << 62

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Bite"]

    def apply(self, state: State) -> exchange.Bitten:
        """See `exchange.bite`."""
        return exchange.bite(state, self.issue, self.account, self.target, self.most)


class Transfer(NamedTuple):
    """Tokens of one row into another player's wallet."""

    token: int
    account: int
    to: int
    units: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Transfer"]

    def apply(self, state: State) -> None:
        """See `exchange.transfer`."""
        exchange.transfer(state, self.token, self.account, self.to, self.units)


class Donate(NamedTuple):
    """Cash into the vault (`lender` None), or tokens into a loan pool, for nothing."""

    house: House
    account: int
    units: int
    lender: Lender | None = None

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Donate"]

    def apply(self, state: State) -> None:
        """See `exchange.donate`."""
        exchange.donate(state, self.house, self.account, self.units, self.lender)


class FlashLoan(NamedTuple):
    """Tokens of the vault (`lender` None: cash), or of a loan pool, while `transactions` run: paid back, or it never was."""

    house: House
    account: int
    units: int
    transactions: tuple[Transaction, ...]
    lender: Lender | None = None

    @property
    def gas(self) -> int:
        """Gas units, all together."""
        return GAS["FlashLoan"] + sum(transaction.gas for transaction in self.transactions)

    def apply(self, state: State) -> tuple[Any, ...]:
        """See `exchange.flashloan`. What each of the transactions came to."""
        outcome: tuple[Any, ...] = exchange.flashloan(
            state, self.house, self.account, self.units, self._within, self.lender
        )
        return outcome

    def _within(self, state: State) -> tuple[Any, ...]:
        return tuple(transaction.apply(state) for transaction in self.transactions)
