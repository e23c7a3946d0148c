"""What verbs give back: the trade, or the forced closure, that happened."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from protocol.state import Listing


class Fill(NamedTuple):
    """A trade that happened."""

    account: int
    listing: Listing
    size: int  # units of base, signed
    owed: int  # cash units, negative: received; fee apart


class Queued(NamedTuple):
    """An order that waits for an auction. Nothing has been traded, and nothing is owed, until it is cleared."""

    account: int
    listing: Listing
    size: int  # units of base asked for, signed
    owed: int = 0


class Liquidated(NamedTuple):
    """A forced closure that happened. Cash amounts in units."""

    account: int
    keeper: int
    listing: Listing
    size: int  # units of base traded for the account, signed
    notional: int
    reward: int
    penalty: int
    deleveraged: int  # size units closed against other players instead of sold
    taken: int  # size units that the keeper took over
    deficit: int  # what the account was short of at the end
    covered: tuple[tuple[str, int], ...]  # (loss step, what it paid)
    taker: int = -1  # account that took the position over; -1: nobody, it went through the venue
    price: float = math.nan  # cash coins per base coin it was taken over at
    opened: float = math.nan  # seconds, when the account was first put up or warned; nan: it was closed at once
    started: float = math.nan  # seconds, when the last round began
    rounds: int = 0  # rounds of an auction, or warnings
    spare: float = (
        math.nan
    )  # cash coins it had above the maintenance of the margin inside the one in force; nan: none inside


class Started(NamedTuple):
    """An auction started or restarted, or an account warned."""

    account: int
    keeper: int
    listing: Listing
    size: int  # units of base that are up, signed
    opened: float  # seconds, when it was first put up
    started: float  # seconds, when this round began
    start: float  # cash coins per base coin, the index then
    rounds: int
    reward: int  # cash units to the keeper


class Bidden(NamedTuple):
    """A bid that stands."""

    account: int
    bidder: int
    listing: Listing
    price: float  # cash coins per base coin
    held: int  # cash units locked
    outbid: int  # account whose bid it replaces; -1: the first
    ends: float  # seconds, when it wins


class Forfeited(NamedTuple):
    """A winner who could not carry the lot. What it had locked is the insurance's."""

    account: int
    bidder: int
    listing: Listing
    held: int  # cash units lost


class Lifted(NamedTuple):
    """A case that ended without a sale."""

    account: int
    listing: Listing
    opened: float  # seconds


def flat(outcome: Any) -> Iterator[Any]:
    """What a transaction returned, one by one: of a bundle or a flash loan each part, however deep."""
    if isinstance(outcome, tuple) and not hasattr(outcome, "_fields"):
        for part in outcome:
            yield from flat(part)
    else:
        yield outcome
