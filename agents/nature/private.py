"""Private signals: what some are let know of the price to come, each with an error of its own.

This is the one door from nature's price to players, and only a role that says how far ahead it knows, and how wrong it is, goes
through it (`agents/crowds/informed.py`). A signal is log fair at `ahead` ticks from now plus a normal error from the owner's own
stream, so that asking twice tells nothing more, and a signal of a large error tells nothing at all. In the place of Kyle's
insider (1985, "Continuous auctions and insider trading", Econometrica 53(6)) stand many, each of whom is right more or less.
"""

from __future__ import annotations

import math

import numpy as np

from agents.streams import normal_at
from protocol.compiled import making
from protocol.ledger import Floats

_SLACK = 1e-9  # ticks: how far apart two equal times may be


@making
def signals(key: np.uint64, moment: int, path: Floats, now: float, ahead: Floats, noise: Floats) -> Floats:
    """Log prices on `path` [ticks], `ahead` ticks after `now`, with errors of standard deviation `noise`. Shapes [n].

    `moment` is the tick of the errors' dice. Beyond the path's end its last price is all that is to come.
    """
    found = np.empty(len(ahead))
    for member in range(len(ahead)):
        tick = min(max(int(now + ahead[member] + _SLACK), 0), len(path) - 1)
        found[member] = math.log(path[tick]) + noise[member] * normal_at(key, moment, member)
    return found
