"""Oracle reports, and the end of a block."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from protocol.appraisal import seal_prices, seals_prices
from protocol.exchange.batches import Cleared, clear_auctions
from protocol.exchange.delayed import execute_requests
from protocol.exchange.exits import pay_exits
from protocol.exchange.settlement import close_dated
from protocol.funding.base import Funding
from protocol.hooks import fills
from protocol.instruments.base import NEVER
from protocol.ledger import Reason
from protocol.limits.base import observe_limits
from protocol.margins.base import Margin
from protocol.oracles.base import Oracle, Report, read_index
from protocol.state import EVERY, House, Listing, State
from protocol.venues.base import AT_THE_CLOSE, Venue
from protocol.vesting import ripen
from protocol.world import Exchange, Market


def report(state: State, listing: Listing, posted: Report) -> None:
    """Hand a report to the market's oracle. Raises ReportRejected."""
    state.market(listing).oracle.accept(state, listing, listing.oracle_at, posted)


class _Open(NamedTuple):
    """What a market asks for at the end of a block, under the rules in force."""

    listing: Listing
    rules: Market
    looks: str  # path of its oracle; "": it has none of its own, or none that looks at blocks
    owes: bool  # whether its venue settles anything later
    funded: bool
    funding_looks: bool
    charged: bool  # whether its funding rule charges both sides
    limited: bool
    dated: bool


class _Closing(NamedTuple):
    """What an exchange does at the end of a block, under the rules in force."""

    house: House
    rules: Exchange
    markets: tuple[_Open, ...]
    limited: bool  # whether any of its markets is
    dated: bool
    margin_looks: bool


class _Closings(NamedTuple):
    """What the exchanges of a chain do at the end of a block, under the rules in force."""

    waits: bool  # whether orders wait on any of their venues
    seals: bool  # whether an exchange takes what another issues
    houses: tuple[_Closing, ...]


def _closings(state: State, chain: int) -> _Closings:
    houses = tuple(_closing(state, house) for house in state.houses_of(chain))
    waits = any(market.venue.settles == AT_THE_CLOSE for closing in houses for market in closing.rules.markets)
    return _Closings(waits, seals_prices(state, chain), houses)


def _closing(state: State, house: House) -> _Closing:
    rules = state.exchange(house)
    markets = []
    for listing, market in zip(state.listings[house.index], rules.markets, strict=True):
        looks = not market.index and fills(market.oracle, Oracle, "observe")
        dated = market.instrument.expires() < NEVER  # whose funding stays at zero
        markets.append(
            _Open(
                listing,
                market,
                listing.oracle_at if looks else "",
                fills(market.venue, Venue, "observe"),
                listing.size >= 0 and not dated,
                fills(market.funding, Funding, "observe"),
                listing.size >= 0 and not dated and fills(market.funding, Funding, "charges"),
                bool(market.limits),
                dated,
            )
        )
    limited, dated = any(market.limited for market in markets), any(market.dated for market in markets)
    return _Closing(house, rules, tuple(markets), limited, dated, fills(rules.margin, Margin, "observe"))


def close_block(state: State, chain: int = EVERY) -> tuple[Cleared, ...]:
    """What each exchange of a chain does once a block is sealed: what waited is cleared, oracles look, funding accrues.

    What waits for an auction, or for a new index. The expired settle, exits from the vault that are due are paid, margins look, and
    profit vests; last, what exchanges take of one another is given its worth for the block to come.
    Returns what became of the orders that waited.
    """
    cleared: tuple[Cleared, ...] = ()
    waits, seals, closings = state.settled(_closings, chain)
    if waits:
        cleared = clear_auctions(state, chain) + execute_requests(state, chain)
    for house, rules, markets, limited, dated, margin_looks in closings:
        for listing, market, looks, owes, funded, funding_looks, charged, _, _ in markets:
            if looks:
                market.oracle.observe(state, listing, looks)
            if owes:
                _settle_due(state, listing)
            if funded:
                price = _accrue(state, listing, market)
                if funding_looks:
                    market.funding.observe(state, listing, price)
                if charged:
                    _charge(state, listing, market)
        if limited:
            for one in markets:
                if one.limited:
                    observe_limits(state, one.listing)
        if dated:
            for one in markets:
                if one.dated:  # once all oracles have looked
                    close_dated(state, one.listing)
        if house.vault >= 0:
            pay_exits(state, house)
        if margin_looks:
            rules.margin.observe(state, house)
        if rules.vesting is not None:
            ripen(state, house)
    if seals:
        seal_prices(state, chain)
    return cleared


def _settle_due(state: State, listing: Listing) -> None:
    """Move what fills of the past owe, or are owed, by their venue's rule; of those who are gone only what is left of them."""
    due, house = state.market(listing).venue.observe(state, listing), listing.house
    if len(due.account) == 0:
        return
    account, each = np.unique(due.account, return_inverse=True)
    units = np.zeros(len(account), np.int64)
    np.add.at(units, each, due.units)
    rows = [other.size for other in state.listings[house.index] if other.size >= 0]
    gone = ~state.ledger.balance[rows][:, account].any(axis=0)
    left = np.maximum(state.ledger.balance[house.cash, account], 0)
    units[gone] = np.minimum(units, left)[gone]
    desk = np.full(len(units), listing.desk)
    for source, target, part in ((account, desk, np.maximum(units, 0)), (desk, account, np.maximum(-units, 0))):
        paid = part > 0
        state.ledger.move_many(house.cash, source[paid], target[paid], part[paid], Reason.RECLAIM)


def _charge(state: State, listing: Listing, market: Market) -> None:
    """Move what both sides owe the pool for what it keeps in reserve."""
    who, units = market.funding.charges(state, listing)
    desk = np.full(len(who), listing.desk)
    state.ledger.move_many(listing.house.cash, who[units > 0], desk[units > 0], units[units > 0], Reason.FEE)


def _accrue(state: State, listing: Listing, market: Market) -> float:
    """Let funding grow up to now; returns the price it is a share of, cash coins per base coin."""
    path, rule, now = listing.funding_at, market.funding, state.time
    index, before, since = state.tables[path].tolist()
    price = market.instrument.price(state, listing, read_index(state, listing).value)
    after = rule.rate(state, listing, price, now - since)
    index += rule.paid(before, after, now - since) * price
    state.put(path, np.array((index, after, now)))
    return price
