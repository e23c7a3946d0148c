"""What must hold of every state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from protocol.exchange.bearing import is_flat
from protocol.instruments.base import NEVER
from protocol.instruments.settling import outcome
from protocol.laws.of_bridges import bridges_add_up, deals_are_backed, wrapped_is_backed
from protocol.ledger import WORLD
from protocol.lending import RAY, book
from protocol.liquidations.cases import cases, held
from protocol.liquidations.seizure import liens
from protocol.losses.base import players
from protocol.state import Listing, State

SPARE = 10_000  # units: what roundings may leave with a loan pool
TOLERANCE = 1e-5  # cash coins: what float sums of equity may be off by

Law = Callable[[State], list[str]]


def claims(state: State) -> Iterator[Listing]:
    """Markets of claims."""
    return (listing for listings in state.listings for listing in listings if listing.size >= 0)


def rows_sum_to_zero(state: State) -> list[str]:
    """Nothing is minted and nothing lost."""
    sums = state.ledger.balance.sum(axis=1)
    return [f"{state.ledger.assets[row].name}: the row sums to {sums[row]}, not 0" for row in np.flatnonzero(sums)]


def tokens_not_overdrawn(state: State) -> list[str]:
    """Nobody but WORLD owes tokens."""
    ledger = state.ledger
    short = (ledger.balance < 0) & ledger.is_token[:, None]
    short[:, WORLD] = False
    return [
        f"{ledger.assets[row].name}: account {account} holds {ledger.balance[row, account]}"
        for row, account in np.argwhere(short)
    ]


def custody_backs_claims(state: State) -> list[str]:
    """Each exchange holds exactly the tokens for which it owes claims, token by token."""
    wrong = []
    for house in state.houses:
        held = state.ledger.balance[:, house.custody]
        owed = np.zeros(len(held), np.int64)
        owed[house.token] += held[house.cash]
        for pledge in state.pledges[house.index]:
            owed[pledge.token] += held[pledge.claim]
        for issue in state.issues[house.index]:
            owed[issue.token] += held[issue.locked]
        wrong += [
            f"{house.name}: custody holds {held[row]} {state.ledger.assets[row].name} and owes {-owed[row]}"
            for row in np.flatnonzero(state.ledger.is_token & (held + owed != 0))
        ]
    return wrong


def loans_are_covered(state: State) -> list[str]:
    """A loan pool's tokens and debts are what suppliers brought and earned, less what is recorded as lost.

    Roundings stay with the pool, so it may have a little more; it never has less.
    """
    wrong = []
    for lender in (lender for lenders in state.lenders for lender in lenders):
        kept, balance = book(state, lender), state.ledger.balance
        tokens = int(balance[lender.token, lender.account])
        debts = int(balance[lender.debt, lender.account]) * kept.index // RAY
        spare = tokens + debts - (kept.lent + kept.earned - kept.lost)
        if not 0 <= spare <= SPARE:
            wrong.append(
                f"{lender.path}: holds {tokens} and is owed {debts}; brought {kept.lent}, earned {kept.earned},"
                f" lost {kept.lost}: {spare} units too many"
            )
    return wrong


def synthetics_are_owed(state: State) -> list[str]:
    """Somebody owes every unit of a synthetic that there is, but for what is recorded as lost."""
    wrong = []
    for issue in (issue for issues in state.issues for issue in issues):
        kept = state.tables[issue.path]
        debts = int(state.ledger.balance[issue.debt, issue.listing.house.custody]) * kept.index // RAY
        supply = -int(state.ledger.balance[issue.listing.base, WORLD])
        if not 0 <= debts + kept.lost - supply <= SPARE:
            wrong.append(f"{issue.path}: there are {supply} units, owed are {debts} and lost {kept.lost}")
    return wrong


def only_players_borrow(state: State) -> list[str]:
    """What is owed to a loan pool is owed by players, and to nobody else; nobody's collateral is below zero."""
    wrong = []
    for house in state.houses:
        rows = [(lender.debt, -1, lender.account) for lender in state.lenders[house.index]]
        rows += [(pledge.claim, 1, house.custody) for pledge in state.pledges[house.index]]
        for issue in state.issues[house.index]:
            rows += [(issue.debt, -1, house.custody), (issue.locked, 1, house.custody)]
        for row, sign, issuer in rows:
            held = sign * state.ledger.balance[row]
            bad = np.flatnonzero((held < 0) | ((held > 0) & (state.ledger.exchange >= 0)))
            wrong += [
                f"{state.ledger.assets[row].name}: account {account} holds {sign * held[account]}"
                for account in bad
                if account != issuer
            ]
    return wrong


