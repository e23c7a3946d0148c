"""The median of independent reporters (Maker's `Median`; Chainlink Off-chain Reporting, Breidenbach et al. 2021).

Each reporter has a slot with its own latest value, and posts by one rule: when its value has moved by `deviation`, or
when `heartbeat` seconds have passed. The index is the median of the values not older than `max_age` (of an even number,
the mean of the middle two); with fewer than `quorum` of them it is stale, and missing if nobody has ever reported.
Whose account stands in which slot is settled at set-up; the chain vouches that a report is by the account it names.
Attack surface: whoever controls half of the fresh reporters sets the index, so silencing honest ones is as good as
bribing them; and the index lags fair by up to `deviation`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from protocol.compiled import making
from protocol.errors import ReportRejected
from protocol.ledger import Floats
from protocol.oracles.base import Oracle, Reading, Report, Status
from protocol.settings import refuse
from protocol.state import Listing, State
from protocol.units import Seconds

ACCOUNT = 0  # column: of the ledger, -1 while the slot is free
VALUE = 1  # column: cash coins per base coin
TIME = 2  # column: seconds, when the value was true
POSTS = 3  # column: reports so far


def middle(values: Sequence[int]) -> int:
    """The median of whole numbers; of an even count the mean of the middle two, cut towards zero. Chainlink v0.6 `Median`."""
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    total = low + high
    return low if low == high else -(-total // 2) if total < 0 else total // 2


@making
def _middle(values: Floats) -> float:
    ordered = np.sort(values)
    half = len(ordered) // 2
    middle: float = ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])
    return middle


@making
def aggregate(table: Floats, oldest: float) -> tuple[float, float, float, int]:
    """Median, its time, the median distance from it, and how many are no older than `oldest`; of all, if none is."""
    fresh = table[:, TIME] >= oldest
    count: Any = fresh.sum()
    rows = table[fresh] if count else table
    value = _middle(rows[:, VALUE])
    return value, _middle(rows[:, TIME]), _middle(np.abs(rows[:, VALUE] - value)), count


@dataclass(frozen=True)
class Median(Oracle):
    """`reporters` slots, `quorum` of them fresh; `deviation` is relative, `heartbeat` and `max_age` in seconds."""

    reporters: int = 5
    quorum: int = 3
    deviation: float = 0.005
    heartbeat: Seconds = 3_600.0
    max_age: float = 7_200.0

    def __post_init__(self) -> None:
        """Refuse a quorum that cannot be met and reporters that are stale by their own rule."""
        refuse(
            self,
            reporters=(self.reporters >= 1, "1 or more"),
            quorum=(1 <= self.quorum <= self.reporters, f"1 to {self.reporters}, the reporters"),
            deviation=(self.deviation >= 0, "0 or more, a share of the last value"),
            heartbeat=(self.heartbeat > 0, "above 0 seconds"),
            max_age=(self.max_age >= self.heartbeat, f"{self.heartbeat} (heartbeat) seconds or more"),
        )

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """[slot, 4]: account, value, time, posts; every slot free and holding `price`."""
        state.put(at, np.tile((-1.0, price, state.time, 0.0), (self.reporters, 1)))

    def register(self, state: State, listing: Listing, at: str, account: int) -> int:
        """The slot of an account, given to it now if it has none. Raises ValueError when all are taken."""
        table = state.tables[at]
        for owner in (account, -1):
            slots = np.flatnonzero(table[:, ACCOUNT] == owner)
            if len(slots):
                state.write(at, (int(slots[0]), ACCOUNT), account)
                return int(slots[0])
        raise ValueError(f"account = {account}: all {len(table)} reporter slots of {listing.name} are taken")

    def due(self, state: State, listing: Listing, at: str, slot: int, value: float) -> bool:
        """Whether a reporter that now sees `value` is to post it."""
        last, time = state.tables[at][slot, VALUE:POSTS].tolist()
        return bool(state.time - time >= self.heartbeat or abs(value - last) >= self.deviation * last)

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The median of what is fresh, of all if nothing is; `confidence` is the median distance from it."""
        value, time, confidence, fresh = aggregate(state.tables[at], state.time - self.max_age)
        status = Status.FRESH
        if fresh < self.quorum:
            status = Status.STALE if state.tables[at][:, POSTS].any() else Status.MISSING
        return Reading(float(value), float(time), float(confidence), status)

    def accept(self, state: State, listing: Listing, at: str, report: Report) -> None:
        """Take the value of a registered reporter. Raises ReportRejected."""

        def refuse(reason: str) -> ReportRejected:
            return ReportRejected(reporter=report.reporter, market=listing.name, reason=reason)

        table = state.tables[at]
        slots = np.flatnonzero(table[:, ACCOUNT] == report.reporter)
        if report.reporter < 0 or not len(slots):
            raise refuse("not a reporter")
        if not 0.0 < report.value < math.inf:
            raise refuse("no price")
        if not report.time <= state.time:
            raise refuse("from the future")
        slot = int(slots[0])
        if not report.time >= table[slot, TIME]:
            raise refuse("older than the last")

        posts = table[slot, POSTS] + 1.0
        state.write(at, slot, (report.reporter, report.value, report.time, posts))
