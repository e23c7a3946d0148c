"""The books of a pool whose liquidity lies in ranges: ticks, positions, fees per unit of liquidity (Uniswap V3 core).

All whole numbers and all the contract's: `swap` and `change` leave the price, liquidity and fee growth that the
recorded contract has after the same call. Fees are never given to a position: each reads the growth inside its range since
it last looked. Growth wraps at 2**256, as there: only differences mean anything.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from protocol.venues.tick_math import (
    HIGHEST_PRICE,
    HIGHEST_TICK,
    LOWEST_PRICE,
    LOWEST_TICK,
    Q128,
    base_down,
    base_up,
    cash_down,
    cash_up,
    price_at,
    step_in,
    step_out,
    tick_at,
)

WRAP = (1 << 256) - 1


class Tick(NamedTuple):
    """An end of some range."""

    gross: int  # liquidity of all ranges that end here
    net: int  # liquidity that comes in when the price rises through it
    base: int  # fee growth on the other side of it from the price, base units per unit of liquidity, times 2**128
    cash: int  # the same in cash units


class Position(NamedTuple):
    """What one account has in one range."""

    liquidity: int
    base: int  # fee growth inside the range when it last looked, times 2**128
    cash: int


EMPTY = Position(0, 0, 0)
UNUSED = Tick(0, 0, 0, 0)


def is_range(low: int, high: int, spacing: int) -> bool:
    """Whether two ticks are ends of a range on a grid. v3-core `checkTicks`, and `flipTick` of its bitmap."""
    return low % spacing == 0 and high % spacing == 0 and LOWEST_TICK <= low < high <= HIGHEST_TICK


def is_idle(position: Position, change: int) -> bool:
    """Whether nothing would be done: no liquidity is there, and none comes. v3-core `Position.update`, NP."""
    return position.liquidity == 0 and change == 0


def overdraws(position: Position, change: int) -> bool:
    """Whether more would be taken out than there is. v3-core `LiquidityMath.addDelta`, LS."""
    return position.liquidity + change < 0


class TickPool:
    """One pool. `parts`: fee in millionths of what is paid in; `price`: root price times 2**96."""

    def __init__(self, parts: int, price: int) -> None:
        self.parts = parts
        self.price = price
        self.tick = tick_at(price)
        self.liquidity = 0  # of the ranges that the price is in
        self.growth = (0, 0)  # base, cash units of fees per unit of liquidity since the start, times 2**128
        self.order: list[int] = []  # ticks in use, rising
        self.ticks: dict[int, Tick] = {}

    def copy(self) -> TickPool:
        """An independent one: cheap, for `order` and `ticks` are replaced and never written into."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def become(self, other: TickPool) -> None:
        """Take over another's books."""
        self.__dict__.update(other.__dict__)

    def __repr__(self) -> str:
        shown = (
            self.parts,
            self.price,
            self.tick,
            self.liquidity,
            self.growth,
            [(t, *self.ticks[t]) for t in self.order],
        )
        return f"TickPool{shown}"

    # ------------------------------------------------------------------ trading

    def stop(self, side: int) -> int:
        """The next tick at which liquidity may change: above the price if `side` is 1, at it or below if -1."""
        if side > 0:
            row = bisect_right(self.order, self.tick)
            return self.order[row] if row < len(self.order) else HIGHEST_TICK
        row = bisect_right(self.order, self.tick) - 1
        return self.order[row] if row >= 0 else LOWEST_TICK

    def swap(self, side: int, units: int, limit: int) -> tuple[int, int]:
        """Trade until `units` are paid in (above 0) or given out (below 0), or the root price is at `limit`.

        `side` 1: cash comes in and base goes out; -1: the other way. Returns (base, cash) units that the pool got.
        """
        left, paid, given = abs(units), 0, 0
        step = step_in if units > 0 else step_out
        while left and self.price != limit:
            begun, ahead = self.price, self.stop(side)
            there = price_at(ahead)
            target = min(there, limit) if side > 0 else max(there, limit)
            done = step(self.price, target, self.liquidity, left, self.parts)
            self.price = done.price
            left -= done.paid + done.fee if units > 0 else done.given
            paid += done.paid + done.fee
            given += done.given
            if self.liquidity:
                self.earn(side, done.fee)
            if self.price == there:
                self._cross(ahead, side)
                self.tick = ahead if side > 0 else ahead - 1
            elif self.price != begun:
                self.tick = tick_at(self.price)
        return (-given, paid) if side > 0 else (paid, -given)

    def earn(self, side: int, fee: int) -> None:
        """Share a fee, in the token that was paid in, among the liquidity that the price is in."""
        more, (base, cash) = (fee << 128) // self.liquidity, self.growth
        self.growth = (base, cash + more & WRAP) if side > 0 else (base + more & WRAP, cash)

    def _cross(self, tick: int, side: int) -> None:
        if tick in self.ticks:
            gross, net, base, cash = self.ticks[tick]
            outside = self.growth[0] - base & WRAP, self.growth[1] - cash & WRAP
            self.ticks = self.ticks | {tick: Tick(gross, net, *outside)}
            self.liquidity += side * net

    # ------------------------------------------------------------------ providing

    def inside(self, low: int, high: int) -> tuple[int, int]:
        """Fee growth inside a range, (base, cash), times 2**128."""
        found = []
        for column, total in zip((2, 3), self.growth, strict=True):
            below, above = self.ticks.get(low, UNUSED)[column], self.ticks.get(high, UNUSED)[column]
            below = below if self.tick >= low else total - below
            above = above if self.tick < high else total - above
            found.append(total - below - above & WRAP)
        return found[0], found[1]

    def fees(self, position: Position, low: int, high: int) -> tuple[int, int]:
        """Fees that a position has earned since it last looked, (base, cash) units, rounded down."""
        base, cash = self.inside(low, high)
        return (
            (base - position.base & WRAP) * position.liquidity // Q128,
            (cash - position.cash & WRAP) * position.liquidity // Q128,
        )

    def change(self, position: Position, low: int, high: int, liquidity: int) -> tuple[Position, int, int]:
        """Put `liquidity` into a range, or take some out (below 0). Returns the position then, and (base, cash) fees due."""
        if liquidity:
            self._bound(low, liquidity, liquidity)
            self._bound(high, liquidity, -liquidity)
        base, cash = self.fees(position, low, high)
        changed = Position(position.liquidity + liquidity, *self.inside(low, high))
        self.ticks = {tick: end for tick, end in self.ticks.items() if end.gross}
        self.order = sorted(self.ticks)
        if low <= self.tick < high:
            self.liquidity += liquidity
        return changed, base, cash

    def _bound(self, tick: int, gross: int, net: int) -> None:
        fresh = Tick(0, 0, *(self.growth if tick <= self.tick else (0, 0)))
        was = self.ticks.get(tick, fresh)
        self.ticks = self.ticks | {tick: was._replace(gross=was.gross + gross, net=was.net + net)}

    def needs(self, low: int, high: int, liquidity: int) -> tuple[int, int]:
        """(base, cash) units that `liquidity` in a range costs now, rounded up."""
        bottom, top = price_at(low), price_at(high)
        inside = min(max(self.price, bottom), top)
        return base_up(liquidity, inside, top), cash_up(liquidity, bottom, inside)

    def yields(self, low: int, high: int, liquidity: int) -> tuple[int, int]:
        """(base, cash) units that `liquidity` in a range gives back now, rounded down."""
        bottom, top = price_at(low), price_at(high)
        inside = min(max(self.price, bottom), top)
        return base_down(liquidity, inside, top), cash_down(liquidity, bottom, inside)


NOWHERE = {1: HIGHEST_PRICE - 1, -1: LOWEST_PRICE + 1}  # root prices that no trade goes beyond
