"""A range as one writes it on a command line, NAME=LOW:HIGH[:SCALE], and what may be wrong with several of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from experiments.axes.base import Bound
from experiments.shapes import Mistakes


def bound_of(text: str, path: str, name: str, form: str, scales: Sequence[str], usual: str = "linear") -> Bound:
    """The range that a text gives a path; `usual` is its scale where it says none. Raises Mistakes.

    `form`: what stands for NAME in the line that says how it should have been written; `scales`: those that may be said.
    """
    low, _, tail = text.partition("=")[2].partition(":")
    high, _, scale = tail.partition(":")
    said = [f":{one}" for one in scales]
    usage = f"must be {form}=LOW:HIGH, with {' or '.join(filter(None, [', '.join(said[:-1]), said[-1]]))} if you like"
    on: Any = scale or usual
    try:
        if scale and scale not in scales:
            raise ValueError(f"no such scale: {scale}")
        return Bound(path, float(low), float(high), on, name)
    except ValueError as error:
        lines = [line if "low" in line else usage for line in str(error).splitlines()]
        raise Mistakes(f"--over {text}: {line}" for line in dict.fromkeys(lines)) from None


def mistaken(bounds: Sequence[Bound], put: Callable[[Bound, float], object]) -> list[str]:
    """A line for each path that is given twice, and for each end of a range that cannot be `put` there."""
    paths = [bound.path for bound in bounds]
    wrong = [f"--over {path}: given twice" for path in sorted({one for one in paths if paths.count(one) > 1})]
    for bound in bounds:
        for end in (bound.low, bound.high):
            try:
                put(bound, int(end) if bound.counted else end)
            except Mistakes as mistakes:
                wrong += [f"--over {bound.column}={bound.low:g}:{bound.high:g}: {line}" for line in mistakes.lines]
    return list(dict.fromkeys(wrong))
