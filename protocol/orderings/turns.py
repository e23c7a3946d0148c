"""Turns: the permutation that serves a queue by tip and arrival, ties as they stand, compiled.

Numbers are first put into four million cells of equal width between the lowest and the highest, by two passes of a radix sort,
and then, nearly sorted, by insertion: its time grows with the queue and hardly faster, and a queue of one tip is sorted by
arrival alone. Both are stable, and there is one stable order.
"""

from __future__ import annotations

import numpy as np

from protocol.compiled import inner, making
from protocol.ledger import Floats, Ints

SHORT = 48  # a queue up to this is sorted sooner by insertion alone
DIGIT = 2048  # cells are numbers of two digits


@inner
def _insert(number: Floats, order: Ints) -> None:
    """Sort `order` by the number of each place."""
    for turn in range(1, len(order)):
        place, at = order[turn], turn - 1
        while at >= 0 and number[order[at]] > number[place]:
            order[at + 1] = order[at]
            at -= 1
        order[at + 1] = place


@inner
def _spread(number: Floats, lowest: float, highest: float, order: Ints) -> None:
    """Sort `order` by the cell that the number of each place falls into."""
    cell, spare = np.empty(len(number), np.uint32), np.empty_like(order)
    count = np.zeros((2, DIGIT), np.uint32)
    last, span = DIGIT * DIGIT - 1, highest - lowest
    for place in range(len(number)):
        cell[place] = np.uint32((number[place] - lowest) / span * last)
        count[0, cell[place] % DIGIT] += 1
        count[1, cell[place] // DIGIT] += 1
    for row in count:
        ahead = 0
        for digit in range(DIGIT):
            row[digit], ahead = ahead, ahead + row[digit]
    for turn in range(len(order)):
        digit = cell[order[turn]] % DIGIT
        spare[count[0, digit]] = order[turn]
        count[0, digit] += 1
    for turn in range(len(order)):
        digit = cell[spare[turn]] // DIGIT
        order[count[1, digit]] = spare[turn]
        count[1, digit] += 1


@inner
def _sort(column: Floats, sign: float, order: Ints) -> None:
    """Sort `order`, stably, by `sign` times the number in the column at each place."""
    if len(order) == 0:
        return
    number = np.empty(len(column))
    lowest = highest = sign * column[0]
    for place in range(len(column)):
        number[place] = sign * column[place]
        lowest, highest = min(lowest, number[place]), max(highest, number[place])
    if lowest == highest:
        return
    if len(order) > SHORT:
        _spread(number, lowest, highest, order)
    _insert(number, order)


@making
def _by_arrival(arrival: Floats, order: Ints) -> None:
    for place in range(len(order)):
        order[place] = place
    _sort(arrival, 1.0, order)


@making
def _by_tip(arrival: Floats, tip: Floats, order: Ints) -> None:
    for place in range(len(order)):
        order[place] = place
    _sort(arrival, 1.0, order)
    _sort(tip, -1.0, order)


def by_arrival(arrival: Floats) -> Ints:
    """Earliest first. Shapes [n]; seconds."""
    order = np.empty(len(arrival), np.int64)  # an array that compiled code makes takes longer to hand back
    _by_arrival(arrival, order)
    return order


def by_tip(arrival: Floats, tip: Floats) -> Ints:
    """Highest tip first, then earliest. Shapes [n]; seconds, and cash coins per gas."""
    order = np.empty(len(arrival), np.int64)
    _by_tip(arrival, tip, order)
    return order
