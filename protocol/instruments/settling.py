"""What dated contracts settle at: the time-weighted mean of the index over the last `window` seconds before expiry.

The index seen at the end of a block weights what follows, up to the end of the next, as in a TWAP oracle; so a block that
skips over the expiry settles at the mean that had been reached by it. Until then `expected` is that mean if the index stays
where it is. Tables: `.settling`, the running mean, and `.settled`, what it came to.
Attack surface: a push of x held for L seconds inside the window moves settlement by x L / window, whatever the index is
made of; an index that is stale in the window settles everybody at what it last said.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from protocol.state import Listing, State


class Running(NamedTuple):
    """The mean so far."""

    total: float  # integral of the index over the window up to `time`, cash coin seconds per base coin
    time: float  # seconds
    value: float  # cash coins per base coin; weights what follows


class Settled(NamedTuple):
    """What became of a market."""

    value: float  # cash coins that one base coin of the contract was settled for; nan: not yet
    time: float  # seconds
    accounts: int  # how many held a position
    dust: int  # cash units that rounding left to the insurance
    deficit: int  # cash units that accounts ended below zero
    uncovered: int  # of it, what nobody paid


OPEN = Settled(math.nan, math.nan, 0, 0, 0, 0)


def dating_mistakes(expiry: float, window: float) -> list[str]:
    """One line for each date that is none."""
    wrong = []
    if not 0 < expiry < math.inf:
        wrong.append(f"expiry = {expiry}: must be above 0 seconds, a contract that has expired cannot be listed")
    if not 0 < window <= expiry:
        wrong.append(f"window = {window}: allowed above 0 seconds to expiry = {expiry}")
    return wrong


def begin(state: State, listing: Listing, index: float) -> None:
    """Open the tables."""
    state.put(listing.path + ".settling", Running(0.0, state.time, index))
    state.put(listing.path + ".settled", OPEN)


def outcome(state: State, listing: Listing) -> Settled:
    """What a dated market settled at."""
    found: Settled = state.tables[listing.path + ".settled"]
    return found


def _known(running: Running, now: float, expiry: float, window: float) -> float:
    """The integral up to now."""
    counted = max(0.0, min(now, expiry) - max(running.time, expiry - window))
    return running.total + running.value * counted


def extend(state: State, listing: Listing, expiry: float, window: float, index: float) -> None:
    """Close the interval that ends now and let `index` weight the next."""
    running: Running = state.tables[listing.path + ".settling"]
    known = _known(running, state.time, expiry, window)
    state.put(listing.path + ".settling", Running(known, state.time, index))


def left(now: float, expiry: float, window: float) -> float:
    """The share of the window that lies ahead."""
    return min(1.0, max(0.0, expiry - now) / window)


def expected(state: State, listing: Listing, expiry: float, window: float, index: float) -> float:
    """The mean at expiry if the index stays at `index`: the index before the window, settlement after it. Cash coins."""
    running: Running = state.tables[listing.path + ".settling"]
    known = _known(running, state.time, expiry, window)
    return known / window + left(state.time, expiry, window) * index
