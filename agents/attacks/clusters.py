"""Where forced sales wait: the index at which each public position falls below maintenance.

Everything in it can be read off the chain. Exact for an account whose other positions stand still.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.view import View
from protocol.ledger import WORLD, Floats, Ints
from protocol.liquidations.base import Liquidation
from protocol.liquidations.full import Full
from protocol.liquidations.routes import ThroughVenue
from protocol.margins.base import Threshold
from protocol.state import Listing


class Cluster(NamedTuple):
    """Positions of players, those that fall first in front. Shapes [n]."""

    account: Ints
    size: Floats  # base coins, not signed
    at: Floats  # index at which the account is below maintenance, cash coins

    def within(self, index: Floats, side: int) -> Ints:
        """How many of them an index pushed down (`side` -1) or up (1) to each of `index` reaches. Shape of `index`."""
        found: Ints = np.searchsorted(side * self.at, side * index, side="right")
        return found


def cluster(view: View, listing: Listing, side: int, index: float, but: int) -> Cluster:
    """The longs (`side` -1: who falls when the index does) or shorts (1) that stand now, without account `but`.

    With e the excess over maintenance at index I, q coins and r the maintenance rate, a long falls at I - e / (q (1 - r)), a
    short at I + e / (q (1 + r)).
    """
    state, house = view.state, listing.house
    margin = state.exchange(house).margin
    worth, needs = margin.standings(state, house, Threshold.MAINTENANCE)
    held = state.ledger.balance[listing.size] / listing.size_scale
    mine = (held * side < 0) & (state.ledger.exchange < 0) & (worth > needs)
    mine[[WORLD, but]] = False
    who = np.flatnonzero(mine).astype(np.int64)
    share, slope = margin.rate(state, listing, Threshold.MAINTENANCE)
    size = np.abs(held[who])
    at = index + side * (worth - needs)[who] / (size * (1.0 + side * (share + slope * size)))
    order = np.argsort(side * at, kind="stable")
    return Cluster(who[order], size[order], at[order])


def sells_on_venue(rule: Liquidation) -> bool:
    """Whether this rule, or one it stands behind, lets a forced sale go through the market's own venue."""
    inner = getattr(rule, "inner", None)
    if isinstance(inner, Liquidation):
        return sells_on_venue(inner)
    return isinstance(rule, Full) or any(isinstance(route, ThroughVenue) for route in getattr(rule, "routes", ()))
