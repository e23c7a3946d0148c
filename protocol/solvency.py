"""What accounts are worth and need: the sums over an exchange's claim rows that fills, keepers and laws all ask for, compiled.

Equity is `weight @ balance`; a requirement is a sum by row, plus the loss in the scenario that is worst. One account or all of
them, each sum is taken row by row, so that whoever asks is told the same to the last bit. Compiled functions that others call
take the ledger's arrays and the terms as plain tuples, and name them again (see `compiled`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.compiled import inner, steady, unsigned
from protocol.ledger import Arrays, Bare, Floats, Ints


class Terms(NamedTuple):
    """What an account is worth and needs, over an exchange's claim rows: sums by row, plus its worst scenario."""

    first: int  # claim rows first..first+len(weight)-1
    weight: Floats  # [rows] cash coins per unit
    full: Floats  # [rows] the same without haircuts
    long: Floats  # [rows] margin in cash coins per unit held
    short: Floats  # [rows] margin in cash coins per unit owed
    slope: Floats  # [rows] margin in cash coins per squared unit of size
    grid: Floats  # [scenarios, rows] gain in cash coins per unit; none: no scenarios
    most: int  # how many positions one account may hold


GRID = Terms._fields.index("grid")


@inner
def claims(arrays: Arrays, terms: Terms, account: int) -> Ints:
    """What the account holds of each claim row, units [rows]. A view."""
    return arrays.balance[terms.first : terms.first + len(terms.weight), unsigned(account)]


@inner
def valued(weight: Floats, held: Ints) -> float:
    """Cash coins that claims come to at so much a unit."""
    total = 0.0
    for row in range(len(weight)):
        total += weight[row] * held[row]
    return total


@inner
def needed(units: int, long: float, short: float, slope: float) -> float:
    """Cash coins of margin that one position needs by itself."""
    size = abs(units)
    return size * ((long if units > 0 else short) + slope * size)


@inner
def is_position(terms: Terms, row: int) -> bool:
    """Whether a row is the size of a position, rather than cash in some form."""
    return bool(terms.long[row] != 0.0 or terms.short[row] != 0.0)


@inner
def worst_loss(terms: Terms, held: Ints) -> float:
    """Cash coins lost on claims in the scenario that is worst for them; 0 where none costs anything."""
    worst = 0.0
    for scenario in range(len(terms.grid)):
        gain = 0.0
        for row in range(len(terms.weight)):
            gain += terms.grid[scenario, row] * held[row]
        worst = max(worst, -gain)
    return worst


@inner
def weigh(terms: Terms, held: Ints) -> tuple[float, float, int]:
    """What claims are worth and need, cash coins, and how many positions they are. `held` [rows] units."""
    worth, needs, positions = 0.0, worst_loss(terms, held), 0
    for row in range(len(terms.weight)):
        units = held[row]
        worth += terms.weight[row] * units
        if is_position(terms, row):
            needs += needed(units, terms.long[row], terms.short[row], terms.slope[row])
            positions += 1 if units != 0 else 0
    return worth, needs, positions


TILE = 256  # accounts examined at a time: with forty rows they fill 80 kB, and stay in the second-level cache
WORTH, NEEDS, GAINS = 0, 1, 2  # rows of the room: equity, requirement, and from there on gains in three scenarios
_UNMOVED: Ints = np.empty(0, np.int64)
_UNHELD: Floats = np.empty((0, 0))


def room_for(grid: Floats, accounts: int) -> tuple[Ints, Floats, Floats]:
    """Which claim rows scenarios move; what a tile is examined in, [5, accounts]; and what it holds of those, [moved, accounts]."""
    tile = min(TILE, accounts)
    if not len(grid):
        return _UNMOVED, np.empty((GAINS, tile)), _UNHELD
    moved = np.flatnonzero((grid != 0.0).any(axis=0))
    return moved, np.empty((GAINS + 3, tile)), np.empty((len(moved), tile))


@inner
def _rate(rates: Floats, row: int) -> float:
    """What a row has of some rates; beyond the last nothing."""
    return rates[row] if row < len(rates) else 0.0


@inner
def _worth(arrays: Arrays, terms: Terms, moved: Ints, start: int, worth: Floats, held: Floats) -> None:
    """`weigh`'s worth of a tile of accounts from `start` on, shape [accounts]; and what they hold of `moved` rows, as floats.

    Four rows at once, so that what is loaded is used before it is left; each sum is still taken row by row.
    """
    place = 0
    first, last, stop = terms.first, terms.first + len(terms.weight) - 1, start + len(worth)
    for n in range(len(worth)):
        worth[n] = 0.0
    for r in range(0, len(terms.weight), 4):
        a, b, c, d = terms.weight[r], _rate(terms.weight, r + 1), _rate(terms.weight, r + 2), _rate(terms.weight, r + 3)
        one, two = arrays.balance[first + r, start:stop], arrays.balance[min(first + r + 1, last), start:stop]
        three = arrays.balance[min(first + r + 2, last), start:stop]
        four = arrays.balance[min(first + r + 3, last), start:stop]
        for n in range(len(worth)):
            worth[n] = worth[n] + a * one[n] + b * two[n] + c * three[n] + d * four[n]
        while place < len(moved) and moved[place] < r + 4:
            floats, units = held[place], arrays.balance[first + moved[place], start:stop]
            for n in range(len(worth)):
                floats[n] = units[n]
            place += 1