def debts_are_within_reach(state: State) -> list[str]:
    """A player who owes a loan pool has a position or something in custody: nobody could close any other debt."""
    wrong = []
    for house in state.houses:
        for lender in state.lenders[house.index]:
            wrong += [
                f"{lender.path}: account {account} owes {-state.ledger.balance[lender.debt, account]} and has nothing"
                for account in np.flatnonzero(state.ledger.balance[lender.debt] < 0).tolist()
                if state.ledger.exchange[account] < 0
                and is_flat(state, house, account)
                and not liens(state, house, account)
            ]
    return wrong


def clearing_worth_nothing(state: State) -> list[str]:
    """Clearing gives cash for quote, one for one."""
    wrong = []
    for house in state.houses:
        balance = state.ledger.balance[:, house.clearing]
        cash = int(balance[house.cash])
        quote = sum(int(balance[listing.quote]) for listing in state.listings[house.index] if listing.size >= 0)
        if cash + quote != 0:
            wrong.append(f"{house.name}: clearing holds cash {cash} against quote {quote}")
    return wrong


def funds_worth_nothing(state: State) -> list[str]:
    """The funding account gives cash for funding, one for one."""
    wrong = []
    for listing in claims(state):
        cash, owed = (int(state.ledger.balance[row, listing.fund]) for row in (listing.house.cash, listing.funding))
        if cash + owed != 0:
            wrong.append(f"{listing.path}: the funding account holds cash {cash} against funding {owed}")
    return wrong


def interest_is_counted(state: State) -> list[str]:
    """The running open interest is what accounts other than the venue's hold."""
    wrong = []
    for listing in claims(state):
        held = state.ledger.balance[listing.size].copy()
        held[listing.desk] = 0
        found = int(np.maximum(held, 0).sum()), int(np.maximum(-held, 0).sum())
        table = tuple(state.tables[listing.interest_at].tolist())
        if table != found:
            wrong.append(f"{listing.path}: open interest is {found}, the table says {table}")
    return wrong


def only_traders_hold_positions(state: State) -> list[str]:
    """Custody, clearing, funding, insurance and treasury hold no size; nor does WORLD."""
    wrong = []
    for listing in claims(state):
        house = listing.house
        roles = WORLD, house.custody, house.clearing, house.insurance, house.treasury, listing.fund
        wrong += [
            f"{listing.path}: account {account} ({state.ledger.groups[state.ledger.group[account]]}) holds size {size}"
            for account in roles
            if (size := int(state.ledger.balance[listing.size, account])) != 0
        ]
    return wrong


def flat_accounts_are_clean(state: State) -> list[str]:
    """A player without a position has no quote left, and at most one unit of funding, in that market."""
    wrong = []
    who = players(state)
    for listing in claims(state):
        size, quote, funding = (
            state.ledger.balance[row, who] for row in (listing.size, listing.quote, listing.funding)
        )
        bad = np.flatnonzero((size == 0) & ((quote != 0) | (np.abs(funding) > 1)))
        wrong += [
            f"{listing.path}: account {who[row]} has no position, yet quote {quote[row]} and funding {funding[row]}"
            for row in bad
        ]
    return wrong


def positions_within_margin_rule(state: State) -> list[str]:
    """No player holds more markets than the margin rule allows."""
    wrong = []
    who = players(state)
    for house in state.houses:
        rows = [listing.size for listing in state.listings[house.index] if listing.size >= 0]
        most = state.exchange(house).margin.most()
        count = np.count_nonzero(state.ledger.balance[rows][:, who], axis=0)
        wrong += [
            f"{house.name}: account {who[row]} holds {count[row]} positions, allowed {most}"
            for row in np.flatnonzero(count > most)
        ]
    return wrong


