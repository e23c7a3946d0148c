"""The mempool: what players have sent and the chain has not served yet.

A single transaction is a value of its own; a crowd's orders are rows of one table, so that ten thousand of them can be moved,
sorted and filled without touching each in turn. Both compete in one order. What its sender has put into a slot is replaced by
what the same sender sends into it later for a fee that is higher by `RAISE`; a smaller raise is dropped on arrival.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.compiled import compiled, steady
from protocol.state import Listing
from protocol.transactions import Transaction

ORDER = np.dtype(
    [
        ("market", np.int64),  # `Listing.number`; -1: a single transaction
        ("account", np.int64),
        ("size", np.int64),  # base units, signed
        ("limit", np.float64),  # worst average price; nan: none
        ("tip", np.float64),  # cash coins per gas
        ("arrival", np.float64),  # seconds
        ("expires", np.float64),  # seconds: not served later
    ]
)
Rows = NDArray[np.void]  # [n] of ORDER


RAISE = (
    0.125  # least raise of the fee of one's own transaction, relative (Parity's rule; Daian et al. 2020, appendix D)
)


class Pending(NamedTuple):
    """A transaction on its way. `tip` in cash coins per gas; `arrival` and `expires` in seconds; `slot`: what it may replace."""

    transaction: Transaction
    tip: float
    arrival: float
    expires: float
    slot: Hashable = None  # None: it replaces nothing


class Waiting(NamedTuple):
    """What may be read of a mempool: `singles` in the order of their sending, and the `rows` of crowds."""

    singles: list[Pending]
    rows: Rows


def standing(items: list[Pending]) -> list[Pending]:
    """Transactions without those that their own senders have replaced, and without raises too small to replace anything."""
    holds: dict[tuple[int, Hashable], int] = {}  # the place of what holds each slot
    out: set[int] = set()
    for place in sorted(range(len(items)), key=lambda k: items[k].arrival):
        item = items[place]
        if item.slot is None:
            continue
        key = (item.transaction.account, item.slot)
        held = holds.get(key)
        if held is not None and item.tip < (1.0 + RAISE) * items[held].tip:
            out.add(place)
            continue
        if held is not None:
            out.add(held)
        holds[key] = place
    return [item for place, item in enumerate(items) if place not in out]


class Orders(NamedTuple):
    """A crowd's plain orders. The sender may reuse `rows` once they are sent: the mempool keeps a copy."""

    rows: Rows


class Placed(NamedTuple):
    """Plain orders that were written where a mempool had room for them, see `Mempool.room`, and now are sent."""

    mempool: Mempool
    at: int  # the first
    count: int  # type: ignore[assignment]

    def kept(self) -> Orders:
        """A copy of them, for a sender who is heard only after others have asked for room."""
        rows, _ = self.mempool.room(0)
        return Orders(rows[self.at : self.at + self.count].copy())


def orders(listing: Listing, account: Any, size: Any, limit: Any, tip: Any, arrival: Any, expires: Any) -> Orders:
    """Orders in one market from columns, or numbers that hold for all. Shapes [n]."""
    rows = np.empty(len(account), ORDER)
    for name, column in zip(
        ORDER.fields or (), (listing.number, account, size, limit, tip, arrival, expires), strict=True
    ):
        rows[name] = column
    return Orders(rows)


@steady
def _all_due(rows: Rows, count: int, by: float, time: float) -> bool:
    """Whether all of the rows have arrived by `by`, and none has expired."""
    due = True
    for row in range(count):
        due &= (rows[row]["arrival"] <= by) & (rows[row]["expires"] >= time)
    return due


@steady
def _arrived(rows: Rows, count: int, by: float, time: float, here: Rows) -> tuple[int, int]:
    """Move rows that have arrived by `by` to `here`, drop what has expired, close ranks; how many are here, and how many left."""
    taken = left = 0
    for row in range(count):
        if rows[row]["arrival"] > by:
            rows[left] = rows[row]
            left += 1
        elif rows[row]["expires"] >= time:
            here[taken] = rows[row]
            taken += 1
    return taken, left


@compiled
def append(rows: Rows, count: int, sent: Rows) -> None:
    """Copy `sent` behind the first `count` rows: field by field, numpy takes twenty times as long."""
    for row in range(len(sent)):
        rows[count + row] = sent[row]


class Mempool:
    """What waits for a chain."""

    def __init__(self) -> None:
        self.pending: list[Pending] = []
        self._rows: Rows = np.empty(64, ORDER)
        self._here: Rows = np.empty(64, ORDER)  # what was taken last
        self._count = 0
        self._slots = False  # whether anything was ever sent into a slot

    def __len__(self) -> int:
        return len(self.pending) + self._count

    @property
    def rows(self) -> Rows:
        """The orders of crowds that wait. A view."""
        return self._rows[: self._count]

    def send(self, sent: Pending | Orders) -> None:
        """Take a transaction, or a crowd's orders, on their way."""
        if isinstance(sent, Pending):
            self.pending.append(sent)
            self._slots = self._slots or sent.slot is not None
            return
        rows, at = self.room(len(sent.rows))
        append(rows, at, sent.rows)
        self._count += len(sent.rows)

    def room(self, count: int) -> tuple[Rows, int]:
        """Rows of its own that may be written to, and from where on: so many. They are nobody's orders before they are `place`d."""
        needed = self._count + count
        if needed > len(self._rows):
            self._rows = np.concatenate([self.rows, np.empty(count + needed // 4, ORDER)])
        return self._rows, self._count

    def place(self, at: int, count: int) -> None:
        """Take so many orders that were written where there was room. Raises ValueError if others have been sent since."""
        if at != self._count:
            raise ValueError(f"at = {at}: {self._count} orders are there, and room was asked for when there were {at}")
        self._count += count

    def take(self, time: float, lead: float = 0.0) -> tuple[list[Pending], Rows]:
        """Everything that has arrived `lead` seconds before `time` and has not expired; what has not arrived stays.

        The rows are the mempool's own, and stand until it is asked again.
        """
        here: list[Pending] = []
        by = time - lead
        if self.pending:
            here = [item for item in self.pending if item.arrival <= by and time <= item.expires]
            self.pending = [item for item in self.pending if item.arrival > by]
            here = standing(here) if self._slots else here
        count = self._count
        if not count:
            return here, self._here[:0]
        if _all_due(self._rows, count, by, time):
            self._rows, self._here, self._count = self._here, self._rows, 0
            return here, self._here[:count]
        if count > len(self._here):
            self._here = np.empty(2 * count, ORDER)
        taken, self._count = _arrived(self._rows, count, by, time, self._here)
        return here, self._here[:taken]

    def seen(self, time: float) -> Waiting:
        """What waits now of what had arrived by `time`. A copy."""
        singles = standing([item for item in self.pending if item.arrival <= time <= item.expires])
        rows = self.rows
        return Waiting(singles, rows[(rows["arrival"] <= time) & (rows["expires"] >= time)])
