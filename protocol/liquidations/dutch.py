"""Dutch auctions: an account below maintenance is put up, and its position may be taken at a price that falls (Maker, 2021).

The round starts at `buf` times the index and falls along `curve`; of a short the price rises as much above the index, of a sold
option by as much of what it needs (`Case.span`). Takers carry what they take, in part or whole, but only as much as lets the
owner stand `buffer` above maintenance. A round older than `tail` seconds, or below `cusp` of its top, must be started anew.
Whoever starts one is paid `tip` cash coins and `chip` of the notional by the insurance. Source: Maker Liquidations 2.0, dog.sol,
clip.sol and abaci.sol. Attack surface: the start is an old index (an auction started on a stale one begins below the market);
`tip` pays whoever lets small accounts fall; congestion keeps takers out while the price goes on falling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from protocol.liquidations.base import Liquidation, Plan, check_numbers
from protocol.liquidations.cases import Case, case_of
from protocol.liquidations.curves import Curve, Stairstep, is_stale
from protocol.liquidations.lots import Lot, first_round, lot_of, next_round, no_dust, part_to_restore, restored
from protocol.state import Listing, State
from protocol.units import Seconds


@dataclass(frozen=True)
class Dutch(Liquidation):
    """Rates are shares of notional; `dust` in cash coins; `halt`: no takes while the index has moved on by more than that share."""

    curve: Curve = field(default_factory=Stairstep)
    buf: float = 1.2
    tail: Seconds = 8_400.0
    cusp: float = 0.4
    tip: float = 10.0
    chip: float = 0.001
    penalty: float = 0.005
    buffer: float = 0.1
    dust: float = 1_000.0
    halt: float = 1.0

    def __post_init__(self) -> None:
        """Refuse auctions that cannot be held."""
        check_numbers(
            ("buf", self.buf, 1 <= self.buf < 2, "1 to below 2, a multiple of the index"),
            ("tail", self.tail, self.tail > 0, "above 0 seconds"),
            ("cusp", self.cusp, 0 <= self.cusp < 1, "0 to below 1, a share of the top"),
            ("tip", self.tip, 0 <= self.tip < math.inf, "0 or more cash coins"),
            ("chip", self.chip, 0 <= self.chip < 1, "0 to below 1, a share of notional"),
            ("penalty", self.penalty, 0 <= self.penalty < 1, "0 to below 1, a share of notional"),
            ("buffer", self.buffer, 0 <= self.buffer < math.inf, "0 or more, a share of maintenance"),
            ("dust", self.dust, 0 <= self.dust < math.inf, "0 or more cash coins"),
            ("halt", self.halt, 0 < self.halt <= 1, "above 0 to 1, a share of the starting index"),
        )

    def opens(self, state: State, listing: Listing, account: int) -> Case | None:
        """A round at the index of now."""
        return first_round(state, listing, account)

    def reopens(self, state: State, listing: Listing, case: Case) -> Case | None:
        """A round at the index of now, once the last one is stale."""
        lot = lot_of(state, listing, case.account)
        if lot is None or lot.price <= 0 or not self.stale(case, state.time):
            return None
        return next_round(case, lot, state.time)

    def recovered(self, state: State, listing: Listing, account: int) -> bool:
        """Maintenance and the buffer are met."""
        return restored(state, listing, account, self.buffer)

    def incentive(self, notional: float) -> float:
        """Tip and chip."""
        return self.tip + self.chip * notional

    def stale(self, case: Case, time: float) -> bool:
        """Whether the round would be over at `time`."""
        elapsed = time - case.started
        return is_stale(self.curve.share(elapsed), 1.0, elapsed, self.tail, self.cusp, 1.0)

    def asks(self, state: State, lot: Lot, case: Case, time: float) -> float:
        """The price at `time`, cash coins per base coin."""
        return max(0.0, case.start + lot.side * case.span * (self.buf * self.curve.share(time - case.started) - 1.0))

    def halted(self, lot: Lot, case: Case) -> bool:
        """Whether the market has moved on too far for the round to be trusted."""
        return lot.side * (case.start - lot.price) > self.halt * case.span

    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """What a taker may have now: as much as lets the owner stand again, no dust sold and none left."""
        lot, case = lot_of(state, listing, account), case_of(state, listing, account)
        if lot is None or case is None or self.recovered(state, listing, account):
            return None
        if self.stale(case, state.time) or self.halted(lot, case):
            return None
        price = self.asks(state, lot, case, state.time)
        part = part_to_restore(state, lot, price, self.penalty, self.buffer)
        part = no_dust(lot, part, price, self.dust)
        return Plan(account, listing, -lot.side * part, price, 0.0, self.penalty)
