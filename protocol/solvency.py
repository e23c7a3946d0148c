"""What accounts are worth and need: the sums over an exchange's claim rows that fills, keepers and laws all ask for, compiled.

Equity is `weight @ balance`; a requirement is a sum by row, plus the loss in the scenario that is worst. One account or all of
them, each sum is taken row by row, so that whoever asks is told the same to the last bit. Compiled functions that others call
take the ledger's arrays and the terms as plain tuples, and name them again (see `compiled`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.compiled import compiled, inner, making
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


@inner
def claims(arrays: Arrays, terms: Terms, account: int) -> Ints:
    """What the account holds of each claim row, units [rows]. A view."""
    return arrays.balance[terms.first : terms.first + len(terms.weight), account]


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


TILE = 1024  # accounts examined at a time: with forty rows they fill 330 kB, and stay in the second-level cache


@inner
def _worst_losses(grid: Floats, held: Floats, gains: Floats, need: Floats) -> None:
    """`worst_loss` of a tile of accounts. `grid` [scenarios, rows] in threes and fours, `held` [rows, accounts] units.

    Three scenarios and four rows at once, so that what is loaded is used before it is left; each sum is still taken row by row,
    and so comes out as `worst_loss` has it, to the last bit.
    """
    first, second, third = gains[0], gains[1], gains[2]
    for s in range(0, grid.shape[0], 3):
        gains[:] = 0.0
        for r in range(0, grid.shape[1], 4):
            a, b, c, d = grid[s, r], grid[s, r + 1], grid[s, r + 2], grid[s, r + 3]
            e, f, g, h = grid[s + 1, r], grid[s + 1, r + 1], grid[s + 1, r + 2], grid[s + 1, r + 3]
            i, j, k, m = grid[s + 2, r], grid[s + 2, r + 1], grid[s + 2, r + 2], grid[s + 2, r + 3]
            one, two, three, four = held[r], held[r + 1], held[r + 2], held[r + 3]
            for n in range(len(need)):
                w, x, y, z = one[n], two[n], three[n], four[n]
                first[n] = first[n] + a * w + b * x + c * y + d * z
                second[n] = second[n] + e * w + f * x + g * y + h * z
                third[n] = third[n] + i * w + j * x + k * y + m * z
        for n in range(len(need)):
            need[n] = max(need[n], max(-first[n], max(-second[n], -third[n])))


@inner
def _scenarios(terms: Terms) -> tuple[Ints, Floats]:
    """Which column each row has in the grid, -1 of rows that no scenario moves; and the grid as `_worst_losses` takes it."""
    rows, scenarios = len(terms.weight), len(terms.grid)
    place = np.full(rows, -1)
    moved = 0
    for row in range(rows):
        if np.any(terms.grid[:, row] != 0.0):
            place[row] = moved
            moved += 1
    grid = np.zeros((3 * ((scenarios + 2) // 3), 4 * ((moved + 3) // 4)))
    for row in range(rows):
        if place[row] >= 0:
            grid[:scenarios, place[row]] = terms.grid[:, row]
    return place, grid


@inner
def _room(grid: Floats, accounts: int) -> tuple[Floats, Floats]:
    """What the examination of a tile works in, as many accounts wide as there are."""
    width = min(TILE, accounts)
    return np.zeros((grid.shape[1], width)), np.empty((3, width))


@inner
def _examine_tile(
    arrays: Arrays,
    terms: Terms,
    place: Ints,
    grid: Floats,
    held: Floats,
    gains: Floats,
    start: int,
    value: Floats,
    need: Floats,
) -> None:
    """Equity and requirement of the accounts from `start` on, as many as `value` has room for. Each row is read as it lies."""
    stop = start + len(value)
    value[:], need[:] = 0.0, 0.0
    for row in range(len(terms.weight)):
        weight, units = terms.weight[row], arrays.balance[terms.first + row, start:stop]
        if place[row] < 0:
            for account in range(len(units)):
                value[account] += weight * units[account]
        else:
            floats = held[place[row]]
            for account in range(len(units)):
                floats[account] = units[account]
                value[account] += weight * floats[account]
    _worst_losses(grid, held, gains, need)
    for row in range(len(terms.weight)):
        if is_position(terms, row):
            long, short, slope = terms.long[row], terms.short[row], terms.slope[row]
            units = arrays.balance[terms.first + row, start:stop]
            for account in range(len(units)):
                need[account] += needed(units[account], long, short, slope)


@making
def examine(bare: Bare, margin: Any, worth: Floats, needs: Floats) -> None:
    """Equity and requirement of every account, as `examine_one` has them. Shapes [accounts]; cash coins."""
    arrays, terms = Arrays(*bare), Terms(*margin)
    place, grid = _scenarios(terms)
    held, gains = _room(grid, len(worth))
    for start in range(0, len(worth), TILE):
        stop = min(start + TILE, len(worth))
        _examine_tile(arrays, terms, place, grid, held, gains, start, worth[start:stop], needs[start:stop])


@making
def find_below(bare: Bare, margin: Any, exchange: NDArray[np.int32], found: Ints, needs: Floats) -> int:
    """Fill `found` with players' accounts worth less than they need, and `needs` with what they need; returns how many there are.

    What `examine` finds, without keeping it; `exchange` is the ledger's, below 0 for players. Shapes [accounts]; cash coins.
    """
    arrays, terms = Arrays(*bare), Terms(*margin)
    place, grid = _scenarios(terms)
    held, gains = _room(grid, len(found))
    worth, asked = np.empty(gains.shape[1]), np.empty(gains.shape[1])
    count = 0
    for start in range(0, len(found), TILE):
        some = min(TILE, len(found) - start)
        _examine_tile(arrays, terms, place, grid, held, gains, start, worth[:some], asked[:some])
        for account in range(some):
            if worth[account] < asked[account] and exchange[start + account] < 0:
                found[count], needs[count] = start + account, asked[account]
                count += 1
    return count


@compiled
def examine_one(bare: Bare, margin: Any, account: int) -> tuple[float, float]:
    """Equity and requirement of one account, cash coins."""
    arrays, terms = Arrays(*bare), Terms(*margin)
    worth, needs, _ = weigh(terms, claims(arrays, terms, account))
    return worth, needs
