"""The loss family: who pays when an account ends below zero. An exchange names an order; each pays what it can, then the next.

`charge` proposes cash payments; `take_over` proposes accounts that must take the position instead, before it is sold at all.
What nobody covers stays where it is: a negative claim that everybody can see.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from protocol.ledger import Floats, Ints, Reason
from protocol.state import House, Listing, State


class Charges(NamedTuple):
    """Who pays how much. Shapes [n]; cash units."""

    account: Ints
    units: Ints


NOBODY = Charges(np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Loss(ABC):  # noqa: B024 - both hooks have a sound default
    """One step of a waterfall. `reason`: the row of the flow table that it pays under."""

    reason: ClassVar[Reason] = Reason.LOSS_SOCIALISED
    takes_positions: ClassVar[bool] = False  # whether it has `take_over`

    def capacity(self, state: State, house: House) -> int:
        """Cash units it could pay now."""
        return 0

    def charge(self, state: State, house: House, debtor: int, deficit: int) -> Charges:
        """Who pays towards a deficit of so many cash units; together at most the deficit."""
        return NOBODY

    def payers(self, state: State, house: House) -> Ints:
        """Accounts that bear this step when everything is closed, in proportion to their claims; players, unless it says other."""
        return players(state)

    def take_over(self, state: State, listing: Listing, debtor: int) -> Charges:
        """Accounts that must close against the debtor's position at its bankruptcy price, and the size units each closes."""
        return NOBODY


def players(state: State) -> Ints:
    """Accounts that belong to players, not to the protocol and not to WORLD."""
    mine = state.ledger.exchange < 0
    mine[0] = False
    found: Ints = np.flatnonzero(mine).astype(np.int64)
    return found


def pro_rata(total: int, shares: Floats) -> Ints:
    """Split `total` units in proportion to `shares` (sum above 0), exactly: floors, then the largest remainders."""
    exact = total * (shares / shares.sum())
    units: Ints = np.floor(exact).astype(np.int64)
    left = total - int(units.sum())
    if left > 0:
        order = np.argsort(-(exact - units), kind="stable")
        units[order[np.arange(left) % len(units)]] += 1
    return units
