"""Small worlds for the tests of the machine, and an index that says what it was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from protocol import exchange, laws
from protocol.blocks.fixed import Fixed
from protocol.bridge import Bridge
from protocol.errors import ReportRejected, Revert
from protocol.funding.unfunded import Unfunded
from protocol.genesis import genesis
from protocol.instruments.perpetual import Perpetual
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.liquidations.full import Full
from protocol.liquidations.partial import Partial
from protocol.opening import back_wrapped
from protocol.oracles.base import Oracle, Reading, Report, Status
from protocol.state import House, Listing, State
from protocol.vault import Vault
from protocol.venues.base import AT_THE_CLOSE, Venue
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.order_book import OrderBook
from protocol.world import Chain, Exchange, Market, World

CASH = 10**6  # units per cash coin
COIN = 10**8  # units per base coin
PRICE = 2_000.0


@dataclass(frozen=True)
class Told(Oracle):
    """The last report, stale after `max_age` seconds. A test's own: no variant of the family."""

    max_age: float = 600.0

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        state.put(at, (price, state.time))

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        value, time = state.tables[at]
        return Reading(value, time, 0.0, Status.FRESH if state.time - time <= self.max_age else Status.STALE)

    def accept(self, state: State, listing: Listing, at: str, report: Report) -> None:
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


def bridged(l1: Chain | None = None, l2: Chain | None = None, **changes: Any) -> tuple[State, list[int]]:
    """Two chains with a spot market each, the second one of what a bridge has issued; two traders on either, with 1,000 coins."""
    l1, l2 = l1 or Chain("l1"), l2 or Chain("l2", Fixed(2.0))
    here = exchange_for(name="here", chain="l1", markets=(market_for(ConstantProduct(), name="spot"),))
    there = market_for(ConstantProduct(), name="spot", instrument=Token(bridge="bridge"))
    rules = World((l1, l2), (here, exchange_for(name="there", chain="l2", markets=(there,))), (Bridge(**changes),))
    state = genesis(rules, {"ETH": PRICE})
    accounts = []
    for house, (listing,) in zip(state.houses, state.listings, strict=True):
        for account in range(first := state.ledger.open("traders", 2, chain=house.chain), first + 2):
            state.ledger.move(house.token, WORLD, account, 1_000_000 * CASH, Reason.GENESIS)
            state.ledger.move(listing.base, WORLD, account, 1_000 * COIN, Reason.GENESIS)
            accounts.append(account)
    back_wrapped(state)
    tell(state, PRICE)
    state.finalise()
    return state, accounts


def quote_book(state: State, listing: Listing, makers: list[int], levels: int = 10, size: int = 2 * COIN) -> None:
    """Rest orders around the index, where the venue is a book that needs them."""
    if isinstance(state.market(listing).venue, OrderBook):
        for number in range(levels):
            for side in (1, -1):
                maker = makers[number % len(makers)]
                exchange.post(state, listing, maker, side * size, PRICE * (1 - side * 0.001 * (number + 1)))


def only(state: State) -> tuple[House, Listing]:
    """The exchange and the first market of a small world."""
    return state.houses[0], state.listings[0][0]


@dataclass
class Witness:
    """Does deeds, undoes those that revert, judges each by the laws, and remembers what was reached."""

    state: State
    reached: dict[str, int] = field(default_factory=dict)

    def note(self, what: str) -> None:
        self.reached[what] = self.reached.get(what, 0) + 1

    def does(self, verb: Callable[..., Any], account: int, *arguments: Any) -> Any:
        """The outcome of a verb whose arguments are given whole, or the Revert. `account`: who is to answer for it."""
        before, mark = laws.snapshot(self.state), self.state.mark()
        try:
            outcome = verb(self.state, *arguments)
        except Revert as revert:
            self.state.rewind(mark)
            outcome = revert
            self.note(type(revert).__name__)
        else:
            self.note(verb.__name__)
        deed = laws.Deed(verb.__name__, account, isinstance(outcome, Revert))
        laws.check(self.state)
        laws.check_step(before, deed, self.state)
        return outcome
