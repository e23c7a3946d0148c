"""Turns: the permutation that serves a queue by tip and arrival, ties as they stand, compiled.

What is nearly in order is sorted by insertion. Other numbers are first put into cells of equal width between the lowest and the
highest, some sixty a number, by two passes of a radix sort, and then, nearly sorted, by insertion: its time grows with the queue
and hardly faster, and a queue of one tip is sorted by arrival alone. All are stable, and there is one stable order. Numbers are
compared by their bits, which as integers stand in the same order and which a processor compares eight at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.compiled import compiled, inner
from protocol.ledger import Floats, Ints

SHORT = 48  # a queue up to this is sorted sooner by insertion alone
FEW = 16  # places for one that is out of order, at least, where a queue is nearly in order
STEPS = 8  # of insertion a place, after which it was not
SPARSE = 64  # cells a number, at least, up to the finest
COARSEST, FINEST = 4, 11  # bits of a digit: cells are numbers of two
MOST = 2**63 - 1
ROOM = 6  # numbers a place to sort with


@inner
def _insert(key: Ints, order: Ints, most: int) -> bool:
    """Sort `order` by the number of each place; False: it was let be after so many steps."""
    steps = 0
    for turn in range(1, len(order)):
        place, at = order[turn], turn - 1
        while at >= 0 and key[order[at]] > key[place]:
            order[at + 1] = order[at]
            at -= 1
        order[at + 1] = place
        steps += turn - at
        if steps > most:
            return False
    return True


@inner
def _nearly(key: Ints, order: Ints) -> bool:
    """Whether hardly any place comes after one whose number is higher."""
    falls = 0
    for turn in range(1, len(order)):
        falls += key[order[turn]] < key[order[turn - 1]]
    return falls * FEW <= len(order)


@inner
def _deal(digit: NDArray[np.uint16], count: NDArray[np.uint32], order: Ints, dealt: Ints) -> None:
    """Sort `order` into `dealt` by the digit of each place. `count`: how many places have each."""
    ahead = np.uint32(0)
    for value in range(len(count)):
        count[value], ahead = ahead, np.uint32(ahead + count[value])
    for turn in range(len(order)):
        place = order[turn]
        dealt[count[digit[place]]] = place
        count[digit[place]] += np.uint32(1)


@inner
def _spread(key: Ints, order: Ints, room: Floats) -> None:
    """Sort `order`, of more than SHORT places, by the cell that the key of each place falls into."""
    bits = COARSEST
    while bits < FINEST and 1 << 2 * bits < SPARSE * len(order):
        bits += 1
    lowest = highest = key[0]
    for place in range(len(key)):
        lowest, highest = min(lowest, key[place]), max(highest, key[place])
    shift = 1  # the difference of two keys may be too much for 63 bits
    while (highest >> shift) - (lowest >> shift) >= 1 << 2 * bits:
        shift += 1
    low, high, dealt = room[0].view(np.uint16), room[1].view(np.uint16), room[2].view(np.int64)
    lows, highs = room[3].view(np.uint32)[: 1 << bits], room[4].view(np.uint32)[: 1 << bits]
    lows[:], highs[:] = 0, 0
    for place in range(len(key)):
        cell = (key[place] >> shift) - (lowest >> shift)
        low[place], high[place] = cell & ((1 << bits) - 1), cell >> bits
    for place in range(len(key)):
        lows[low[place]] += np.uint32(1)
        highs[high[place]] += np.uint32(1)
    _deal(low, lows, order, dealt)
    _deal(high, highs, dealt, order)


@inner
def _sort(column: Floats, sign: float, order: Ints, room: Floats) -> None:
    """Sort `order`, stably, by `sign` times the number in the column at each place."""
    number = room[5]
    for place in range(len(column)):
        number[place] = sign * column[place] + 0.0  # there is one zero
    key, differ = number.view(np.int64), False
    for place in range(len(key)):
        key[place] ^= (key[place] >> 63) & MOST
        differ |= key[place] != key[0]
    if not differ:
        return
    if len(order) > SHORT:
        if _nearly(key, order) and _insert(key, order, STEPS * len(order)):
            return
        _spread(key, order, room)
    _insert(key, order, len(order) ** 2)


@compiled
def _by_arrival(arrival: Floats, order: Ints, room: Floats) -> None:
    for place in range(len(order)):
        order[place] = place
    _sort(arrival, 1.0, order, room)


@compiled
def _by_tip(arrival: Floats, tip: Floats, order: Ints, room: Floats) -> None:
    for place in range(len(order)):
        order[place] = place
    _sort(arrival, 1.0, order, room)
    _sort(tip, -1.0, order, room)


def by_arrival(arrival: Floats) -> Ints:
    """Earliest first. Shapes [n]; seconds."""
    order, room = np.empty(len(arrival), np.int64), np.empty((ROOM, len(arrival)))
    _by_arrival(arrival, order, room)
    return order


def by_tip(arrival: Floats, tip: Floats) -> Ints:
    """Highest tip first, then earliest. Shapes [n]; seconds, and cash coins per gas."""
    order, room = np.empty(len(arrival), np.int64), np.empty((ROOM, len(arrival)))
    _by_tip(arrival, tip, order, room)
    return order
