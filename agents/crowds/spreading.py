"""A crowd on several markets of one base: one purse and one account a member, margin with each exchange, orders by its routing.

A member decides as on one market, by its position over all of them and their mean log mid; its `routing` then says how the order
is placed. One leg goes out as a plain order; several go out as one bundle, all or none. A position is closed where it stands, each
part by itself. Money is not moved between exchanges: what is lost on one is not refilled from another.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.crowds.decision import decide
from agents.player import Action, Send
from agents.quotes import Wanted, quotes
from agents.view import Outlook
from protocol.gas import GAS
from protocol.instruments.base import NEVER
from protocol.instruments.synthetic import Synthetic
from protocol.ledger import Floats, Ints
from protocol.margins.base import Threshold
from protocol.mempool import ORDER, Orders, Rows
from protocol.state import Listing
from protocol.transactions import Bundle, Trade
from protocol.world import Exchange, Market, World

if TYPE_CHECKING:
    from agents.crowds.base import Crowd, CrowdPlayer
    from agents.lost import Lost
    from agents.view import View

USED = 0.98  # of what margin carries: an order may slip a little


class Places(NamedTuple):
    """Where the members of such a crowd are. Shapes [members], and [members, markets]."""

    listings: tuple[Listing, ...]
    home: Ints
    ease: Floats
    shares: Floats  # of its margin, by market


class Leg(NamedTuple):
    """A part of an order."""

    order: int  # which of those that are wanted
    market: int
    size: int  # base units, signed


def paths(role: Crowd, world: World) -> list[str]:
    """The markets it trades on as EXCHANGE.MARKET: those named, or all that are like its own and on the same chain."""
    places = {f"{e.name}.{m.name}": (e, m) for e in world.exchanges for m in e.markets}
    if role.markets:
        return list(role.markets)
    exchange = next((e for e in world.exchanges if e.name == role.exchange), world.exchanges[0])
    own = next((m for m in exchange.markets if m.name == role.market), exchange.markets[0])
    return [path for path, (e, m) in places.items() if not _unlike((e, m), (exchange, own))]


def on_fewer(role: Crowd, lost: Lost) -> Crowd | None:
    """The crowd on those of its markets that a lost exchange leaves; with one left it needs no routing. None: none is left."""
    assert role.routing is not None
    before = paths(role, lost.before)
    homes = [path.rpartition(".") for path in before]
    kept = [k for k, (exchange, _, market) in enumerate(homes) if market in lost.left(exchange)]
    if not kept:
        return None
    home, _, market = homes[kept[0]]
    if len(kept) == 1:
        return replace(role, exchange=home, market=market, routing=None, markets=())
    shares = tuple(role.routing.homes[k] for k in kept) if role.routing.homes else ()
    markets = tuple(before[k] for k in kept)
    return replace(role, exchange=home, market=market, routing=replace(role.routing, homes=shares), markets=markets)


def misfits(role: Crowd, world: World) -> list[str]:
    """One line for each reason why a crowd cannot trade there."""
    if role.routing is None:
        return [f"markets = {role.markets}: of use only with a routing"] if role.markets else []
    places = {f"{e.name}.{m.name}": (e, m) for e in world.exchanges for m in e.markets}
    chosen = paths(role, world)
    wrong = [
        f"markets.{number} = {path!r}: there are {', '.join(places)}"
        for number, path in enumerate(chosen)
        if path not in places
    ]
    kind = type(role.routing).__name__
    if wrong:
        return wrong
    if len(set(chosen)) < 2 or len(set(chosen)) < len(chosen):
        wrong.append(f"markets = {', '.join(chosen)}: {kind} needs two of them or more, each once")
    homes = role.routing.homes
    if homes and len(homes) != len(chosen):
        wrong.append(f"routing.homes = {homes}: must be a share for each of {', '.join(chosen)}")
    first = places[chosen[0]]
    for path in chosen:
        lacks = _unlike(places[path], first) or _untradable(places[path][1])
        if lacks:
            wrong.append(f"markets = {path!r}: {lacks}")
    return wrong


def _untradable(market: Market) -> str:
    if market.instrument.expires() < NEVER:
        return f"{type(market.instrument).__name__} expires, and no other has its price"
    return "its token is minted" if isinstance(market.instrument, Synthetic) else ""


def _unlike(one: tuple[Exchange, Market], other: tuple[Exchange, Market]) -> str:
    """What keeps a trader from taking one market for the other; nothing: they are alike."""
    (exchange, market), (home, own) = one, other
    mine, theirs = market.instrument, own.instrument
    if mine.base != theirs.base or type(mine) is not type(theirs) or mine.decimals != theirs.decimals:
        return f"is a {type(mine).__name__} of {mine.base}, and {own.name} a {type(theirs).__name__} of {theirs.base}"
    if exchange.cash != home.cash:
        return f"is paid in {exchange.cash}, and {own.name} in {home.cash}"
    return f"is on {exchange.chain}, and {own.name} on {home.chain}" if exchange.chain != home.chain else ""


def orders(role: Crowd, me: CrowdPlayer, view: View) -> Iterable[Action]:
    """Everybody's orders for this block, by the crowd's routing."""
    places = me.places
    assert places is not None and role.routing is not None
    spot = me.seats.quote < 0
    mids = np.array([view.mid(listing) for listing in places.listings])
    own = places.shares @ np.log(mids)
    mid = float(np.exp(np.log(mids).mean()))
    outlook = Outlook(mid, math.log(mid), math.log(view.reference(me.base)) - math.log(mid))
    sight = role.look(me, view, outlook, own)
    held, cash = _holdings(me, view)
    both = np.vstack([held[0] if spot else held.sum(axis=0), cash.sum(axis=0)])
    seats = tuple(me.seats._replace(first=0, size=0, cash=1))
    rows = np.empty(role.count, ORDER)
    wants, ruined = decide(me.keys, seats, me.bare[1], sight, both, rows, 0, me.room)
    if ruined:
        role.bring_again(me, me.broke[:ruined])
    if not wants:
        return

    rows = rows[:wants]
    members = rows["account"].copy()
    rows["account"] += me.seats.first
    rows["limit"] = np.exp(own[members]) * (1.0 + np.sign(rows["size"]) * me.columns.patience[members])
    stands = (held[:, members] != 0).T & (not spot)
    plain = [Leg(row, at, -int(held[at, members[row]])) for row, at in np.argwhere(stands).tolist()]
    opened: dict[int, list[Leg]] = {}
    for leg in _opened(role, me, view, rows, members, ~stands.any(axis=1), mids, cash):
        opened.setdefault(leg.order, []).append(leg)
    plain += [legs[0] for legs in opened.values() if len(legs) == 1]
    if plain:
        sent = rows[[leg.order for leg in plain]]
        sent["market"] = [places.listings[leg.market].number for leg in plain]
        sent["size"] = [leg.size for leg in plain]
        yield Orders(sent)
    for order, legs in opened.items():
        if len(legs) > 1:
            account, limit = int(rows["account"][order]), float(rows["limit"][order])
            trades = tuple(Trade(places.listings[leg.market], account, leg.size, limit) for leg in legs)
            yield Send(Bundle(account, trades), role.tip, later=float(rows["arrival"][order]) - view.arrival)


def _holdings(me: CrowdPlayer, view: View) -> tuple[Ints, Ints]:
    """(position or tokens by market, cash units by exchange or in the wallet). Shapes [markets, members], [exchanges, members]."""
    assert me.places is not None
    balance, span = view.state.ledger.balance, slice(me.seats.first, me.seats.first + len(me.columns.stake))
    spot = me.seats.quote < 0
    held = np.array([balance[listing.base if spot else listing.size, span] for listing in me.places.listings])
    rows = dict.fromkeys(listing.house.token if spot else listing.house.cash for listing in me.places.listings)
    return held, np.array([balance[row, span] for row in rows])


def _opened(
    role: Crowd, me: CrowdPlayer, view: View, rows: Rows, members: Ints, fresh: Any, mids: Floats, cash: Ints
) -> Iterator[Leg]:
    """The legs of orders that open positions, or trade tokens: those that are `fresh`. Shapes [orders]."""
    places, routing = me.places, role.routing
    assert places is not None and routing is not None
    scale = places.listings[0].size_scale
    gas = np.array([GAS["Trade"] * (view.fee(listing) + role.tip) for listing in places.listings])
    for side in (1, -1):
        chosen = np.flatnonzero(fresh & (np.sign(rows["size"]) == side))
        if not len(chosen):
            continue
        who, size = members[chosen], np.abs(rows["size"][chosen]) / scale
        wanted = Wanted(size, places.home[who], places.ease[who], _room(me, view, who, mids, cash))
        placed = routing.route(wanted, quotes(view, places.listings, side, float(size.max()), gas))
        units = side * np.floor(placed * scale).astype(np.int64)
        for row, market in np.argwhere(units).tolist():
            yield Leg(int(chosen[row]), market, int(units[row, market]))


def _room(me: CrowdPlayer, view: View, members: Ints, mids: Floats, cash: Ints) -> Floats:
    """Base coins that each could open on each market with its cash there. Shape [orders, markets]."""
    assert me.places is not None
    room = np.full((len(members), len(mids)), np.inf)
    if me.seats.quote < 0:
        return room
    houses = [listing.house for listing in me.places.listings]
    row = {house: number for number, house in enumerate(dict.fromkeys(houses))}
    for at, listing in enumerate(me.places.listings):
        house = listing.house
        share, _ = view.state.exchange(house).margin.rate(view.state, listing, Threshold.INITIAL)
        most = np.minimum(me.columns.leverage[members], USED / (share + view.state.market(listing).fee))
        own = np.maximum(cash[row[house], members], 0) / house.cash_scale / houses.count(house)
        room[:, at] = most * own / mids[at]
    return room
