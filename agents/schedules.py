"""Demand schedules: what somebody wants to hold at each price, sent to an auction as the limit orders that say so.

Demand must not rise with the price; at any clearing price on the grid exactly the demand of there is then held.
"""

from __future__ import annotations

import numpy as np

from agents.player import Player
from agents.view import View
from protocol.ledger import Floats
from protocol.mempool import Orders, orders
from protocol.state import Listing

NEAR, FAR = 0.05, 0.6  # log prices on either side of the last: how far the fine grid goes, and the coarse one


def grid(price: float, fine: float, coarse: float) -> Floats:
    """Prices around one, rising: in steps of `fine` near it and `coarse` further out, both of the log."""
    near, far = np.arange(0.0, NEAR, fine), np.arange(NEAR, FAR, coarse)
    steps = np.concatenate((near, far))
    found: Floats = price * np.exp(np.concatenate((-steps[:0:-1], steps)))
    return found


def schedule(me: Player, view: View, listing: Listing, prices: Floats, wanted: Floats, held: int) -> Orders | None:
    """Orders that take it from `held` units to what is `wanted` (units, not rising) at the price. None: nothing to trade.

    Buys at a price what is wanted there beyond what is wanted at the next; sells likewise. What is sold at any price is asked
    at the lowest.
    """
    sizes = np.floor(wanted).astype(np.int64)
    long = np.maximum(sizes - held, 0)  # bought at this price in all
    short = np.maximum(held - sizes, 0)
    bids = long - np.append(long[1:], 0)
    asks = short - np.append(0, short[:-1])
    size = np.concatenate((bids, -asks))
    sent = np.flatnonzero(size)
    if not len(sent):
        return None
    limit = np.concatenate((prices, prices))[sent]
    account = np.full(len(sent), me.account)
    return orders(listing, account, size[sent], limit, me.role.tip, view.arrival, view.seal)
