"""A bench for claims: one exchange without a chain or players, whose index says what it was told; verbs are called one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from protocol import exchange
from protocol.errors import ReportRejected
from protocol.funding.unfunded import Unfunded
from protocol.genesis import genesis
from protocol.instruments.perpetual import Perpetual
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.liquidations.full import Full
from protocol.liquidations.partial import Partial
from protocol.oracles.base import Oracle, Reading, Report, Status
from protocol.state import House, Listing, State
from protocol.vault import Vault
from protocol.venues.base import AT_THE_CLOSE, Venue
from protocol.world import Exchange, Market, World

CASH = 10**6  # units per cash coin
COIN = 10**8  # units per base coin
PRICE = 2_000.0


@dataclass(frozen=True)
class Told(Oracle):
    """The last report, stale after `max_age` seconds. A bench's own: no variant of the family."""

    max_age: float = 600.0

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """The price at genesis."""
        state.put(at, (price, state.time))

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """What it was told."""
        value, time = state.tables[at]
        return Reading(value, time, 0.0, Status.FRESH if state.time - time <= self.max_age else Status.STALE)

    def accept(self, state: State, listing: Listing, at: str, report: Report) -> None:
        """Anybody tells it."""
        if report.value <= 0 or not state.tables[at][1] <= report.time <= state.time:
            raise ReportRejected(reporter=report.reporter, market=listing.name)
        state.put(at, (report.value, report.time))


def tell(state: State, price: float, *listings: Listing) -> None:
    """Set the index of markets that listen to it (all of them by default)."""
    for listing in listings or [listing for house in state.listings for listing in house]:
        if isinstance(state.market(listing).oracle, Told):
            exchange.report(state, listing, Report(WORLD, price, state.time))


def market_for(venue: Venue, **changes: Any) -> Market:
    """A market that suits a venue, at a told index and without funding."""
    instrument = Perpetual() if venue.trades in ("claims", "both") else Token()
    return replace(Market(oracle=Told(), venue=venue, funding=Unfunded(), instrument=instrument), **changes)


def exchange_for(*venues: Venue, **changes: Any) -> Exchange:
    """An exchange with a market for each venue, called m0, m1, ..., and a vault if one of them needs it."""
    markets = tuple(market_for(venue, name=f"m{number}") for number, venue in enumerate(venues))
    vault = Vault() if any(venue.counterparty == "vault" for venue in venues) else None
    waits = any(venue.settles == AT_THE_CLOSE for venue in venues)
    liquidation = Partial() if waits else Full()  # no forced sale finds depth in an auction
    return replace(Exchange(), **{"markets": markets, "vault": vault, "liquidation": liquidation, **changes})


def open_world(
    rules: Exchange, traders: int = 4, cash: int = 1_000_000, stake: int = 100_000
) -> tuple[State, list[int]]:
    """A state and its traders' accounts: `cash` coins each, `stake` of them deposited, and base tokens of every kind."""
    state = genesis(World(exchanges=(rules,)), {market.instrument.base: PRICE for market in rules.markets})
    house = state.houses[0]
    first = state.ledger.open("traders", traders)
    accounts = list(range(first, first + traders))
    for account in accounts:
        state.ledger.move(house.token, WORLD, account, cash * CASH, Reason.GENESIS)
        if stake:
            exchange.deposit(state, house, account, stake * CASH)
        minted = {issue.listing.base for issue in state.issues[0]}  # nobody brings these
        for row in {listing.base for listing in state.listings[0] if listing.base >= 0} - minted:
            state.ledger.move(row, WORLD, account, 1_000 * COIN, Reason.GENESIS)
    tell(state, PRICE)
    state.finalise()
    return state, accounts


def only(state: State) -> tuple[House, Listing]:
    """The exchange and the first market of a small world."""
    return state.houses[0], state.listings[0][0]
