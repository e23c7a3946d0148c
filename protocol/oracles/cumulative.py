"""Cumulative prices: the running integral of a value over time, and its mean over a window that ends now.

A value seen at the end of one block weights the interval up to the end of the next, so nothing done inside a block can
move a mean read inside it (Uniswap v2 whitepaper, 2020, section 2.2; `Oracle.sol` of Uniswap v3). The integral is kept
in a ring, one row a block, that doubles when it would lose the start of the window: rows are 16 bytes, and dropping
some to save room would smooth over exactly the short spikes whose weight is the question. Between two rows it is a
straight line, so a mean starts at now - window exactly and not at the nearest block.
Attack surface: the last value of a block counts in full until the next block ends, however long that takes.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np

from protocol.compiled import compiled, inner
from protocol.ledger import Floats
from protocol.state import State

ROWS = 64  # of a new ring
N = TypeVar("N", int, float)


class Head(NamedTuple):
    """The newest row of a ring, and the value since."""

    slot: int  # row of the ring
    used: int  # rows that hold something
    time: float  # seconds
    total: float  # integral of the value up to `time`
    value: float  # weights everything after `time`


def require_window(window: float) -> None:
    """Refuse a window that is none."""
    if not 0 < window < np.inf:
        raise ValueError(f"window = {window}: must be above 0 seconds")


def begin(state: State, at: str, value: float) -> None:
    """Open the ring at `at`: [row, 2] of (seconds, integral), empty but for one row, with `value` from now on."""
    ring = np.zeros((ROWS, 2))
    ring[0, 0] = state.time
    state.put(at, ring)
    state.put(at + ".head", Head(0, 1, state.time, 0.0, value))


def integral(total: N, value: N, seconds: N) -> N:
    """What has added up once `value` has stood for `seconds` more. UniswapV2Pair `_update`; exact on integers."""
    return total + value * seconds


_integral = inner(integral)


def extend(state: State, at: str, window: float, value: float) -> None:
    """Close the interval that ends now and let `value` weight the next."""
    slot, used, then, total, last = state.tables[at + ".head"]
    now = state.time
    if now > then:
        ring = state.tables[at]
        total = integral(total, last, now - then)
        slot += 1
        if used < len(ring):
            used += 1
        else:
            slot %= used
            if ring[slot + 1 - used, 0] > now - window:  # the row that would become the oldest
                ring = np.concatenate((ring[slot:], ring[:slot], np.zeros_like(ring)))
                state.put(at, ring)
                slot, used = used, used + 1
        state.write(at, slot, (now, total))
    state.put(at + ".head", Head(slot, used, now, total, value))


def mean(state: State, at: str, window: float) -> tuple[float, float]:
    """Mean over the last `window` seconds, or over all there is where that is less; and when it was last extended."""
    slot, used, time, total, value = state.tables[at + ".head"]
    return float(_mean(state.tables[at], slot, used, time, total, value, state.time, window)), time


@compiled
def _mean(
    ring: Floats, slot: int, used: int, time: float, total: float, value: float, now: float, window: float
) -> float:
    start = now - window
    if start >= time or now <= ring[slot + 1 - used, 0]:
        return value
    oldest, rows = slot + 1 - used, ring.shape[0]
    at_now = _integral(total, value, now - time)
    low, high = 0, used  # rows in order of age, oldest first: row `low` is not after `start`, row `high` is
    if ring[oldest % rows, 0] >= start:
        start, high = ring[oldest % rows, 0], 1
    while high - low > 1:
        middle = (low + high) // 2
        if ring[(oldest + middle) % rows, 0] <= start:
            low = middle
        else:
            high = middle
    before = (oldest + low) % rows
    at_start = ring[before, 1]
    past = start - ring[before, 0]
    if past > 0.0:
        after = (before + 1) % rows
        at_start += (ring[after, 1] - at_start) * past / (ring[after, 0] - ring[before, 0])
    average: float = (at_now - at_start) / (now - start)
    return average
