"""An index that users bring themselves: reports signed by a publisher, with a confidence (Pyth whitepaper v2, 2023).

Nobody posts on a schedule; whoever needs a fresh index posts a signed report in the same bundle. The signature stands
in for a real one: a keyed hash, whose key the game holds and no player sees; players pass on what the game publishes.
Attack surface: the user chooses which of the reports younger than `max_age` to post, and whether to post at all: a free
option on every move of fair within that time. A stolen key is the index.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from typing import NamedTuple

from protocol.errors import ReportRejected
from protocol.oracles.base import Oracle, Reading, Report, Status
from protocol.state import Listing, State

KEY_BYTES = 64  # of blake2b (RFC 7693), at most


def sign(key: str, market: str, value: float, time: float, confidence: float) -> str:
    """The publisher's word that `market` stood at `value` at `time`: blake2b keyed with `key` (RFC 7693), in hex."""
    message = struct.pack("<ddd", value, time, confidence) + market.encode()
    return hashlib.blake2b(message, digest_size=16, key=key.encode()).hexdigest()


class Posted(NamedTuple):
    """The report that stands."""

    value: float  # cash coins per base coin
    time: float  # seconds
    confidence: float  # cash coins, half-width


@dataclass(frozen=True)
class Pull(Oracle):
    """The newest report posted, usable for `max_age` seconds. `key` signs for the publisher."""

    max_age: float = 60.0
    key: str = "undertow"

    def __post_init__(self) -> None:
        """Refuse an age that nothing meets and a key that signs nothing."""
        wrong = []
        if not self.max_age > 0:
            wrong.append(f"max_age = {self.max_age}: must be above 0 seconds")
        if not 0 < len(self.key.encode()) <= KEY_BYTES:
            wrong.append(f"key = {self.key!r}: must have 1 to {KEY_BYTES} bytes")
        if wrong:
            raise ValueError("\n".join(wrong))

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """`price` counts as posted now."""
        state.put(at, Posted(price, state.time, 0.0))

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The report that stands, stale when older than `max_age`."""
        value, time, confidence = state.tables[at]
        status = Status.FRESH if state.time - time <= self.max_age else Status.STALE
        return Reading(value, time, confidence, status)

    def accept(self, state: State, listing: Listing, at: str, report: Report) -> None:
        """Take a signed report newer than the one that stands. Raises ReportRejected."""

        def refuse(reason: str) -> ReportRejected:
            return ReportRejected(reporter=report.reporter, market=listing.name, reason=reason)

        if not 0.0 < report.value < math.inf:
            raise refuse("no price")
        if not 0.0 <= report.confidence < math.inf:
            raise refuse("no confidence")
        if report.signature != sign(self.key, listing.name, report.value, report.time, report.confidence):
            raise refuse("forged")
        if not report.time <= state.time:
            raise refuse("from the future")
        if not report.time > state.tables[at].time:
            raise refuse("not newer than the last")
        if not state.time - report.time <= self.max_age:
            raise refuse("too old")

        state.put(at, Posted(report.value, report.time, report.confidence))
