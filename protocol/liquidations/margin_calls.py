"""Margin calls: a clearing house looks once a day, in business hours; people answer, and what is not answered is sold.

Accounts are compared with maintenance during the `round` seconds after `due` on a business day, and at no other time. Whoever is
below is called (`bark`), and has `delay` seconds of business hours to pay in or to trade; then, while the house is open, the
whole position goes by one of the `routes`. A call lasts until the next round, which calls anew and gives the delay anew.
The clock is the run's: time 0 is `begins` seconds after Monday's midnight. Calls at least daily: CPMI-IOSCO, Principles for
Financial Market Infrastructures (2012), principle 6.
Attack surface: between two calls nobody is asked for anything, so that a night or a weekend is a free option against the fund;
an account that is above in the round and below a minute later is safe for a day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from protocol.liquidations.base import Liquidation, Plan, below_maintenance, check_numbers
from protocol.liquidations.cases import Case, case_of
from protocol.liquidations.lots import lot_of
from protocol.liquidations.routes import Route, ThroughVenue
from protocol.state import Listing, State
from protocol.units import Seconds

DAY, HOUR = 86_400.0, 3_600.0  # seconds


@dataclass(frozen=True)
class MarginCalls(Liquidation):
    """All times in seconds: `begins` of the week, `opening`, `closing` and `due` of the day, `delay` of business hours.

    The first `days` days of each week are business days; `tip` cash coins out of the insurance pay whoever makes a call.
    """

    begins: float = 8.5 * HOUR
    opening: float = 9.0 * HOUR
    closing: float = 17.0 * HOUR
    days: int = 5
    due: float = 9.0 * HOUR
    round: Seconds = 900.0
    delay: Seconds = 1.0 * HOUR
    routes: tuple[Route, ...] = field(default_factory=lambda: (ThroughVenue(reward=0.001, penalty=0.005),))
    tip: float = 2.0

    def __post_init__(self) -> None:
        """Refuse a house that never opens, or never calls."""
        check_numbers(
            ("begins", self.begins, 0 <= self.begins < 7 * DAY, "0 to below 604800 seconds"),
            ("opening", self.opening, 0 <= self.opening < self.closing, "0 or more seconds, before closing"),
            ("closing", self.closing, self.closing <= DAY, "86400 seconds or less"),
            ("days", self.days, 1 <= self.days <= 7, "1 to 7"),
            ("due", self.due, self.opening <= self.due < self.closing, "opening or more seconds, before closing"),
            ("round", self.round, 0 < self.round < math.inf, "above 0 seconds"),
            ("delay", self.delay, 0 <= self.delay < math.inf, "0 or more seconds"),
            ("routes", len(self.routes), bool(self.routes), "one or more"),
            ("tip", self.tip, 0 <= self.tip < math.inf, "0 or more cash coins"),
        )

    @property
    def needs_vault(self) -> bool:
        """Where a route leads there."""
        return any(route.needs_vault for route in self.routes)

    def is_open(self, time: float) -> bool:
        """Whether anybody is at work."""
        day, clock = divmod(self.begins + time, DAY)
        return day % 7 < self.days and self.opening <= clock < self.closing

    def business(self, time: float) -> float:
        """Seconds of business hours from the first Monday's midnight to `time`."""
        day, clock = divmod(self.begins + time, DAY)
        week, weekday = divmod(day, 7)
        whole = week * self.days + min(weekday, self.days)
        today = min(max(clock - self.opening, 0.0), self.closing - self.opening) if weekday < self.days else 0.0
        return whole * (self.closing - self.opening) + today

    def calling(self, time: float) -> bool:
        """Whether accounts are being looked at."""
        clock = (self.begins + time) % DAY
        return self.is_open(time) and self.due <= clock < self.due + self.round

    def same_round(self, one: float, other: float) -> bool:
        """Whether two times follow the same day's call."""
        return (self.begins + one - self.due) // DAY == (self.begins + other - self.due) // DAY

    def called(self, state: State, listing: Listing, account: int) -> bool:
        """Whether a call stands, and its time is over."""
        case = case_of(state, listing, account)
        if case is None or not self.same_round(case.started, state.time):
            return False
        return self.business(state.time) - self.business(case.started) >= self.delay

    def opens(self, state: State, listing: Listing, account: int) -> Case | None:
        """A call, while they are made."""
        lot = lot_of(state, listing, account)
        if lot is None or not self.calling(state.time) or below_maintenance(state, listing, account) is None:
            return None
        return Case(account, state.time, state.time, lot.price, lot.span, locked=False)

    def reopens(self, state: State, listing: Listing, case: Case) -> Case | None:
        """The next day's call, while they are made."""
        fresh = self.opens(state, listing, case.account)
        if fresh is None or self.same_round(case.started, state.time):
            return None
        return fresh._replace(opened=case.opened, rounds=case.rounds + 1)

    def incentive(self, notional: float) -> float:
        """The tip."""
        return self.tip

    def ways(self, state: State, listing: Listing, account: int) -> tuple[Plan, ...]:
        """Every route, for all of it, once a call has gone unanswered and while somebody is at work."""
        lot = lot_of(state, listing, account)
        if lot is None or not self.is_open(state.time) or not self.called(state, listing, account):
            return ()
        if below_maintenance(state, listing, account) is None:
            return ()
        return tuple(plan for route in self.routes if (plan := route.plan(state, lot, abs(lot.size))) is not None)

    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """The first route."""
        ways = self.ways(state, listing, account)
        return ways[0] if ways else None
