"""Publishers outside the chain: they sign what the reference venue's mid is, once a tick of nature, for whoever asks.

A report carries a confidence, the half-width within which its publisher thinks the price to be (Pyth whitepaper v2, 2023, takes it
from the dispersion of its sources). Here that follows volatility: what a standard deviation of the last minute's moves comes to
over `HORIZON` seconds, so that a band of confidence widens just when a stale report is worth most. Signed reports stay signed:
an old one is as good as a new one to an oracle that will have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from protocol.oracles.base import Report
from protocol.oracles.guarded import Guarded
from protocol.oracles.pull import Pull, sign
from protocol.state import Listing

if TYPE_CHECKING:
    from agents.game import Game
    from protocol.ledger import Floats

MEMORY = 60.0  # seconds of moves it looks at
HORIZON = 20.0  # seconds: 5 bp at a volatility of 63 % a root year
LEAST = 1e-4  # relative: no source is surer than that
USUAL = 5e-4  # relative, while there is too little to go by
ENOUGH = 8  # moves


def confidence(past: Floats, tick: float) -> float:
    """Relative half-width, of mids `tick` seconds apart, the oldest first. Shape [n]."""
    if len(past) <= ENOUGH:
        return USUAL
    moves = np.diff(np.log(past))
    return max(LEAST, float(np.sqrt(np.mean(moves**2) / tick * HORIZON)))


def published(game: Game, listing: Listing, tick: int) -> Report | None:
    """The signed report that a publisher made of the reference mid at `tick`, if the market's oracle takes any."""
    oracle: Any = game.state.market(listing).oracle
    while isinstance(oracle, Guarded):
        oracle = oracle.inner
    if not isinstance(oracle, Pull) or tick < 0:
        return None
    column = game.column[game.state.market(listing).instrument.base]
    mids = game.mids[max(0, tick - round(MEMORY / game.tick)) : tick + 1, column]
    value, time = float(mids[-1]), tick * game.tick
    width = value * confidence(mids, game.tick)
    return Report(-1, value, time, width, sign(oracle.key, listing.name, value, time, width))
