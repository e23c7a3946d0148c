"""A Dutch auction of the whole standing, solvent then insolvent (Derive, formerly Lyra v2).

What falls is the share of its equity that the owner keeps: from all of it to `cutoff` in `fast` seconds, then to nothing in
`slow`; of equity below zero, or when nobody came, the price goes on beyond bankruptcy for `insolvent` seconds, up to a whole
maintenance requirement more, which the waterfall pays the taker. Source: derivexyz/v2-core, DutchAuction.sol. A round that
turns insolvent half way must be started anew, as there. Attack surface: in the insolvent phase the insurance pays whoever
waits, up to a bound known in advance; an owner may be its own taker from another account.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.liquidations.base import Liquidation, Plan, check_numbers
from protocol.liquidations.cases import Case, case_of
from protocol.liquidations.lots import (
    Lot,
    first_round,
    lot_of,
    needs_without,
    no_dust,
    part_to_restore,
    price_leaving,
    restored,
)
from protocol.state import Listing, State
from protocol.units import Seconds


def kept_share(elapsed: float, start: float, cutoff: float, fast: float, slow: float) -> float:
    """Share of its equity that the owner keeps in the solvent phase. DutchAuction.sol `_getDiscountPercentage`."""
    if elapsed < fast:
        return start - (start - cutoff) * elapsed / fast
    return cutoff * max(0.0, 1.0 - (elapsed - fast) / slow)


def insolvent_bid(elapsed: float, worth: float, needs: float, length: float) -> float:
    """What the owner is left with, cash coins at most 0: from its debt to a requirement below its equity, linearly.

    DutchAuction.sol `_getInsolventAuctionBidPrice`, whose maintenance margin is equity less requirement.
    """
    debt = min(worth, 0.0)
    return debt + (min(worth - needs, 0.0) - debt) * min(1.0, elapsed / length)


@dataclass(frozen=True)
class Staged(Liquidation):
    """Seconds; shares of equity; `penalty` of notional while solvent; `buffer` of maintenance; `dust` and `tip` in cash coins."""

    start: float = 1.0
    cutoff: float = 0.8
    fast: Seconds = 600.0
    slow: Seconds = 7_200.0
    insolvent: Seconds = 600.0
    penalty: float = 0.0
    buffer: float = 0.1
    dust: float = 1_000.0
    tip: float = 0.0

    def __post_init__(self) -> None:
        """Refuse stages that are none."""
        check_numbers(
            ("start", self.start, 0 < self.start <= 1, "above 0 to 1, a share of equity"),
            ("cutoff", self.cutoff, 0 < self.cutoff <= self.start, "above 0 to start, a share of equity"),
            *((name, s, 0 < s < math.inf, "above 0 seconds") for name, s in self._lengths()),
            ("penalty", self.penalty, 0 <= self.penalty < 1, "0 to below 1, a share of notional"),
            ("buffer", self.buffer, 0 <= self.buffer < math.inf, "0 or more, a share of maintenance"),
            ("dust", self.dust, 0 <= self.dust < math.inf, "0 or more cash coins"),
            ("tip", self.tip, 0 <= self.tip < math.inf, "0 or more cash coins"),
        )

    def _lengths(self) -> tuple[tuple[str, float], ...]:
        return ("fast", self.fast), ("slow", self.slow), ("insolvent", self.insolvent)

    def opens(self, state: State, listing: Listing, account: int) -> Case | None:
        """A round: solvent from its beginning, insolvent as if all of the solvent time were over."""
        case, lot = first_round(state, listing, account), lot_of(state, listing, account)
        return None if case is None or lot is None else case._replace(ahead=self._ahead(lot))

    def _ahead(self, lot: Lot) -> float:
        return 0.0 if lot.worth >= 0 else self.fast + self.slow

    def reopens(self, state: State, listing: Listing, case: Case) -> Case | None:
        """An insolvent round in place of a solvent one whose equity is gone."""
        lot = lot_of(state, listing, case.account)
        if lot is None or not self._turned(lot, case, state.time):
            return None
        return case._replace(
            started=state.time, start=lot.price, span=lot.span, rounds=case.rounds + 1, ahead=self._ahead(lot)
        )

    def _turned(self, lot: Lot, case: Case, time: float) -> bool:
        return lot.worth < 0 and time - case.started + case.ahead < self.fast + self.slow

    def recovered(self, state: State, listing: Listing, account: int) -> bool:
        """Maintenance and the buffer are met."""
        return restored(state, listing, account, self.buffer)

    def incentive(self, notional: float) -> float:
        """The tip."""
        return self.tip

    def stale(self, case: Case, time: float) -> bool:
        """A round of this kind does not age: it ends at the most that is paid."""
        return False

    def asks(self, state: State, lot: Lot, case: Case, time: float) -> float:
        """The price at `time`, cash coins per base coin."""
        elapsed, solvent = time - case.started + case.ahead, self.fast + self.slow
        if elapsed < solvent:
            kept = kept_share(elapsed, self.start, self.cutoff, self.fast, self.slow)
            return price_leaving(lot, kept * lot.worth, self.penalty)
        own = lot.needs - needs_without(state, lot, abs(lot.size))
        return price_leaving(lot, insolvent_bid(elapsed - solvent, lot.worth, own, self.insolvent), 0.0)

    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """What a taker may have now: as much as lets the owner stand again; the whole where it is insolvent."""
        lot, case = lot_of(state, listing, account), case_of(state, listing, account)
        if lot is None or case is None or self.recovered(state, listing, account):
            return None
        if self._turned(lot, case, state.time):
            return None
        price = self.asks(state, lot, case, state.time)
        if state.time - case.started + case.ahead >= self.fast + self.slow:
            return Plan(account, listing, -lot.size, price, 0.0, 0.0)
        part = part_to_restore(state, lot, price, self.penalty, self.buffer)
        part = no_dust(lot, part, price, self.dust)
        return Plan(account, listing, -lot.side * part, price, 0.0, self.penalty)
