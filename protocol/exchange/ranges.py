"""Liquidity in ranges of price: into a concentrated pool, and out with what it has earned.

A range is an account's own, so what one provider does changes nothing that another may take out. Fees earned are paid
whenever their position is touched; taking out nothing collects them.
"""

from __future__ import annotations

from protocol.errors import BadRange, InsufficientBalance, NothingToDo
from protocol.ledger import Reason
from protocol.state import Listing, State
from protocol.venues.concentrated import ConcentratedPool
from protocol.venues.tick_pool import EMPTY, Position, TickPool, is_idle, overdraws


def provide_range(state: State, listing: Listing, account: int, low: int, high: int, base: int, cash: int) -> int:
    """Tokens into a range of ticks, at most `base` and `cash` units, rounded up. Returns the liquidity they gave.

    Raises NothingToDo, BadRange, InsufficientBalance.
    """
    venue = _pool(state, listing, low, high)
    liquidity = venue.liquidity_of(state, listing, low, high, base, cash) if min(base, cash) >= 0 else 0
    if liquidity <= 0:
        raise NothingToDo(market=listing.name, base=base, cash=cash)

    pool: TickPool = state.tables[listing.path + ".pool"]
    needs = pool.needs(low, high, liquidity)
    fees = venue.change(state, listing, account, low, high, liquidity)

    _move(state, listing, account, (-needs[0], -needs[1]), Reason.LIQUIDITY)
    _move(state, listing, account, fees, Reason.FEE)
    return liquidity


def remove_range(state: State, listing: Listing, account: int, low: int, high: int, liquidity: int) -> tuple[int, int]:
    """Liquidity out of a range, and the fees it has earned, rounded down. Returns (base, cash) units.

    Raises NothingToDo, BadRange, InsufficientBalance.
    """
    venue = _pool(state, listing, low, high)
    position: Position = state.tables[listing.path + ".positions"].get((account, low, high), EMPTY)
    if liquidity < 0 or is_idle(position, -liquidity):
        raise NothingToDo(market=listing.name, account=account, low=low, high=high, liquidity=liquidity)
    if overdraws(position, -liquidity):
        raise InsufficientBalance(market=listing.name, has=position.liquidity, needs=liquidity)

    pool: TickPool = state.tables[listing.path + ".pool"]
    got = pool.yields(low, high, liquidity)
    fees = venue.change(state, listing, account, low, high, -liquidity)

    _move(state, listing, account, got, Reason.LIQUIDITY)
    _move(state, listing, account, fees, Reason.FEE)
    return got[0] + fees[0], got[1] + fees[1]


def _pool(state: State, listing: Listing, low: int, high: int) -> ConcentratedPool:
    venue = state.market(listing).venue
    if not isinstance(venue, ConcentratedPool):
        raise NothingToDo(market=listing.name, venue=type(venue).__name__)
    if not venue.is_range(low, high):
        raise BadRange(market=listing.name, low=low, high=high, spacing=venue.spacing)
    return venue


def _move(state: State, listing: Listing, account: int, units: tuple[int, int], reason: Reason) -> None:
    """(base, cash) units from the pool to an account; below 0, the other way."""
    for row, amount in zip((listing.base, listing.house.token), units, strict=True):
        src, dst = (listing.desk, account) if amount >= 0 else (account, listing.desk)
        state.ledger.move(row, src, dst, abs(amount), reason)
