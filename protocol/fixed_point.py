"""Products over a divisor, `a * b / c`, in the rounding that is asked for: the one place where formulas meet fixed point.

On ints they are the contracts' own operations (`mulDivDown`, `mulDivUp`, half up as `wadMul` and `percentMul`, towards zero as
signed division), with `one` of a fixed point (10**18, 10**27) as divisor of a product or factor of a quotient; on floats, with
1.0 for `one`, the same formula is plain arithmetic. Compiled code calls the same functions, on floats.
"""

from __future__ import annotations

from typing import TypeVar

from protocol.compiled import shared

N = TypeVar("N", int, float)


@shared
def down(a: N, b: N, c: N) -> N:
    """The fraction a b / c, rounded towards minus infinity."""
    return a * b // c if isinstance(c, int) else a * b / c


@shared
def up(a: N, b: N, c: N) -> N:
    """The fraction a b / c, rounded towards plus infinity."""
    return -(-a * b // c) if isinstance(c, int) else a * b / c


@shared
def half_up(a: N, b: N, c: N) -> N:
    """The fraction a b / c, rounded to the nearest, halves up."""
    return (a * b + c // 2) // c if isinstance(c, int) else a * b / c


@shared
def to_zero(a: N, b: N, c: N) -> N:
    """The fraction a b / c, rounded towards zero: signed division on chain."""
    if not isinstance(c, int):
        return a * b / c
    size = abs(a * b) // abs(c)
    return size if (a * b < 0) == (c < 0) else -size


@shared
def towards(a: N, b: N, c: N) -> N:
    """The fraction a b / c, rounded towards a: what is added or taken off is cut."""
    return a + to_zero(a, b - c, c) if isinstance(c, int) else a * b / c


def power(base: N, exponent: int, one: N) -> N:
    """base**exponent by squaring, each product rounded half up: Maker's `rpow`, operation for operation."""
    half = one // 2 if isinstance(one, int) else 0
    result = base if exponent % 2 else one
    exponent //= 2
    while exponent:
        base = (base * base + half) // one if isinstance(one, int) else base * base / one
        if exponent % 2:
            result = (result * base + half) // one if isinstance(one, int) else result * base / one
        exponent //= 2
    return result
