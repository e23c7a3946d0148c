"""Other people's money: a few residents who use whatever a world offers, at prices that stand still, and stay.

What they leave in it is what a flaw lets somebody take. Every position is opened with its opposite, so that venues stand at their
mids and nothing is earned by waiting for them to come back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from agents.probing import sizes
from agents.probing.stage import Stage, attempt, enter
from agents.roles.reporter import innermost
from protocol import exchange
from protocol.appraisal import token_price
from protocol.ledger import WORLD, Reason
from protocol.oracles.median import ACCOUNT, Median
from protocol.state import House, Listing, State
from protocol.units import to_units_down
from protocol.venues.base import AT_THE_CLOSE
from protocol.venues.concentrated import ConcentratedPool

PARTS = 5  # residents of each world; what each does in an exchange uses a tenth of its wealth a time
QUOTES = (0.001, 0.002, 0.005, 0.01)  # relative distance from the mark


def settle(state: State, prices: Mapping[str, float], wealth: float) -> tuple[int, ...]:
    """Open the residents' accounts, each with `wealth` cash coins and as much in every token, and let them do as people do."""
    accounts = enter(state, PARTS, wealth, prices, "residents")
    long, short, provider, borrower, minter = accounts
    _report_for(state, accounts)
    _admit(state, accounts)
    part = 0.1 * wealth
    for house in state.houses:
        units = to_units_down(part, int(house.cash_scale))
        for account in (long, short, provider):
            attempt(state, exchange.deposit, house, account, units)
        attempt(state, exchange.invest, house, provider, units)
        _lend(state, house, provider, borrower, part)
        _mint(state, house, minter)
        for listing in state.listings[house.index]:
            _quote(state, listing, provider, part)
            _trade(state, listing, long, short, part)
    return accounts


def _report_for(state: State, accounts: tuple[int, ...]) -> None:
    """Where reporters' slots are free, residents fill them."""
    for listing in state.markets:
        if state.market(listing).index:
            continue
        oracle, at = innermost(state, listing)
        if isinstance(oracle, Median):
            for account in accounts:
                if (state.tables[at][:, ACCOUNT] < 0).any():
                    oracle.register(state, listing, at, account)


def _admit(state: State, accounts: tuple[int, ...]) -> None:
    """Residents hold the credentials that gates ask for; whoever searches does not."""
    names = {name for listing in state.markets for name in state.market(listing).access.credentials()}
    for house in state.houses:
        rules = state.exchange(house).vault
        names |= set(rules.access.credentials()) if rules is not None else set()
    for name in sorted(names):
        for account in accounts:
            state.ledger.move(state.ledger.row[name], WORLD, account, 1, Reason.CREDENTIAL)


def _lend(state: State, house: House, supplier: int, borrower: int, part: float) -> None:
    """One supplies each asset that is lent, another pledges what it can and borrows half of what that carries."""
    balance = state.ledger.balance
    for lender in state.lenders[house.index]:
        attempt(state, exchange.supply, lender, supplier, int(balance[lender.token, supplier]) // 10)
    for seat in state.pledges[house.index]:
        attempt(state, exchange.pledge, seat, borrower, int(balance[seat.token, borrower]) // 10)
    for lender in state.lenders[house.index]:
        free = 0.5 * max(0.0, min(sizes.excess(state, house, borrower), part)) / len(state.lenders[house.index])
        price = token_price(state, house, lender.token).value
        attempt(state, exchange.borrow, lender, borrower, math.floor(free / price * lender.scale))


def _mint(state: State, house: House, minter: int) -> None:
    """Synthetics minted at twice the collateral that they need."""
    for issue in state.issues[house.index]:
        attempt(state, exchange.lock, issue, minter, int(state.ledger.balance[issue.token, minter]) // 2)
        room = sizes.amount(state, "Mint", issue, minter, 0, 0.5)
        attempt(state, exchange.mint, issue, minter, room)


def _quote(state: State, listing: Listing, provider: int, part: float) -> None:
    """Liquidity where a venue takes any: quotes on a book, shares of a pool, a range."""
    venue, price = state.market(listing).venue, sizes.price_of(state, listing)
    units = to_units_down(part / price / len(QUOTES), int(listing.size_scale))
    if venue.counterparty == "makers" and venue.settles != AT_THE_CLOSE:
        for away in QUOTES:
            for side in (1, -1):
                attempt(state, exchange.post, listing, provider, side * units, price * (1.0 - side * away))
    elif isinstance(venue, ConcentratedPool):
        low, high = venue.span(price / 1.05, price * 1.05, listing)
        cash = to_units_down(part, int(listing.house.cash_scale))
        attempt(state, exchange.provide_range, listing, provider, low, high, units, cash)
    elif listing.size < 0:
        attempt(state, exchange.provide, listing, provider, to_units_down(part, int(listing.house.cash_scale)))


def _trade(state: State, listing: Listing, long: int, short: int, part: float) -> None:
    """One long, one short, of one size."""
    if listing.size < 0:
        return
    units = to_units_down(0.5 * part / sizes.price_of(state, listing), int(listing.size_scale))
    mark = state.mark()
    if not (
        attempt(state, exchange.trade, listing, long, units) and attempt(state, exchange.trade, listing, short, -units)
    ):
        state.rewind(mark)


def deposit_half(state: State, account: int) -> None:
    """Half of the cash as margin, the same in every exchange that takes it."""
    homes: dict[int, list[House]] = {}
    for house in state.houses:
        homes.setdefault(house.token, []).append(house)
    for token, houses in homes.items():
        units = int(state.ledger.balance[token, account]) // (2 * len(houses))
        for house in houses:
            attempt(state, exchange.deposit, house, account, units)


def stage_of(
    state: State,
    prices: Mapping[str, float],
    *,
    accounts: int,
    capital: float,
    wealth: float,
    interval: float,
    brings: float,
) -> Stage:
    """A stage with residents on it, a stranger who `brings` money every block, and `accounts` for the searcher.

    The searcher has `capital` cash coins in all, half of them deposited as margin, and as much again in every token.
    """
    others = settle(state, prices, wealth)
    own = enter(state, accounts, capital / accounts, prices, "prober")
    for account in own:
        deposit_half(state, account)
    newcomer = enter(state, 1, 1_000.0 * brings, prices, "newcomers")[0]
    quiet = Stage(state, own, others, prices, interval)
    for _ in range(2):  # oracles have looked at what the residents did
        quiet.seal()
    state.finalise()
    return Stage(state, own, others, prices, interval, newcomer, brings)
