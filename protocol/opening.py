"""Where collateral, loan pools, synthetics, strategies and bridges live: their seats in the ledger, and what they open with.

Rows are named after what they are claims on; each loan pool has an account of its own, a synthetic is owed to custody. The
tokens that a synthetic's pool opens with are owed by the founders, so that nothing is there that nobody owes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from protocol.appraisal import Collateral
from protocol.instruments.base import Instrument
from protocol.instruments.synthetic import Synthetic
from protocol.issuing import SEED_RATIO, IssueBook
from protocol.ledger import WORLD, Ledger, Reason
from protocol.lending import RAY, Book, LoanPool
from protocol.state import House, Issue, Lender, Listing, Mandate, Pledgeable, Span, State
from protocol.strategies.base import BEFORE, Strategy
from protocol.units import to_units_down

if TYPE_CHECKING:
    from protocol.world import World

SHARE_DECIMALS = 9  # a share starts at a thousandth of a cash coin's unit: virtual shares need the room


def open_pledges(ledger: Ledger, house: House, collateral: Sequence[Collateral]) -> tuple[Pledgeable, ...]:
    """A seat for each kind of collateral."""
    found = []
    for index, rule in enumerate(collateral):
        token, claim = ledger.row[rule.token], ledger.row[f"{house.name}.{rule.token}.pledged"]
        found.append(Pledgeable(house, index, rule.token, token, claim, float(ledger.assets[token].scale)))
    return tuple(found)


def open_lenders(ledger: Ledger, house: House, loans: Sequence[LoanPool]) -> tuple[Lender, ...]:
    """A seat, and an account, for each loan pool."""
    found = []
    for index, rule in enumerate(loans):
        name, token = f"{house.name}.{rule.asset}", ledger.row[rule.asset]
        found.append(
            Lender(
                house=house,
                index=index,
                name=rule.asset,
                path=f"{name}.loans",
                token=token,
                share=ledger.row[f"{name}.supply"],
                debt=ledger.row[f"{name}.debt"],
                account=ledger.open(f"{house.prefix}lender", exchange=house.index, chain=house.chain),
                scale=float(ledger.assets[token].scale),
                virtual=10 ** (SHARE_DECIMALS - ledger.assets[token].decimals),
            )
        )
    return tuple(found)


def open_issues(ledger: Ledger, markets: Sequence[Listing], instruments: Sequence[Instrument]) -> tuple[Issue, ...]:
    """A seat for each synthetic."""
    found = []
    for listing, instrument in zip(markets, instruments, strict=True):
        if isinstance(instrument, Synthetic):
            token, name = ledger.row[instrument.collateral], listing.path
            locked, debt = ledger.row[f"{name}.locked"], ledger.row[f"{name}.debt"]
            found.append(Issue(listing, f"{name}.issue", token, locked, debt, float(ledger.assets[token].scale)))
    return tuple(found)


def seed_issue(state: State, issue: Issue, account: int, units: int, prices: Mapping[str, float]) -> None:
    """The position behind the tokens that a synthetic's pool opens with."""
    ledger, listing, house = state.ledger, issue.listing, issue.listing.house
    rules = state.exchange(house)
    worth = {market.instrument.token: prices[market.instrument.base] for market in rules.markets} | {rules.cash: 1.0}
    coins = SEED_RATIO * units / listing.size_scale * prices[state.market(listing).instrument.base]
    locked = to_units_down(coins / worth[ledger.assets[issue.token].name], int(issue.scale))
    ledger.move(issue.token, WORLD, house.custody, locked, Reason.GENESIS)
    ledger.move(issue.locked, house.custody, account, locked, Reason.GENESIS)
    ledger.move(issue.debt, account, house.custody, units, Reason.GENESIS)
    state.put(issue.path, IssueBook(RAY, state.time, 0))


def fund_lender(state: State, lender: Lender, rules: LoanPool) -> None:
    """What the founders have supplied, and the table."""
    ledger, units = state.ledger, to_units_down(rules.liquidity, int(lender.scale))
    ledger.move(lender.token, WORLD, lender.account, units, Reason.GENESIS)
    founders = ledger.open(f"{lender.house.prefix}founders", chain=lender.house.chain)
    ledger.move(lender.share, WORLD, founders, units * lender.virtual, Reason.GENESIS)
    state.put(lender.path, Book(RAY, rules.rate.yearly(0.0), state.time, units, 0, 0))


def open_mandates(ledger: Ledger, house: House, strategies: Sequence[Strategy]) -> tuple[Mandate, ...]:
    """A seat for each strategy, and an account that is a trader's like any other."""
    found = []
    for index, rule in enumerate(strategies):
        path = f"{house.name}.{rule.name}"
        account = ledger.open(house.prefix + rule.name, chain=house.chain)
        found.append(Mandate(house, index, rule.name, path, ledger.row[f"{path}.share"], account))
    return tuple(found)


def fund_mandate(state: State, mandate: Mandate, rule: Strategy) -> None:
    """What the founders have in it, and the table: no epoch yet."""
    house, ledger = mandate.house, state.ledger
    units = to_units_down(rule.liquidity, int(house.cash_scale))
    ledger.move(house.token, WORLD, house.custody, units, Reason.GENESIS)
    ledger.move(house.cash, house.custody, mandate.account, units, Reason.GENESIS)
    shares = units * 10**SHARE_DECIMALS // int(house.cash_scale)
    ledger.move(mandate.share, WORLD, ledger.open(f"{house.prefix}founders", chain=house.chain), shares, Reason.GENESIS)
    state.put(mandate.path, BEFORE)


def open_spans(ledger: Ledger, world: World) -> tuple[Span, ...]:
    """A seat for each bridge: escrow on the source chain, and on both an account for halves of deals and margin of legs."""
    chains = {chain.name: number for number, chain in enumerate(world.chains)}
    homes = {chains[e.chain]: number for number, e in reversed(list(enumerate(world.exchanges)))}
    found = []
    for index, bridge in enumerate(world.bridges):
        ends = chains[bridge.source], chains[bridge.target]
        escrow = ledger.open("bridge", exchange=homes[ends[0]], chain=ends[0])
        boxes = tuple(ledger.open("deals", exchange=homes[end], chain=end) for end in ends)
        token, wrapped = ledger.row[bridge.token], ledger.row[bridge.wrapped]
        path, scale = f"bridge.{bridge.name}", float(ledger.assets[token].scale)
        found.append(Span(index, bridge.name, path, *ends, token, wrapped, escrow, (boxes[0], boxes[1]), scale))
    return tuple(found)


def start_spans(state: State) -> None:
    """Each bridge's tables: one of a kind for either chain, so that none is written from two."""
    for span in state.spans:
        for chain in (span.source, span.target):
            for what in ("sent", "carried", "deals", "legs"):
                state.put(f"{span.path}.{what}.{chain}", {})


def back_wrapped(state: State) -> None:
    """What is wrapped at the start has crossed before: as much lies in escrow."""
    for span in state.spans:
        units = -int(state.ledger.balance[span.wrapped, WORLD]) - int(state.ledger.balance[span.token, span.escrow])
        state.ledger.move(span.token, WORLD, span.escrow, units, Reason.GENESIS)
