"""How this project compiles a loop: one decorator, so that every kernel has the same options.

`compiled` functions are cached on disk beside their file; the same source runs as plain Python under `NUMBA_DISABLE_JIT=1`.
They work in arrays that they are given, so nobody counts references to these: that took two thirds of a fill, and half of handing
an array over (0.05 us instead of 0.1). Functions that make arrays of their own are `making`, and are compiled to count.
Of `steady` functions it is found out at the first call only of what types their arguments are, not at each: that took a
twentieth of a block of a hundred traders.
`inner` functions become part of the compiled function that calls them, and are never cached by themselves: a function that
receives another compiled function as an argument must be `inner`, or its cache would miss in every new process.
A tuple with names takes three times as long to hand over to compiled code as a plain one (4.7 us against 1.4 for what a filling
loop is given), so what is called every block takes its tuples *bare*, `tuple(terms)`, and names them inside, `Terms(*margin)`.
`shared` functions stay plain Python to whoever calls them from Python, who may hand them integers of any length, and are compiled
where compiled code calls them: one formula for the game's floats and for a contract's fixed point.
Numba's cache looks only at the file of the outermost function, so `stale` clears what an edit elsewhere has made out of date.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher
from numba.extending import register_jitable

F = TypeVar("F", bound=Callable[..., Any])
ASK = "UNDERTOW_ASK"  # in the environment: every call of a `steady` function is asked of its arguments' types
_UNCOUNTED: Any = {"_nrt": False}  # Numba's own name for it, as in its `register_jitable`; its type stubs leave it out


def compiled(function: F) -> F:
    """Compile `function`, which makes no array, and cache it on disk; division follows IEEE rules, so that loops vectorise.

    Numba refuses one that does make an array: without its run-time there is nobody to free it.
    """
    return cast(F, njit(cache=True, error_model="numpy", **_UNCOUNTED)(function))


def making(function: F) -> F:
    """As `compiled`, of a function that makes arrays: to return them, or to work in."""
    return cast(F, njit(cache=True, error_model="numpy")(function))


def steady(function: F) -> F:
    """As `compiled`, of a function that only Python calls, and always with arguments of the same types.

    What their types are is found out at the first call. An array of another kind or layout would be misread later on, and a
    fraction cut where a whole number was: not for arrays that a user's rule or role may have made, such as the order of a block
    or amounts to be moved. Tests set UNDERTOW_ASK, under which each call is asked, and a change is a TypeError.
    """
    loop: Any = compiled(function)
    if not isinstance(loop, Dispatcher):
        return function
    handle: Any = partial(loop)

    def first(*arguments: Any) -> Any:
        result = loop(*arguments)
        version: Any = loop.overloads[loop.signatures[0]]
        handle.__setstate__((version.entry_point, (), {}, {"loop": loop}))
        return result

    def asked(*arguments: Any) -> Any:
        result = loop(*arguments)
        if len(loop.signatures) > 1:
            kinds = " and ".join(map(str, loop.signatures))
            raise TypeError(f"{function.__qualname__} is steady, and was called with {kinds}")
        return result

    handle.__setstate__((asked if ASK in os.environ else first, (), {}, {"loop": loop}))
    return cast(F, handle)


def inner(function: F) -> F:
    """Make `function` a part of whatever compiled function calls it."""
    return cast(F, njit(error_model="numpy", inline="always")(function))


def shared(function: F) -> F:
    """Leave `function` as it is for Python, and compile it where compiled code calls it.

    By LLVM's judgement, not Numba's: made a part of its caller as `inner` functions are, a function that branches on what is an
    integer left another variable of a filling loop with a number that nobody had put there (Numba 0.68).
    """
    register_jitable(error_model="numpy")(function)
    return function


def stale(*folders: Path) -> int:
    """Remove compiled caches older than the newest source below `folders`; returns how many went."""
    sources = [path.stat().st_mtime for folder in folders for path in folder.rglob("*.py")]
    caches = [path for folder in folders for path in folder.rglob("*.nb[ic]")]
    gone = [path for path in caches if path.stat().st_mtime < max(sources, default=0.0)]
    if gone:  # an index and its data files go together
        for path in caches:
            path.unlink(missing_ok=True)
    return len(gone)


@inner
def unsigned(place: int) -> Any:
    """A place in an array that is known not to lie below zero, so that compiled code need not ask whether it counts from the end.

    For indexing alone: with signed integers it would make floats. It took half of adding up flows.
    """
    return np.uint64(place)