def venues_hold_what_they_owe(state: State) -> list[str]:
    """Whatever lies with a venue in somebody's name is there."""
    wrong = []
    for listing in (listing for listings in state.listings for listing in listings):
        owed = state.market(listing).venue.belongs(state, listing)
        for row, column in ((listing.base, 1), (listing.house.token, 2)):
            held, due = int(state.ledger.balance[row, listing.desk]), sum(one[column] for one in owed)
            if held < due:
                wrong.append(f"{listing.path}: the venue holds {held} {state.ledger.assets[row].name} and owes {due}")
    return wrong


def settled_markets_are_empty(state: State) -> list[str]:
    """What has settled leaves nobody a position, nor what one cost."""
    wrong = []
    for listing in claims(state):
        if state.market(listing).instrument.expires() < NEVER and not math.isnan(outcome(state, listing).value):
            for row in (listing.size, listing.quote, listing.funding):
                wrong += [
                    f"{state.ledger.assets[row].name}: settled, yet account {account} holds {state.ledger.balance[row, account]}"
                    for account in np.flatnonzero(state.ledger.balance[row])
                ]
    return wrong


def journal_is_legible(state: State) -> list[str]:
    """Every entry names an asset and two accounts that exist, and moves a positive amount."""
    ledger = state.ledger
    asset, src, dst, units, _ = ledger.moves_since(0).T
    bad = (asset < 0) | (asset >= len(ledger.assets)) | (units <= 0) | (src == dst)
    for account in (src, dst):
        bad |= (account < 0) | (account >= ledger.accounts)
    return [f"journal entry {row}: {ledger.journal[row].tolist()}" for row in np.flatnonzero(bad)]


def nothing_crosses(state: State) -> list[str]:
    """Nothing moves from an account on one chain to one on another: a bridge keeps what it is sent, and issues anew."""
    ledger = state.ledger
    asset, src, dst, units, _ = ledger.moves_since(0).T
    bad = (ledger.chain[src] != ledger.chain[dst]) & (src != WORLD) & (dst != WORLD)
    return [
        f"{ledger.assets[asset[row]].name}: {units[row]} units went from account {src[row]}, on chain"
        f" {ledger.chain[src[row]]}, to account {dst[row]}, on chain {ledger.chain[dst[row]]}"
        for row in np.flatnonzero(bad)
    ]


def bids_are_backed(state: State) -> list[str]:
    """Escrow holds what standing bids have locked, to the unit; a bid stands only where a position is up for auction."""
    wrong = []
    for house in state.houses:
        promised = held(state, house)
        has = int(state.ledger.balance[house.cash, house.escrow]) if house.escrow >= 0 else 0
        if has != promised:
            wrong.append(f"{house.name}: escrow holds {has}, standing bids have locked {promised}")
        wrong += [
            f"{listing.path}: account {case.bidder} bids for account {account}, of which nothing is up for auction"
            for listing in state.listings[house.index]
            for account, case in cases(state, listing).items()
            if (case.bidder >= 0 or case.held) and not (case.locked and state.ledger.balance[listing.size, account])
        ]
    return wrong


LAWS: tuple[Law, ...] = (
    rows_sum_to_zero,
    tokens_not_overdrawn,
    custody_backs_claims,
    loans_are_covered,
    synthetics_are_owed,
    only_players_borrow,
    debts_are_within_reach,
    clearing_worth_nothing,
    funds_worth_nothing,
    interest_is_counted,
    only_traders_hold_positions,
    flat_accounts_are_clean,
    positions_within_margin_rule,
    venues_hold_what_they_owe,
    bids_are_backed,
    settled_markets_are_empty,
    journal_is_legible,
    nothing_crosses,
    bridges_add_up,
    wrapped_is_backed,
    deals_are_backed,
)
