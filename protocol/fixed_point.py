"""Products over a divisor, `a * b / c`, in the rounding that is asked for: the one place where formulas meet fixed point.

On ints they are the contracts' own operations (`mulDivDown`, `mulDivUp`, half up as `wadMul` and `percentMul`, towards zero as
signed division), with `one` of a fixed point (10**18, 10**27) as divisor of a product or factor of a quotient; on floats, with
1.0 for `one`, the same formula is plain arithmetic.
"""

from __future__ import annotations

from typing import TypeVar

N = TypeVar("N", int, float)


def down(a: N, b: N, c: N) -> N:
    """The fraction a b / c, rounded towards minus infinity."""
    return a * b // c if isinstance(c, int) else a * b / c


def up(a: N, b: N, c: N) -> N:
    """The fraction a b / c, rounded towards plus infinity."""
    return -(-a * b // c) if isinstance(c, int) else a * b / c


def half_up(a: N, b: N, c: N) -> N:
    """The fraction a b / c, rounded to the nearest, halves up."""
    return (a * b + c // 2) // c if isinstance(c, int) else a * b / c


def to_zero(a: N, b: N, c: N) -> N:
    """The fraction a b / c, rounded towards zero: signed division on chain."""
    if not isinstance(c, int):
        return a * b / c
    size = abs(a * b) // abs(c)
    return size if (a * b < 0) == (c < 0) else -size
