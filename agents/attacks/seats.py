"""Where an attack sits: the pool that an index follows, and where what is pledged at that index is lent on."""

from __future__ import annotations

from protocol.instruments.option import Option
from protocol.state import Lender, Listing, Pledgeable, State
from protocol.venues.base import AT_ONCE
from protocol.venues.constant_product import ConstantProduct


def unhonoured(state: State, listing: Listing) -> str:
    """'' where a vault must take the other side at once, at whatever the index says; otherwise why none must."""
    market = state.market(listing)
    if market.venue.counterparty != "vault" or isinstance(market.instrument, Option):
        return "nobody here must honour an index"
    if market.venue.settles != AT_ONCE or market.venue.settlement() > 0.0:
        return "trades are settled at a later index"
    return ""


def reads(state: State, listing: Listing) -> Listing:
    """The market whose oracle makes this market's index."""
    name = state.market(listing).index
    return state.find(listing.house, name) if name else listing


def source(state: State, listing: Listing) -> Listing | None:
    """The constant product whose mid this market's index follows."""
    read = reads(state, listing)
    for name in state.market(read).oracle.sources():
        pool = state.find(read.house, name) if name else read
        if isinstance(state.market(pool).venue, ConstantProduct):
            return pool
    return None


def pool_of(state: State, listing: Listing) -> Listing | None:
    """The constant product whose trades move this market's index at once."""
    return source(state, listing) if state.market(reads(state, listing)).oracle.live else None


def seats(state: State, listing: Listing) -> tuple[Pledgeable, Lender] | None:
    """Where this market's base is pledged at an index that the same pool moves at once, and where its exchange lends cash."""
    house = listing.house
    pledge = next((one for one in state.pledges[house.index] if one.token == listing.base), None)
    lender = next((one for one in state.lenders[house.index] if one.token == house.token), None)
    prices = next(one for one in state.listings[house.index] if one.base == listing.base)  # see `token_price`
    pool = pool_of(state, prices)
    if pledge is None or lender is None or pool is None or pool != pool_of(state, listing):
        return None
    return pledge, lender
