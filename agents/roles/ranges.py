"""What a provider does in a pool whose liquidity lies in ranges: a range around the mid, moved when the mid has left it.

A range earns only while the mid is in it, and is then sold off against whoever moves the price: what it holds once the mid
has left is all in the token that fell. To come in again it evens its wallet out on the reference venue first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol.state import Listing
from protocol.transactions import ProvideRange, RemoveRange
from protocol.venues.concentrated import ConcentratedPool, Held

if TYPE_CHECKING:
    from agents.roles.provider import Provider

UNEVEN = 0.1  # of its wallet: how much more of one token than of the other it puts up with


def own_range(view: View, listing: Listing, venue: ConcentratedPool, account: int) -> Held | None:
    """The account's first position in the pool, if it has any."""
    return next((one for one in venue.held(view.state, listing) if one.account == account), None)


def provide_around(
    role: Provider, me: Player, view: View, listing: Listing, venue: ConcentratedPool
) -> Iterable[Action]:
    """In when calm, out when it hurts, and after the mid when it has left the range."""
    memory = me.memory
    reference = view.reference(view.state.market(listing).instrument.base)
    held = own_range(view, listing, venue, me.account)
    if held is None:
        memory["entry"] = 0.0
        if memory["out"]:
            memory.update(out=False, back=view.time + role.calm)
        return _enter(role, me, view, listing, venue) if view.time >= memory["back"] else ()
    worth = held.base / listing.size_scale * reference + held.cash / listing.house.cash_scale
    if memory["entry"] == 0.0:
        memory["entry"] = worth
    tick = view.state.tables[listing.path + ".pool"].tick
    hurt, away = worth < (1.0 - role.pain) * memory["entry"], not held.low <= tick < held.high
    if not hurt and not away:
        return ()
    memory["out"] = hurt
    me.note(view, "provider leaves" if hurt else "provider follows", entry=memory["entry"], worth=worth)
    return (me.send(RemoveRange(listing, me.account, held.low, held.high, held.liquidity)),)


def _enter(role: Provider, me: Player, view: View, listing: Listing, venue: ConcentratedPool) -> Iterable[Action]:
    asset = view.state.market(listing).instrument.base
    base, cash = view.balance(listing.base, me.account), view.balance(listing.house.token, me.account)
    mid, reference = view.mid(listing), view.reference(asset)
    coins, money = base / listing.size_scale, cash / listing.house.cash_scale
    spare = 0.5 * (coins - money / reference)
    if abs(spare) * reference > UNEVEN * (coins * reference + money):
        return (ReferenceTrade(me.account, asset, -spare),)
    low, high = venue.span(mid / role.width, mid * role.width, listing)
    most = int(role.share * base), int(role.share * cash)
    if venue.liquidity_of(view.state, listing, low, high, *most) <= 0:
        return ()
    return (me.send(ProvideRange(listing, me.account, low, high, *most)),)
