"""The liquidation family: what is done to an account below maintenance, as a plan that keepers price before they act.

`plan` is a view: None means healthy. Only `exchange.liquidate` carries a plan out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

from protocol.margins.base import Threshold
from protocol.state import Listing, State


class Plan(NamedTuple):
    """A forced trade. `price` nan: through the venue; else the keeper takes the position over at that price."""

    account: int
    listing: Listing
    size: int  # units of base to trade for the account: opposite in sign to its position
    price: float  # cash coins per base coin
    reward: float  # share of the notional closed that the keeper receives
    penalty: float  # share of the notional closed that the insurance receives


@dataclass(frozen=True)
class Liquidation(ABC):
    """A rule of forced closure."""

    @abstractmethod
    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """What may be done to the account's position in this market now; None while it is healthy or flat."""


def below_maintenance(state: State, listing: Listing, account: int) -> tuple[int, float] | None:
    """(position in units, equity in cash coins) of an account that may be liquidated in this market, else None.

    The protocol's own accounts may not: a venue's desk or the vault would be sold to itself, and pay the keeper for it.
    """
    size = int(state.ledger.balance[listing.size, account])
    if size == 0 or state.ledger.exchange[account] >= 0:
        return None
    margin = state.exchange(listing.house).margin
    worth, needs = margin.standing(state, listing.house, Threshold.MAINTENANCE, account)
    return (size, worth) if worth < needs else None


def check_rates(reward: float, penalty: float) -> list[str]:
    """One line for each rate that is no share of notional."""
    return [
        f"{name} = {value}: allowed 0 to below 1, a share of notional"
        for name, value in (("reward", reward), ("penalty", penalty))
        if not 0 <= value < 1
    ]
