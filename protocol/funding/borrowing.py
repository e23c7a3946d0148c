"""A borrowing fee: both sides pay the pool for what it keeps in reserve for them, by how much of it is reserved (GMX V1).

Every `interval` seconds a position is charged `factor` times utilisation on what it was entered for; utilisation is the sum of that
over all positions that the pool stands against, in whichever market, over what it is worth. The pool is the vault on the other
side. Longs pay shorts nothing. The pure formulas take the fixed point of ints as well, and are then the contract's own (Vault.sol
`getNextFundingRate`, VaultUtils.sol `getFundingFee`). As there, the rate of a whole interval is that of the reserve at its end.
What it costs honest users: the same whichever side they take, also the side that balances the pool.
Attack surface: who comes and goes between two charges pays nothing, and a reserve filled just before one is dear for all who stay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from protocol.appraisal import account_total
from protocol.fixed_point import down
from protocol.funding.base import UNCHARGED, Charged, Funding
from protocol.ledger import WORLD, Ints
from protocol.settings import refuse
from protocol.state import Listing, State
from protocol.units import Seconds

N = TypeVar("N", int, float)


def whole_intervals(now: N, since: N, interval: N) -> tuple[N, N]:
    """(how many have gone by, when the last of them ended): intervals end at multiples of their length."""
    if now < since + interval:
        return 0 * interval, since
    return (now - since) // interval, now // interval * interval


def growth(factor: N, reserved: N, intervals: N, pool: N) -> N:
    """What so many intervals charge on a unit of a position: `factor` of it for each, at full utilisation."""
    return down(factor * reserved, intervals, pool) if pool > 0 else 0 * pool


def owed(notional: N, grown: N, one: N) -> N:
    """What a position of `notional` at entry owes once the index has `grown`."""
    return down(notional, grown, one)


def entered(state: State, listing: Listing) -> tuple[Ints, Any]:
    """(players with a position in a market, what each was entered for in cash units). Shapes [n]."""
    mine = (state.ledger.exchange < 0) & (state.ledger.balance[listing.size] != 0)
    mine[WORLD] = False
    who = np.flatnonzero(mine).astype(np.int64)
    return who, np.abs(state.ledger.balance[listing.quote, who]).astype(np.float64)


@dataclass(frozen=True)
class Borrowing(Funding):
    """`factor` of a position per `interval` seconds, where all of the pool is reserved."""

    factor: float = 0.0001
    interval: Seconds = 3_600.0

    reads: ClassVar[str] = "reserve"

    def __post_init__(self) -> None:
        """Refuse an interval that is none, and a fee that pays."""
        refuse(
            self,
            factor=(self.factor >= 0, "0 or more, a share of a position"),
            interval=(0 < self.interval < math.inf, "above 0 seconds"),
        )

    def start(self, state: State, listing: Listing, index: float) -> None:
        """When an interval last ended: seconds."""
        state.put(listing.path + ".funding.charged", state.time // self.interval * self.interval)

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """Nothing: neither side pays the other."""
        return 0.0

    def charges(self, state: State, listing: Listing) -> Charged:
        """What each player owes the pool for the intervals that have ended, rounded against him."""
        at = listing.path + ".funding.charged"
        intervals, ended = whole_intervals(state.time, float(state.tables[at]), self.interval)
        if intervals == 0:
            return UNCHARGED
        state.put(at, ended)
        who, notional = entered(state, listing)
        beside = [one for one in state.claims[listing.house.index] if one.desk == listing.desk]
        reserved = sum(float(entered(state, one)[1].sum()) for one in beside)
        pool = max(reserved, float(account_total(state, listing.house, listing.desk)))  # never more than all of it
        grown = growth(self.factor, reserved, intervals, pool)
        return Charged(who, np.ceil(owed(notional, grown, 1.0)).astype(np.int64))
