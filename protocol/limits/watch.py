"""What breakers watch: how far the index has moved within a window, and until when that counts."""

from __future__ import annotations

import math
from typing import NamedTuple


class Watch(NamedTuple):
    """What a breaker remembers."""

    seen: tuple[tuple[float, float], ...]  # (seconds, index) of the last window
    until: float  # seconds: halted before


def watched(watch: Watch, now: float, index: float, bound: float, window: float, pause: float) -> Watch:
    """The watch after a block at `now`: halted for `pause` seconds if `index` is further than `bound` from any of the window's."""
    seen = (*(one for one in watch.seen if one[0] >= now - window), (now, index))
    values = [value for _, value in seen]
    if now >= watch.until and max(max(values) / index, index / min(values)) - 1.0 > bound:
        return Watch(((now, index),), now + pause)  # what led to this halt leads to no other
    return Watch(seen, watch.until)


def check_breaker(bound: float, window: float, pause: float) -> None:
    """Raise ValueError, a line a mistake, for a breaker that never ends or never begins."""
    wrong = [] if bound > 0 else [f"bound = {bound}: must be above 0, a share of the index"]
    for name, value in (("window", window), ("pause", pause)):
        if not 0 < value < math.inf:
            wrong.append(f"{name} = {value}: must be above 0 seconds, and finite")
    if wrong:
        raise ValueError("\n".join(wrong))