@inner
def _worst_losses(terms: Terms, moved: Ints, held: Floats, room: Floats, worst: Floats) -> None:
    """`worst_loss` of a tile of accounts. Shape [accounts].

    Three scenarios and four of the rows that they move at once; each sum comes out as `worst_loss` has it, to the last bit.
    """
    scenarios, rows = len(terms.grid), len(moved)
    for n in range(len(worst)):
        worst[n] = 0.0
    if scenarios == 0 or rows == 0:
        return
    first, second, third = room[GAINS], room[GAINS + 1], room[GAINS + 2]
    for s in range(0, scenarios, 3):
        t, u = min(s + 1, scenarios - 1), min(s + 2, scenarios - 1)  # one that comes twice changes no worst
        for n in range(len(worst)):
            first[n], second[n], third[n] = 0.0, 0.0, 0.0
        for r in range(0, rows, 4):
            q, v, p = min(r + 1, rows - 1), min(r + 2, rows - 1), min(r + 3, rows - 1)
            a, e, i = terms.grid[s, moved[r]], terms.grid[t, moved[r]], terms.grid[u, moved[r]]
            b, f, j = terms.grid[s, moved[q]], terms.grid[t, moved[q]], terms.grid[u, moved[q]]
            c, g, k = terms.grid[s, moved[v]], terms.grid[t, moved[v]], terms.grid[u, moved[v]]
            d, h, m = terms.grid[s, moved[p]], terms.grid[t, moved[p]], terms.grid[u, moved[p]]
            if r + 1 >= rows:
                b = f = j = 0.0
            if r + 2 >= rows:
                c = g = k = 0.0
            if r + 3 >= rows:
                d = h = m = 0.0
            one, two, three, four = held[r], held[q], held[v], held[p]
            for n in range(len(worst)):
                w, x, y, z = one[n], two[n], three[n], four[n]
                first[n] = first[n] + a * w + b * x + c * y + d * z
                second[n] = second[n] + e * w + f * x + g * y + h * z
                third[n] = third[n] + i * w + j * x + k * y + m * z
        for n in range(len(worst)):
            worst[n] = max(worst[n], max(-first[n], max(-second[n], -third[n])))


@inner
def _examine_tile(
    arrays: Arrays, terms: Terms, moved: Ints, room: Floats, held: Floats, start: int, worth: Floats, needs: Floats
) -> None:
    """Equity and requirement of the accounts from `start` on, as many as `worth` has room for. Each row is read as it lies."""
    _worth(arrays, terms, moved, start, worth, held)
    _worst_losses(terms, moved, held, room, needs)
    for row in range(len(terms.weight)):
        if is_position(terms, row):
            long, short, slope = terms.long[row], terms.short[row], terms.slope[row]
            units = arrays.balance[terms.first + row, start : start + len(needs)]
            for n in range(len(needs)):
                needs[n] += needed(units[n], long, short, slope)


@steady
def _examine(bare: Bare, margin: Any, moved: Ints, room: Floats, held: Floats, worth: Floats, needs: Floats) -> None:
    arrays, terms = Arrays(*bare), Terms(*margin)
    for start in range(0, len(worth), TILE):
        stop = min(start + TILE, len(worth))
        _examine_tile(arrays, terms, moved, room, held, start, worth[start:stop], needs[start:stop])


def examine(bare: Bare, margin: Any, worth: Floats, needs: Floats) -> None:
    """Equity and requirement of every account, as `examine_one` has them. Shapes [accounts]; cash coins."""
    _examine(bare, margin, *room_for(margin[GRID], len(worth)), worth, needs)


@steady
def find_below(
    bare: Bare,
    margin: Any,
    moved: Ints,
    room: Floats,
    held: Floats,
    exchange: NDArray[np.int32],
    found: Ints,
    needs: Floats,
) -> int:
    """Fill `found` with players' accounts worth less than they need, and `needs` with what they need; returns how many there are.

    What `examine` finds, without keeping it; `exchange` is the ledger's, below 0 for players. Shapes [accounts]; cash coins.
    `moved`, `room` and `held` are as `room_for` makes them.
    """
    arrays, terms = Arrays(*bare), Terms(*margin)
    count = 0
    for start in range(0, len(found), TILE):
        some = min(TILE, len(found) - start)
        worth, asked = room[WORTH, :some], room[NEEDS, :some]
        _examine_tile(arrays, terms, moved, room, held, start, worth, asked)
        below = 0
        for account in range(some):  # without a branch: in most tiles there is nobody
            below += worth[account] < asked[account]
        if below == 0:
            continue
        for account in range(some):
            if worth[account] < asked[account] and exchange[start + account] < 0:
                found[count], needs[count] = start + account, asked[account]
                count += 1
    return count


@steady
def examine_one(bare: Bare, margin: Any, account: int) -> tuple[float, float]:
    """Equity and requirement of one account, cash coins."""
    arrays, terms = Arrays(*bare), Terms(*margin)
    worth, needs, _ = weigh(terms, claims(arrays, terms, account))
    return worth, needs
