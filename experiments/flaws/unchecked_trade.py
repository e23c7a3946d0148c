"""Margin is not asked for after a trade: one account pushes the price with money it does not have, another sells into it.

bZx, 15 February 2020: the check that a margin trade leaves its account solvent could be skipped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from experiments.flaws.base import Flaw, slow, spot, swapped
from protocol.clearing import Desk
from protocol.exchange import trading
from protocol.exchange.checks import desk_of
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class UncheckedTrade(Flaw):
    """A trade may leave any debt."""

    def sound(self) -> Exchange:
        """A virtual AMM marked by a slow index."""
        return Exchange(markets=(Market("perp", oracle=slow(), venue=VirtualAmm(liquidity=4e6)), spot()))

    @contextmanager
    def planted(self) -> Iterator[None]:
        """No least excess."""

        def unchecked(state: Any, listing: Any, interest: Any, least: float, fee: float, index: float) -> Desk:
            return desk_of(state, listing, interest, -math.inf, fee, index)

        with swapped(trading, "desk_of", unchecked), swapped(trading, "_standing_if_live", lambda *_: 0.0):
            yield
