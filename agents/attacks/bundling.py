"""What attackers put into one transaction beside the verbs: capital on loan, and a check that it has paid.

On chain this is the attacker's own contract. A bundle that ends in `Kept` costs its gas and nothing else where it does not come
out as it was simulated; `left_with` reads off what a bundle would leave, by simulating it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from agents.view import View
from protocol import exchange
from protocol.errors import NothingToDo
from protocol.flash import Flash, available
from protocol.gas import GAS
from protocol.loan_transactions import FlashLoan
from protocol.margins.base import Threshold
from protocol.state import House, Lender, State
from protocol.transactions import Bundle, Transaction
from protocol.vesting import unvested


class Kept(NamedTuple):
    """Comes to nothing unless `account` holds at least `least` units of a row; its outcome is what it holds."""

    account: int
    row: int
    least: int = 0

    @property
    def gas(self) -> int:
        """Gas units: a balance read, and a comparison."""
        return 30_000

    def apply(self, state: State) -> int:
        """Look. Raises NothingToDo."""
        held = int(state.ledger.balance[self.row, self.account])
        if held < self.least:
            raise NothingToDo(account=self.account, has=held, needs=self.least)
        return held


class WithdrawMost(NamedTuple):
    """All that margin, vesting and the till let an account take out, counted when it is carried out; nothing is no failure."""

    house: House
    account: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Withdraw"]

    def apply(self, state: State) -> int:
        """See `exchange.withdraw`. Returns the units."""
        units = most(state, self.house, self.account)
        if units > 0:
            exchange.withdraw(state, self.house, self.account, units)
        return units


def most(state: State, house: House, account: int) -> int:
    """Cash units that an account could take out now."""
    worth, needs = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, account)
    free = worth - needs - unvested(state, house, account)
    till = int(state.ledger.balance[house.token, house.custody])
    return max(0, min(math.floor(free * house.cash_scale), till))


class Offer(NamedTuple):
    """Somebody who lends for the length of a transaction."""

    house: House
    lender: Lender | None  # None: the vault
    token: int  # row
    units: int  # that could be had now
    rules: Flash

    def loan(self, account: int, units: int, parts: Iterable[Transaction]) -> FlashLoan:
        """A loan of it, around `parts`."""
        return FlashLoan(self.house, account, units, tuple(parts), self.lender)


def offers(state: State, chain: int, token: int) -> list[Offer]:
    """Who lends `token` on a chain now, cheapest first."""
    found = []
    for house in state.houses:
        rules = state.exchange(house).flash
        if rules is None or house.chain != chain:
            continue
        lenders: list[Lender | None] = [one for one in state.lenders[house.index] if one.token == token]
        if house.token == token and house.vault >= 0:
            lenders.append(None)
        found += [Offer(house, one, token, available(state, house, one), rules) for one in lenders]
    return sorted(found, key=lambda one: one.rules.fee)


def left_with(view: View, transaction: Transaction, account: int, row: int) -> int | None:
    """Units of a row that an account would hold after a transaction; None where it would fail."""
    done, revert = view.simulate(Bundle(account, (transaction, Kept(account, row))))
    return int(done[1]) if revert is None else None
