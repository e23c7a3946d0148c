"""Backstop takeover around another rule: whoever is too far below, or has been below for too long, goes to the vault whole.

Below `health` (equity over maintenance), or `after` seconds since somebody said that the account is below, the position is
taken over at the bankruptcy price (`route`), so that what equity is left is the backstop's. Before that, and where the
backstop could not carry it, `inner` decides. After Hyperliquid's liquidator vault, which steps in below two thirds of
maintenance. Attack surface: the backstop must take what it is handed; positions too large to unwind, in a thin market, are
handed over on purpose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from protocol.liquidations.base import Liquidation, Plan, below_maintenance, check_numbers
from protocol.liquidations.cases import Case, case_of
from protocol.liquidations.full import Full
from protocol.liquidations.lots import lot_of
from protocol.liquidations.routes import Route, ToBackstop
from protocol.state import Listing, State
from protocol.units import Seconds


def is_late(now: float, since: float, after: float) -> bool:
    """Whether the wait since an account was said to be below is over. On ints: the mark of dYdX V1's P1Deleveraging."""
    return now - since >= after


@dataclass(frozen=True)
class Backstop(Liquidation):
    """`health` is equity over maintenance; `after` in seconds (0: never by time)."""

    inner: Liquidation = field(default_factory=Full)
    health: float = 2.0 / 3.0
    after: Seconds = 0.0
    route: Route = field(default_factory=ToBackstop)

    def __post_init__(self) -> None:
        """Refuse a backstop behind nothing."""
        check_numbers(
            ("health", self.health, self.health <= 1, "1 or less, equity over maintenance"),
            ("after", self.after, 0 <= self.after < math.inf, "0 or more seconds"),
        )
        if isinstance(self.inner, Backstop):
            raise ValueError("inner = Backstop: a backstop stands behind another rule")

    @property
    def takes_bids(self) -> bool:
        """As the inner rule."""
        return self.inner.takes_bids

    @property
    def needs_vault(self) -> bool:
        """Its own route, or the inner rule's."""
        return self.route.needs_vault or self.inner.needs_vault

    def taken(self, state: State, listing: Listing, account: int) -> Plan | None:
        """The takeover, if it is time."""
        lot, case = lot_of(state, listing, account), case_of(state, listing, account)
        if lot is None or below_maintenance(state, listing, account) is None:
            return None
        late = self.after > 0 and case is not None and is_late(state.time, case.opened, self.after)
        if not late and lot.worth > self.health * lot.needs:
            return None
        return self.route.plan(state, lot, abs(lot.size))

    def ways(self, state: State, listing: Listing, account: int) -> tuple[Plan, ...]:
        """The takeover alone, else what the inner rule allows."""
        taken = self.taken(state, listing, account)
        return self.inner.ways(state, listing, account) if taken is None else (taken,)

    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """The takeover, else what the inner rule plans."""
        taken = self.taken(state, listing, account)
        return self.inner.plan(state, listing, account) if taken is None else taken

    def opens(self, state: State, listing: Listing, account: int) -> Case | None:
        """What the inner rule opens; a mere note of the time where it opens nothing and time counts."""
        case = self.inner.opens(state, listing, account)
        lot = lot_of(state, listing, account)
        if case is not None or self.after == 0 or lot is None or below_maintenance(state, listing, account) is None:
            return case
        return Case(account, state.time, state.time, lot.price, lot.span, locked=False)

    def reopens(self, state: State, listing: Listing, case: Case) -> Case | None:
        """As the inner rule."""
        return self.inner.reopens(state, listing, case)

    def recovered(self, state: State, listing: Listing, account: int) -> bool:
        """As the inner rule."""
        return self.inner.recovered(state, listing, account)

    def incentive(self, notional: float) -> float:
        """As the inner rule."""
        return self.inner.incentive(notional)
