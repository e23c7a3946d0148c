"""Scales between a quantity (float, in whole coins) and money (int, in an asset's smallest unit).

Floats propose, integers dispose: every formula may use floats, and becomes money exactly once, here, rounded against the
caller (down what is received, up what is owed).
"""

from __future__ import annotations

import math
from typing import Annotated, Final

SECONDS_PER_DAY = 86_400.0
SECONDS_PER_YEAR = 365 * SECONDS_PER_DAY

SPAN: Final = (
    "seconds that a rule takes"  # what must pass before it has done what it does; no age allowed, no time on a clock
)
Seconds = Annotated[float, SPAN]
WholeSeconds = Annotated[int, SPAN]


def to_units_down(quantity: float, scale: int) -> int:
    """Smallest units of `quantity` whole coins, rounded towards minus infinity. `scale` is units per coin."""
    return math.floor(quantity * scale)
