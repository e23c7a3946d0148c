"""The interest index is left out of `repay`: a debt is paid unit for scaled unit, and all interest so far is forgiven.

An index that is stale where it is used is the commonest mistake that audits find in lending markets; see Code4rena's reports on
Compound forks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from experiments.flaws.base import Flaw, slow, spot, swapped
from protocol.appraisal import Collateral
from protocol.exchange import lending
from protocol.exchange.lending import accrue
from protocol.lending import RAY, Accrued, LoanPool
from protocol.state import Lender, State
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market


def forgetful(state: State, lender: Lender, payer: int, account: int, units: int, reason: object) -> int:
    """`repay_for` of a pool whose index is one."""

    def at_par(state: State, lender: Lender) -> Accrued:
        return accrue(state, lender)._replace(index=RAY)

    with swapped(lending, "accrue", at_par):
        return RIGHT(state, lender, payer, account, units, reason)  # type: ignore[arg-type]


RIGHT = lending.repay_for


@dataclass(frozen=True)
class ForgottenInterest(Flaw):
    """What is repaid is not measured by the index."""

    age: ClassVar[float] = 90 * 86_400.0

    def sound(self) -> Exchange:
        """Cash that has been lent against ether for three months."""
        return Exchange(
            markets=(Market("perp", oracle=slow(), venue=VirtualAmm(liquidity=4e6)), spot()),
            collateral=(Collateral("ETH"),),
            loans=(LoanPool("USD", liquidity=200_000.0),),
        )

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Paid at par."""
        with swapped(lending, "repay_for", forgetful):
            yield
