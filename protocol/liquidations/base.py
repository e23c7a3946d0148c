"""The liquidation family: what is done to an account below maintenance, as plans that keepers price before they act.

`plan` and `ways` are views: None, or nothing, means that nothing may be done now. Rules that take time (auctions, grace) say
with `opens` and `reopens` what is to be remembered of an account (`cases.Case`); only the verbs in `exchange/forced.py` and
`exchange/auctions.py` carry anything out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from protocol.liquidations.cases import Case, case_of
from protocol.margins.base import MAINTENANCE
from protocol.state import Listing, State


class Plan(NamedTuple):
    """A forced trade. `price` nan: through the venue; else the `taker` takes the position over at that price."""

    account: int
    listing: Listing
    size: int  # units of base to trade for the account: opposite in sign to its position
    price: float  # cash coins per base coin
    reward: float  # share of the notional closed that the keeper receives
    penalty: float  # share of the notional closed that the insurance receives
    taker: int = -1  # account; -1: the keeper


@dataclass(frozen=True)
class Liquidation(ABC):
    """A rule of forced closure."""

    waits: ClassVar[bool] = True  # whether an account below may be let alone for a while

    @abstractmethod
    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """What may be done to the account's position in this market now; None while it is healthy, flat, or has time left."""

    def ways(self, state: State, listing: Listing, account: int) -> tuple[Plan, ...]:
        """What `liquidate` may do to it now, for the keeper to choose from: what is planned, unless that is an auction's."""
        plan = self.plan(state, listing, account)
        if plan is None:
            return ()
        case = case_of(state, listing, account)
        return (plan,) if case is None or not case.locked else ()

    @property
    def takes_bids(self) -> bool:
        """Whether bids are to be locked somewhere."""
        return False

    @property
    def needs_vault(self) -> bool:
        """Whether it hands positions to the exchange's vault."""
        return False

    def opens(self, state: State, listing: Listing, account: int) -> Case | None:
        """What is written down when somebody says that the account is below; None: it is not, or the rule needs no telling."""
        return None

    def reopens(self, state: State, listing: Listing, case: Case) -> Case | None:
        """What a new round would write down; None: the present one is not over."""
        return None

    def recovered(self, state: State, listing: Listing, account: int) -> bool:
        """Whether a case ends without a sale: nothing is left to sell, or the account stands where it must."""
        return below_maintenance(state, listing, account) is None

    def incentive(self, notional: float) -> float:
        """Cash coins out of the insurance for whoever opens a case, or a new round, over so much notional."""
        return 0.0


def below_maintenance(state: State, listing: Listing, account: int) -> tuple[int, float] | None:
    """(position in units, equity in cash coins) of an account that may be liquidated in this market, else None.

    The protocol's own accounts may not: a venue's desk or the vault would be sold to itself, and pay the keeper for it.
    """
    ledger, house = state.ledger, listing.house
    size = ledger.balance.item(listing.size, account)
    if size == 0 or ledger.exchange.item(account) >= 0:
        return None
    worth, needs = state.exchange(house).margin.standing(state, house, MAINTENANCE, account)
    return (size, worth) if worth < needs else None


def check_rates(reward: float, penalty: float) -> list[str]:
    """One line for each rate that is no share of notional."""
    return [
        f"{name} = {value}: allowed 0 to below 1, a share of notional"
        for name, value in (("reward", reward), ("penalty", penalty))
        if not 0 <= value < 1
    ]


def check_numbers(*numbers: tuple[str, float, bool, str]) -> None:
    """Raise ValueError, a line a mistake, for each (name, value, good, allowed) that is not good."""
    wrong = [f"{name} = {value}: must be {allowed}" for name, value, good, allowed in numbers if not good]
    if wrong:
        raise ValueError("\n".join(wrong))
