"""One price for a batch of orders: where what is wanted and what is offered cross, and who trades how much there.

Source: Budish, Cramton and Shim, *The High-Frequency Trading Arms Race* (2015, Quarterly Journal of Economics 130, 1547-1621),
section VII. Demand steps down and supply steps up with the price; they cross at one price, or along an interval, of which
the point nearest to a reference is taken (as exchanges' call auctions do; the paper takes the middle).
"""

from __future__ import annotations

import numpy as np

from protocol.ledger import Ints
from protocol.venues.ration import Ration


def crossing(ticks: Ints, size: Ints, reference: int) -> int | None:
    """The price, in ticks, at which a batch clears; None where nobody pays what anybody asks. Shapes [n].

    Equilibrium: demand at p covers the supply strictly below p, and supply at p covers the demand strictly above p.
    """
    bids, asks = size > 0, size < 0
    if not (bids.any() and asks.any()) or ticks[bids].max() < ticks[asks].min():
        return None
    prices, level = np.unique(ticks, return_inverse=True)
    at_price = np.zeros((2, len(prices)), np.int64)
    np.add.at(at_price, (asks.astype(np.int64), level), np.abs(size))
    wanted, offered = at_price[0, ::-1].cumsum()[::-1], at_price[1].cumsum()
    wanted_above, offered_below = np.append(wanted[1:], 0), np.append(0, offered[:-1])
    low = prices[np.argmax(offered >= wanted_above)]  # the lowest price that enough is offered at
    high = prices[len(prices) - 1 - np.argmax((wanted >= offered_below)[::-1])]  # the highest that enough is wanted at
    return int(min(max(reference, low), high))


def allot(ticks: Ints, size: Ints, price: int, ration: Ration) -> Ints:
    """What each order trades at `price`: the better limits first, and the last of them by the ration.

    Shapes [n], in order of arrival; sums to zero.
    """
    parts = np.zeros(len(size), np.int64)
    inside = {side: (size * side > 0) & ((price - ticks) * side <= 0) for side in (1, -1)}
    volume = min(abs(int(size[rows].sum())) for rows in inside.values())
    for side, rows in inside.items():
        queue = np.flatnonzero(rows)
        queue = queue[np.argsort(-side * ticks[queue], kind="stable")]
        units = np.abs(size[queue])
        whole = units.cumsum() <= volume
        parts[queue[whole]] = side * units[whole]
        if not whole.all():
            margin = ticks[queue] == ticks[queue[np.argmin(whole)]]
            left = volume - int(units[: np.argmax(margin)].sum())
            parts[queue[margin]] = side * ration.share(units[margin], left)
    return parts
