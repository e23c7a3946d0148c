"""Getting round a transaction that waits: what attacks on ordering share. Not an attack itself.

A price for a place is what such an attack lives on, and that others' transactions can be read. Fees just above and just below
the victim's put one's own before and after it, as long as nobody bids in between. Money stays in the wallet until there is
something to attack: what lies in a till shares its losses.
"""

from __future__ import annotations

import numpy as np

from agents.player import Player
from agents.view import View
from protocol.mempool import Waiting
from protocol.orderings.base import Ordering
from protocol.state import Listing, State
from protocol.transactions import Bundle, Deposit, Trade, Transaction

HAIR = 1e-6  # relative: by how much a fee is above or below another


def sells_place(ordering: Ordering) -> bool:
    """Whether a higher fee comes first, though it came later."""
    return int(ordering.rank(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0)[0]) == 1


def closed(state: State, listing: Listing) -> str:
    """Why nobody can get in front of what waits for this market's chain; '' where one can."""
    ordering = state.rules.chains[listing.house.chain].ordering
    if not ordering.public:
        return "nobody can read what waits"
    return "" if sells_place(ordering) else "no fee buys the place before another"


def before(tip: float) -> float:
    """A fee that comes just before one of `tip`."""
    return tip * (1.0 + HAIR) + 1e-15


def after(tip: float) -> float:
    """A fee that comes just after one of `tip` that came earlier."""
    return tip * (1.0 - HAIR)


def trades(waiting: Waiting, listing: Listing, me: int) -> list[tuple[Trade, float]]:
    """Others' plain orders in a market, largest first, each with its fee."""
    found = [
        (item.transaction, item.tip)
        for item in waiting.singles
        if isinstance(item.transaction, Trade) and item.transaction.listing == listing
    ]
    for row in waiting.rows[waiting.rows["market"] == listing.number]:
        order = Trade(listing, int(row["account"]), int(row["size"]), float(row["limit"]))
        found.append((order, float(row["tip"])))
    return sorted((one for one in found if one[0].account != me), key=lambda one: -abs(one[0].size))


def fees(view: View, listing: Listing, notional: float) -> float:
    """What the market charges on top of the venue's price, cash coins; pools of tokens have their fee inside it."""
    return 0.0 if listing.size < 0 else view.state.market(listing).fee * notional


def position(view: View, me: Player, listing: Listing, base: float) -> int:
    """Units held beyond what it came with (`base` coins of tokens; no position)."""
    if listing.size >= 0:
        return view.balance(listing.size, me.account)
    return view.balance(listing.base, me.account) - int(base * listing.size_scale)


def money(view: View, me: Player, listing: Listing) -> float:
    """Cash coins in wallet and till."""
    house = listing.house
    return (view.balance(house.token, me.account) + max(0, view.balance(house.cash, me.account))) / house.cash_scale


def funded(me: Player, view: View, listing: Listing, share: float, order: Transaction) -> Transaction:
    """`order`, and before it a deposit of `share` of the wallet where the market needs margin and none has been put up yet."""
    house = listing.house
    units = int(share * view.balance(house.token, me.account))
    if listing.size < 0 or units <= 0 or view.balance(house.cash, me.account) > 0:
        return order
    parts = order.transactions if isinstance(order, Bundle) else (order,)
    return Bundle(me.account, (Deposit(house, me.account, units), *parts))
