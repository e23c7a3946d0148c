"""Oracle reports, and the end of a block."""

from __future__ import annotations

import numpy as np

from protocol.appraisal import seal_prices
from protocol.exchange.batches import Cleared, clear_auctions
from protocol.exchange.delayed import execute_requests
from protocol.exchange.exits import pay_exits
from protocol.exchange.settlement import close_dated
from protocol.instruments.base import NEVER
from protocol.ledger import Reason
from protocol.limits.base import observe_limits
from protocol.oracles.base import Report, read_index
from protocol.state import EVERY, Listing, State
from protocol.vesting import ripen


def report(state: State, listing: Listing, posted: Report) -> None:
    """Hand a report to the market's oracle. Raises ReportRejected."""
    state.market(listing).oracle.accept(state, listing, listing.path + ".oracle", posted)


def close_block(state: State, chain: int = EVERY) -> tuple[Cleared, ...]:
    """What each exchange of a chain does once a block is sealed: what waited is cleared, oracles look, funding accrues.

    What waits for an auction, or for a new index. The expired settle, exits from the vault that are due are paid, margins look, and
    profit vests; last, what exchanges take of one another is given its worth for the block to come.
    Returns what became of the orders that waited.
    """
    cleared = clear_auctions(state, chain) + execute_requests(state, chain)
    for house in state.houses_of(chain):
        listings, exchange = state.listings[house.index], state.rules.exchanges[house.index]
        dated = []
        for listing in listings:
            market = exchange.markets[listing.index]
            if not market.index:
                market.oracle.observe(state, listing, listing.path + ".oracle")
            _settle_due(state, listing)
            if market.instrument.expires() < NEVER:
                dated.append(listing)  # whose funding stays at zero
            elif listing.size >= 0:
                _accrue(state, listing)
        for listing in listings:
            observe_limits(state, listing)
        for listing in dated:  # once all oracles have looked
            close_dated(state, listing)
        pay_exits(state, house)
        exchange.margin.observe(state, house)
        ripen(state, house)
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


def _accrue(state: State, listing: Listing) -> None:
    index, before, since = state.tables[listing.path + ".funding"].tolist()
    elapsed = state.time - since
    market = state.market(listing)
    price, rule = market.instrument.price(state, listing, read_index(state, listing).value), market.funding
    after = rule.rate(state, listing, price, elapsed)
    index += rule.paid(before, after, elapsed) * price
    state.put(listing.path + ".funding", np.array([index, after, state.time]))
    rule.observe(state, listing, price)
