"""Concentrated liquidity in whole numbers: ticks, prices, amounts, and one step of a swap (Uniswap V3 core).

A price is the square root of cash units per base unit, times 2**96, as a Python integer; nothing here is a float, and every
rounding is the contract's: against whoever trades. Sources: Adams, Zinsmeister, Salem, Keefer, Robinson, *Uniswap v3 Core*
(2021), sections 6.1 to 6.3; `TickMath`, `SqrtPriceMath`, `SwapMath` of v3-core 1.0.1, whose recorded calls a test replays.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

Q96, Q128 = 1 << 96, 1 << 128
PARTS = 1_000_000  # fees are whole millionths of the input
LOWEST_TICK, HIGHEST_TICK = -887_272, 887_272  # prices from 2**-128 to 2**128
ROOTS = (  # 2**128 / sqrt(1.0001)**(2**bit), rounded as in TickMath
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)


def ceil_div(above: int, below: int) -> int:
    """Quotient rounded up."""
    return -(-above // below)


@lru_cache(maxsize=1 << 16)
def price_at(tick: int) -> int:
    """Root price of a tick: sqrt(1.0001**tick) * 2**96."""
    ratio = Q128
    for bit, root in enumerate(ROOTS):
        if abs(tick) >> bit & 1:
            ratio = ratio * root >> 128
    if tick > 0:
        ratio = ((1 << 256) - 1) // ratio
    return ceil_div(ratio, 1 << 32)


LOWEST_PRICE, HIGHEST_PRICE = price_at(LOWEST_TICK), price_at(HIGHEST_TICK)


def tick_at(price: int) -> int:
    """The highest tick whose root price is not above `price`."""
    tick = math.floor((math.log2(price) - 96.0) * 2.0 / math.log2(1.0001))
    while price_at(tick) > price:
        tick -= 1
    while price_at(tick + 1) <= price:
        tick += 1
    return tick


def base_up(liquidity: int, low: int, high: int) -> int:
    """Base units that `liquidity` holds between two root prices, rounded up: L (1/sqrt(a) - 1/sqrt(b))."""
    return ceil_div(ceil_div((liquidity << 96) * (high - low), high), low)


def base_down(liquidity: int, low: int, high: int) -> int:
    """The same, rounded down."""
    return (liquidity << 96) * (high - low) // high // low


def cash_up(liquidity: int, low: int, high: int) -> int:
    """Cash units that `liquidity` holds between two root prices, rounded up: L (sqrt(b) - sqrt(a))."""
    return ceil_div(liquidity * (high - low), Q96)


def cash_down(liquidity: int, low: int, high: int) -> int:
    """The same, rounded down."""
    return liquidity * (high - low) >> 96


def price_after_base(price: int, liquidity: int, units: int) -> int:
    """Root price after `units` of base came in (below 0: went out), rounded up. 0 where there are not so many."""
    if units == 0:
        return price
    given = liquidity << 96
    if given + units * price <= 0:
        return 0
    return ceil_div(given * price, given + units * price)


def price_after_cash(price: int, liquidity: int, units: int) -> int:
    """Root price after `units` of cash came in (below 0: went out), rounded down. 0 or less where there are not so many."""
    return price + (units << 96) // liquidity


class Step(NamedTuple):
    """What happened between two stops. Units of the token paid in and of the one given out; the fee is beside `paid`."""

    price: int
    paid: int
    given: int
    fee: int


def step_in(price: int, target: int, liquidity: int, left: int, parts: int) -> Step:
    """Pay in up to `left` units, fee included, on the way to `target` (below `price`: base is paid in, above: cash)."""
    counted = left * (PARTS - parts) // PARTS
    selling = target <= price
    paid = base_up(liquidity, target, price) if selling else cash_up(liquidity, price, target)
    if counted >= paid:
        given = cash_down(liquidity, target, price) if selling else base_down(liquidity, price, target)
        return Step(target, paid, given, ceil_div(paid * parts, PARTS - parts))
    if selling:
        after = price_after_base(price, liquidity, counted)
        paid, given = base_up(liquidity, after, price), cash_down(liquidity, after, price)
    else:
        after = price_after_cash(price, liquidity, counted)
        paid, given = cash_up(liquidity, price, after), base_down(liquidity, price, after)
    fee = left - paid if after != target else ceil_div(paid * parts, PARTS - parts)
    return Step(after, paid, given, fee)


def step_out(price: int, target: int, liquidity: int, left: int, parts: int) -> Step:
    """Give out up to `left` units on the way to `target` (below `price`: cash is given out, above: base)."""
    selling = target <= price
    given = cash_down(liquidity, target, price) if selling else base_down(liquidity, price, target)
    after = target
    if left < given:
        after = price_after_cash(price, liquidity, -left) if selling else price_after_base(price, liquidity, -left)
        given = cash_down(liquidity, after, price) if selling else base_down(liquidity, price, after)
    paid = base_up(liquidity, after, price) if selling else cash_up(liquidity, price, after)
    return Step(after, paid, min(given, left), ceil_div(paid * parts, PARTS - parts))


def liquidity_for(price: int, low: int, high: int, base: int, cash: int) -> int:
    """The most liquidity that `base` and `cash` units can give between two root prices (v3-periphery LiquidityAmounts)."""
    inside = min(max(price, low), high)
    of_base = base * (inside * high >> 96) // (high - inside) if inside < high else None
    of_cash = (cash << 96) // (inside - low) if inside > low else None
    found = [most for most in (of_base, of_cash) if most is not None]
    return min(found)
