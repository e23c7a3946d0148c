"""A ring of observations with so many rows and no more: cumulative ticks, and seconds per liquidity (Uniswap V3 core).

All whole numbers and all the contract's (`Oracle.sol` of v3-core 1.0.1). A row is written at most once a second, with what stood
until then; between two rows both sums are straight lines. What is older than the oldest row cannot be asked for. Seconds per
liquidity grow the faster the thinner the pool is: over an interval they give the harmonic mean of its liquidity.
"""

from __future__ import annotations

from typing import NamedTuple

from protocol.fixed_point import down, to_zero
from protocol.oracles.cumulative import integral

Q128 = 1 << 128
WRAP = (1 << 160) - 1  # of seconds per liquidity: only differences mean anything


class Row(NamedTuple):
    """Both sums as of a time."""

    time: int  # seconds
    ticks: int  # tick times seconds
    thin: int  # seconds over liquidity, times 2**128


class Ring(NamedTuple):
    """`rows` that have been written, of `used` that the ring goes round; `room`: how many it may have when it next comes round."""

    rows: tuple[Row, ...]
    at: int  # the newest
    used: int
    room: int


def opened(time: int, room: int) -> Ring:
    """A ring whose sums begin at `time`."""
    return Ring((Row(time, 0, 0),), 0, 1, room)


def extended(row: Row, time: int, tick: int, liquidity: int) -> Row:
    """The sums at a later time, `tick` and `liquidity` having stood since."""
    seconds = time - row.time
    thin = row.thin + down(seconds, Q128, max(liquidity, 1)) & WRAP
    return Row(time, integral(row.ticks, tick, seconds), thin)


def written(ring: Ring, time: int, tick: int, liquidity: int) -> Ring:
    """The ring with what stood until `time`, if that second is not in it yet. The oldest row goes where there is no room."""
    last = ring.rows[ring.at]
    if last.time == time:
        return ring
    used = ring.room if ring.at == ring.used - 1 else ring.used
    at, row = (ring.at + 1) % used, extended(last, time, tick, liquidity)
    return Ring((*ring.rows[:at], row, *ring.rows[at + 1 :]), at, used, max(used, ring.room))


def seen(ring: Ring, now: int, ago: int, tick: int, liquidity: int) -> Row | None:
    """The sums `ago` seconds before `now`, `tick` and `liquidity` standing since the newest row; None before the oldest: OLD."""
    time, last = now - ago, ring.rows[ring.at]
    if time >= last.time:
        return last if time == last.time else extended(last, time, tick, liquidity)
    first = (ring.at + 1) % ring.used
    rows = ring.rows[first:] + ring.rows[:first] if first < len(ring.rows) else ring.rows
    if time < rows[0].time:
        return None
    before, after = next((a, b) for a, b in zip(rows, rows[1:], strict=False) if a.time <= time <= b.time)
    if after.time == time:
        return after
    past, span = time - before.time, after.time - before.time
    ticks = integral(before.ticks, to_zero(after.ticks - before.ticks, 1, span), past)
    thin = before.thin + down(after.thin - before.thin & WRAP, past, span) & WRAP
    return Row(time, ticks, thin)


def mean_tick(start: Row, end: Row) -> int:
    """The mean tick between two observations, rounded down. OracleLibrary.sol `consult`."""
    return down(end.ticks - start.ticks, 1, end.time - start.time)


def mean_liquidity(start: Row, end: Row) -> int:
    """The harmonic mean of liquidity between two observations."""
    return down(end.time - start.time, Q128, max(end.thin - start.thin & WRAP, 1))
