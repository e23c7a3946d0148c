"""The mempool: what players have sent and the chain has not served yet.

A single transaction is a value of its own; a crowd's orders are rows of one table, so that ten thousand of them can be moved,
sorted and filled without touching each in turn. Both compete in one order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.compiled import compiled
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


class Pending(NamedTuple):
    """A transaction on its way. `tip` in cash coins per gas; `arrival` and `expires` in seconds."""

    transaction: Transaction
    tip: float
    arrival: float
    expires: float


class Orders(NamedTuple):
    """A crowd's plain orders. The sender may reuse `rows` once they are sent: the mempool keeps a copy."""

    rows: Rows


def orders(listing: Listing, account: Any, size: Any, limit: Any, tip: Any, arrival: Any, expires: Any) -> Orders:
    """Orders in one market from columns, or numbers that hold for all. Shapes [n]."""
    rows = np.empty(len(account), ORDER)
    for name, column in zip(
        ORDER.fields or (), (listing.number, account, size, limit, tip, arrival, expires), strict=True
    ):
        rows[name] = column
    return Orders(rows)


@compiled
def _arrived(rows: Rows, count: int, time: float, here: Rows) -> tuple[int, int]:
    """Move rows that have arrived by `time` to `here`, drop what has expired, close ranks; how many are here, and how many left."""
    taken = left = 0
    for row in range(count):
        if rows[row]["arrival"] > time:
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
        self._count = 0

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
            return
        count = self._count + len(sent.rows)
        if count > len(self._rows):
            self._rows = np.concatenate([self.rows, np.empty(2 * count, ORDER)])
        append(self._rows, self._count, sent.rows)
        self._count = count

    def take(self, time: float) -> tuple[list[Pending], Rows]:
        """Everything that has arrived by `time` and has not expired; what has not arrived stays."""
        here: list[Pending] = []
        if self.pending:
            here = [item for item in self.pending if item.arrival <= time <= item.expires]
            self.pending = [item for item in self.pending if item.arrival > time]
        rows = np.empty(self._count, ORDER)
        if not self._count:
            return here, rows
        taken, self._count = _arrived(self._rows, self._count, time, rows)
        return here, rows[:taken]
