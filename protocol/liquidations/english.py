"""English auctions: an account below maintenance is put up, and bids for its whole position rise until nobody bids more.

Each bid must better the last by the factor `beg`; it wins after `ttl` seconds without another, or when `tau` seconds are over.
What a bid promises is backed: the margin that the lot would need, and what the bid lies beyond the index, are locked and
come back when it is outbid. There is no reserve unless `floor` sets one. Source: Maker's flip.sol, whose bids are paid in
full; ours take on a position. Attack surface: whoever bids alone wins at next to nothing (12 March 2020: when congestion
priced others out, lots went for zero bids); a winner who cannot carry the lot at the deal loses what is locked, no more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.ledger import WORLD
from protocol.liquidations.base import Liquidation, Plan, check_numbers
from protocol.liquidations.cases import Case, case_of
from protocol.liquidations.lots import Lot, first_round, lot_of, mirrored, needs_with, next_round, restored
from protocol.margins.base import Threshold
from protocol.state import Listing, State
from protocol.units import Seconds


@dataclass(frozen=True)
class English(Liquidation):
    """`beg` a factor, `ttl` and `tau` seconds, `floor` a share of the starting index, `penalty` a share of notional."""

    beg: float = 1.03
    ttl: Seconds = 600.0
    tau: Seconds = 21_600.0
    floor: float = 0.0
    tip: float = 0.0
    penalty: float = 0.005
    buffer: float = 0.1

    def __post_init__(self) -> None:
        """Refuse auctions that cannot be held."""
        check_numbers(
            ("beg", self.beg, 1 < self.beg < math.inf, "above 1, a factor"),
            ("ttl", self.ttl, 0 < self.ttl < math.inf, "above 0 seconds"),
            ("tau", self.tau, self.ttl <= self.tau < math.inf, f"ttl = {self.ttl} or more seconds"),
            ("floor", self.floor, 0 <= self.floor <= 1, "0 to 1, a share of the starting index"),
            ("tip", self.tip, 0 <= self.tip < math.inf, "0 or more cash coins"),
            ("penalty", self.penalty, 0 <= self.penalty < 1, "0 to below 1, a share of notional"),
            ("buffer", self.buffer, 0 <= self.buffer < math.inf, "0 or more, a share of maintenance"),
        )

    @property
    def takes_bids(self) -> bool:
        """Yes."""
        return True

    def opens(self, state: State, listing: Listing, account: int) -> Case | None:
        """A round without a bid."""
        return first_round(state, listing, account)

    def reopens(self, state: State, listing: Listing, case: Case) -> Case | None:
        """Another round, where the last went by without a bid."""
        lot = lot_of(state, listing, case.account)
        if lot is None or lot.price <= 0 or case.bidder >= 0 or state.time - case.started < self.tau:
            return None
        return next_round(case, lot, state.time)

    def recovered(self, state: State, listing: Listing, account: int) -> bool:
        """Maintenance and the buffer are met."""
        return restored(state, listing, account, self.buffer)

    def incentive(self, notional: float) -> float:
        """The tip."""
        return self.tip

    def over(self, case: Case, time: float) -> bool:
        """Whether the standing bid has won, or the round has passed without one."""
        return time >= min(case.ends, case.started + self.tau)

    def least(self, lot: Lot, case: Case) -> float:
        """The lowest bid that would be taken now, as its owner sees it (`mirrored`): cash coins per base coin."""
        if case.bidder < 0:
            return self.floor * case.span
        return mirrored(lot, case, case.bid) * self.beg

    def betters(self, lot: Lot, case: Case, price: float) -> bool:
        """Whether a bid would be taken: better by the factor, and better at all."""
        value = mirrored(lot, case, price)
        if not 0 <= value < math.inf or value < self.least(lot, case) * (1.0 - 1e-12):
            return False
        return case.bidder < 0 or value > mirrored(lot, case, case.bid)

    def locks(self, state: State, lot: Lot, price: float) -> int:
        """Cash units that a bid must lock: the lot's initial margin, and what the bid lies beyond the index. Rounded up."""
        needs = needs_with(state, lot.listing, WORLD, lot.size, Threshold.INITIAL)
        beyond = max(0.0, lot.coins * (price - lot.price))
        return math.ceil((needs + beyond) * lot.listing.house.cash_scale)

    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """The deal with the winner, once there is one."""
        lot, case = lot_of(state, listing, account), case_of(state, listing, account)
        if lot is None or case is None or case.bidder < 0 or not self.over(case, state.time):
            return None
        if self.recovered(state, listing, account):
            return None
        return Plan(account, listing, -lot.size, case.bid, 0.0, self.penalty, case.bidder)
