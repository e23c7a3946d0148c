"""The funding family: the rate at which one index per market grows.

The table at `path.funding` is [index, rate, time]: index in cash coins per base coin held long, rate per second as a share of
the price, time in seconds of the last accrual. The exchange accrues once a block: it asks for the new `rate`, adds what was
`paid` since the last block, and then lets the rule `observe`, so that what a rule saw at the end of one block is what stood
until the end of the next. A rule remembers under `path.funding.`; accounts settle when touched. What both sides owe the
pool is no index: a rule says what it `charges`, now and then, and the exchange moves it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from protocol.ledger import Ints
from protocol.state import Listing, State


class Charged(NamedTuple):
    """Who owes the account on the other side how much. Shapes [n]; cash units."""

    account: Ints
    units: Ints


UNCHARGED = Charged(np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Funding(ABC):
    """A rule for the rate that longs pay shorts."""

    # or "premium": then the venue's mid must be another price than the index; or "reserve": then a vault must be the other side
    reads: ClassVar[str] = "interest"

    def start(self, state: State, listing: Listing, index: float) -> None:
        """Open its memory. Most rules have none."""
        return

    @abstractmethod
    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """Share of the index per second, from now until the next block; `elapsed` seconds since the last. Longs pay if positive."""

    def paid(self, before: float, after: float, elapsed: float) -> float:
        """Share of the index owed for the `elapsed` seconds that end now, in which the rate went from `before` to `after`."""
        return before * elapsed

    def charges(self, state: State, listing: Listing) -> Charged:
        """What accounts owe the pool now, whichever side they are on; asked once a block. Most rules charge nothing."""
        return UNCHARGED

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """Look at a block that has just been sealed. Most rules look at nothing."""
        return


def clamp(value: float, most: float) -> float:
    """The value, but no further from zero than `most`."""
    value = value if value < most else most  # comparisons: `min` and `max` take four times as long
    return value if value > -most else -most


def open_interest(state: State, listing: Listing) -> tuple[float, float]:
    """(long, short) base coins, the venue's own account left out."""
    long, short = state.tables[listing.interest_at].tolist()
    return long / listing.size_scale, short / listing.size_scale


def remember_interest(state: State, listing: Listing) -> None:
    """Write down the open interest that stands from now on."""
    state.put(listing.path + ".funding.stood", np.array(open_interest(state, listing)))


def stood(state: State, listing: Listing) -> tuple[float, float]:
    """(long, short) base coins that stood since the last block."""
    long, short = state.tables[listing.path + ".funding.stood"].tolist()
    return long, short
