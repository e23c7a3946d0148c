"""Flash loans: capital for the length of one transaction, from a vault or a loan pool, for a fee that goes to the lender.

Whoever borrows so brings principal and fee back before the transaction ends, or all of it comes to nothing; so no margin is
asked, and nobody bears a risk but for what can be done with the money meanwhile. What is out counts as if it were there: a
vault lends tokens and keeps its claim on custody, a loan pool's assets include what is `out`. So no share is cheaper while a
loan runs, and whoever invests the vault's own cash in it, or supplies a pool with its own, gains nothing (Cream and Harvest,
2020 and 2021, were robbed between two prices of one share). Pools of two tokens do not lend: their reserves are their price.
Attack surface: everything that can be done with capital within one transaction can be done without having any: pushing a
spot index (bZx, February 2020), repaying one's own debt to seize the collateral, voting, emptying a till. Fees of 5 to 9 bp
(Aave V3, V2) are what is left of the cost of capital. `None` in place of a rule lends nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.state import House, Lender, State


@dataclass(frozen=True)
class Flash:
    """`fee` is a share of what is lent, rounded up. 0.0009: Aave V2."""

    fee: float = 0.0009

    def __post_init__(self) -> None:
        """Refuse a fee that is none."""
        if not 0 <= self.fee < 1:
            raise ValueError(f"fee = {self.fee}: allowed 0 to below 1, a share of what is lent")

    def charge(self, units: int) -> int:
        """What a loan of `units` costs, units, rounded up."""
        return math.ceil(units * self.fee)


def path(house: House, lender: Lender | None) -> str:
    """The table that counts what is out. `lender` None: the vault."""
    return f"{house.name if lender is None else lender.path}.flash"


def out(state: State, house: House, lender: Lender | None) -> int:
    """Units lent in this transaction and not yet back; 0 between transactions."""
    lent: int = state.tables.get(path(house, lender), 0)
    return lent


def available(state: State, house: House, lender: Lender | None) -> int:
    """Units that could be lent now, whatever the rules say. Never more of the vault's than what it has in cash."""
    balance = state.ledger.balance
    if lender is not None:
        return int(balance[lender.token, lender.account])
    if house.vault < 0:
        return 0
    own = int(balance[house.cash, house.vault]) - out(state, house, None)
    return max(0, min(own, int(balance[house.token, house.custody])))
