"""The oracle family: a view of the index, and how it remembers.

`read` is a view and never raises: it says how fresh and how sure the value is, and only the verbs turn that into
StalePrice. `observe` is called once after each sealed block, `accept` when a reporter or user posts. Memory lies in
`state.tables[at]`; an oracle that wraps another gives it a longer path.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, NamedTuple

from protocol.errors import ReportRejected
from protocol.state import Listing, State


class Status(IntEnum):
    """Whether a reading may be used."""

    FRESH = 0
    STALE = 1
    UNCERTAIN = 2
    MISSING = 3
    HALTED = 4


FRESH = Status.FRESH  # a member of an enumeration takes ten times as long to name through its class


class Reading(NamedTuple):
    """What an oracle says."""

    value: float  # cash coins per base coin
    time: float  # seconds, when it was true
    confidence: float  # cash coins per base coin, half-width
    status: Status


class Report(NamedTuple):
    """A price that somebody posts. `signature` is the publisher's word for (`market`, value, time, confidence)."""

    reporter: int  # account
    value: float  # cash coins per base coin
    time: float  # seconds, when it was observed
    confidence: float = 0.0
    signature: str = ""


@dataclass(frozen=True)
class Oracle(ABC):
    """A rule that turns what the chain knows into an index."""

    sure: ClassVar[bool] = False  # whether all that it reads is FRESH

    @property
    def live(self) -> bool:
        """Whether a trade inside the block can move the reading."""
        return False

    @abstractmethod
    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """Open its table at genesis, with `price` as all it knows."""

    @abstractmethod
    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The index now."""

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Look at a block that has just been sealed (`state.time`). Most oracles look at nothing."""
        return

    def accept(self, state: State, listing: Listing, at: str, report: Report) -> None:
        """Take a posted report. Raises ReportRejected where nothing is to be posted."""
        raise ReportRejected(reporter=report.reporter, market=listing.name)

    def takes_reports(self) -> tuple[Oracle, str] | None:
        """The oracle inside that reports are for, and how much longer its path is; None where there is none inside."""
        return None

    def sources(self) -> tuple[str, ...]:
        """Names of the markets of the same exchange whose trades move it ('' is the market it serves)."""
        return ()

    def remembers(self) -> float:
        """Seconds for which a venue's mid that has stood counts, all alike; 0: it weighs them otherwise, or reads none."""
        return 0.0

    def misfits(self, interval: float) -> list[str]:
        """One line, from its field on, for what cannot be read where blocks come `interval` seconds apart. Most do not mind."""
        return []


def resolve(state: State, listing: Listing, source: str) -> Listing:
    """The market an oracle reads: `source` by name, or the market it serves."""
    return state.find(listing.house, source) if source else listing


def is_sure(state: State, listing: Listing) -> bool:
    """Whether the index of a market may always be used, under the rules in force."""
    market = state.market(listing)
    return is_sure(state, state.find(listing.house, market.index)) if market.index else market.oracle.sure


def read_index(state: State, listing: Listing) -> Reading:
    """The index of a market: its own oracle, read at its own path, or that of the market it names."""
    market = state.market(listing)
    if market.index:
        return read_index(state, state.find(listing.house, market.index))
    return market.oracle.read(state, listing, listing.oracle_at)


def read_mark(state: State, listing: Listing) -> Reading:
    """What one base coin of the contract is worth at the index; time, doubt and status are the index's."""
    index, time, confidence, status = read_index(state, listing)
    return Reading(state.market(listing).instrument.price(state, listing, index), time, confidence, status)
