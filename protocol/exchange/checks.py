"""Views that verbs share: the usable index, the desk of a market, and what an account must meet or a Revert is raised."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.access import Permissionless
from protocol.appraisal import pledge_price, token_price, values, vault_total
from protocol.clearing import Desk
from protocol.errors import (
    AccountIsolated,
    Expired,
    Halted,
    StalePrice,
    UnderMargined,
    Unvested,
)
from protocol.hooks import fills
from protocol.instruments.base import NEVER
from protocol.ledger import Floats, Ints
from protocol.limits.base import interest_cap, is_halted, is_spared
from protocol.liquidations.base import Liquidation
from protocol.margins.base import Margin, Threshold, is_steady
from protocol.oracles.base import FRESH, Reading, Status, is_sure, read_index
from protocol.state import House, Listing, State
from protocol.vault import UNLIMITED
from protocol.venues.base import AT_THE_CLOSE, Venue
from protocol.vesting import unvested
from protocol.world import UNCAPPED, Market

NO_CAP = (math.inf, math.inf)
Seats = tuple[Ints, float, Ints]  # in the order of a `Desk`


class Gate(NamedTuple):
    """What an order or a forced sale in a market may run into, under the rules in force."""

    market: Market
    margin: Margin
    seats: Seats
    free: bool  # whether every order may be tried: nothing is asked of its owner, and no case, limit or other index is in its way
    access: bool  # whether anything is asked of whoever comes
    dated: bool
    elsewhere: bool  # whether an account can have what another index prices
    limits: bool
    live: bool  # whether a trade may itself move an index, or marks, that accounts of its exchange are margined at
    capped: bool  # whether open interest is
    sure: bool  # whether its index may always be used
    bounded: bool  # whether the vault's utilisation bounds open interest
    notes: bool  # whether the venue remembers who filled what


def gate_of(state: State, listing: Listing) -> Gate:
    """A market's gate."""
    return state.settled(_gate, listing.number)


def _gate(state: State, number: int) -> Gate:
    listing = state.markets[number]
    market, rules = state.market(listing), state.exchange(listing.house)
    claims, asked = listing.size >= 0, not isinstance(market.access, Permissionless)
    elsewhere, limits = claims and not is_all(state, listing), bool(market.limits)
    barring = claims and fills(rules.liquidation, Liquidation, "opens")
    at_once = claims and market.venue.settles != AT_THE_CLOSE
    moving = any((m.oracle.live and not m.index) or m.venue.moves_marks for m in rules.markets)
    bounded = is_bounded(state, listing)
    return Gate(
        market,
        rules.margin,
        state.settled(seats, number),
        not (asked or elsewhere or limits or barring),
        asked,
        market.instrument.expires() < NEVER,
        elsewhere,
        limits,
        at_once and moving,
        limits or bounded or market.open_interest_cap < UNCAPPED,
        is_sure(state, listing),
        bounded,
        fills(market.venue, Venue, "note"),
    )


def usable_index(state: State, listing: Listing) -> Reading:
    """The index of a market. Raises StalePrice unless it is fresh."""
    reading = read_index(state, listing)
    if reading.status is not FRESH:
        raise StalePrice(market=listing.name, status=reading.status.name, age=state.time - reading.time)
    return reading


def need_running(state: State, listing: Listing) -> None:
    """The contract has not expired. Raises Expired."""
    expiry = state.market(listing).instrument.expires()
    if state.time >= expiry:
        raise Expired(market=listing.name, expiry=expiry, time=state.time)


def desk_of(state: State, listing: Listing, interest: Floats, least: float, fee: float, index: float) -> Desk:
    """What the filling loop needs to know of a market of claims. Open interest is capped in cash coins of the underlying."""
    gate = gate_of(state, listing)
    most = NO_CAP
    if gate.capped:
        most = _most(state, listing, interest, gate, index)
    funding = state.tables[listing.funding_at].item(0) * listing.price_scale
    return Desk(state.ledger.bare, *gate.seats, fee, funding, interest, most, least)


def _most(state: State, listing: Listing, interest: Floats, gate: Gate, index: float) -> tuple[float, float]:
    cap = (interest_cap(state, listing) if gate.limits else gate.market.open_interest_cap) / index * listing.size_scale
    if not gate.bounded:
        return cap, cap
    longs, shorts = vault_room(state, listing, interest, index)
    return min(cap, longs), min(cap, shorts)


def forced_desk(state: State, listing: Listing) -> Desk:
    """The same for forced trades: they pay no fee, and closing meets no cap and no requirement.

    Room for their moves is made before: a desk holds the journal.
    """
    ours, interest = state.settled(seats, listing.number), state.edit(listing.interest_at)
    funding = state.tables[listing.funding_at].item(0) * listing.price_scale
    return Desk(state.ledger.bare, *ours, 0.0, funding, interest, NO_CAP, -math.inf)


def seats(state: State, number: int) -> Seats:
    """What a desk has of a market whatever the prices are: rows, accounts, its scale, and room for two accounts' claims."""
    listing, house = state.markets[number], state.markets[number].house
    rows = listing.size, listing.quote, listing.funding, house.cash
    accounts = listing.desk, house.clearing, listing.fund, listing.fees
    room = np.empty((2, house.last - house.first), np.int64)
    return np.array([*rows, *accounts]), listing.price_scale, room


def is_bounded(state: State, listing: Listing) -> bool:
    """Whether the vault's utilisation bounds a market's open interest."""
    house, rules = listing.house, state.exchange(listing.house).vault
    return rules is not None and listing.desk == house.vault and rules.utilisation < UNLIMITED


def vault_room(state: State, listing: Listing, interest: Floats, index: float) -> tuple[float, float]:
    """Most open interest long and short, size units, that the vault's utilisation leaves room for, where it sets a bound.

    Counted when a batch begins: what closes within it makes no room, and takes none, before the next.
    """
    house, rules = listing.house, state.exchange(listing.house).vault
    assert rules is not None
    balance, elsewhere = state.ledger.balance, 0.0
    for other in state.claims[house.index]:
        if other.desk == house.vault and other.number != listing.number and balance[other.size, house.vault] != 0:
            elsewhere += abs(int(balance[other.size, house.vault])) / other.size_scale * read_index(state, other).value
    equity = max(0.0, vault_total(state, house) / house.cash_scale)
    units = max(0.0, rules.utilisation * equity - elsewhere) / index * listing.size_scale
    return float(interest[1]) + units, float(interest[0]) + units


def need_open(state: State, listing: Listing) -> None:
    """Something may be opened now. Raises Halted."""
    if is_halted(state, listing):
        raise Halted(market=listing.name, time=state.time)


def need_unspared(state: State, listing: Listing, account: int) -> None:
    """The account may be liquidated now. Raises Halted."""
    if is_spared(state, listing, account):
        raise Halted(market=listing.name, time=state.time)


def need_margin(state: State, house: House, account: int) -> None:
    """The account meets its initial margin. Raises UnderMargined."""
    worth, needs = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, account)
    if worth < needs:
        raise UnderMargined(account=account, equity=worth, required=needs)


def need_vested(state: State, house: House, account: int) -> None:
    """The account meets its initial margin without profit that may not leave yet. Raises Unvested."""
    young = unvested(state, house, account)
    if young > 0.0:
        worth, needs = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, account)
        if worth - young < needs - 0.5 / house.cash_scale:  # less than a unit is rounding
            raise Unvested(account=account, equity=worth, unvested=young, required=needs)


def need_own_cash(state: State, house: House, account: int) -> None:
    """Cash and positions alone are worth nothing less than zero: collateral margins, and only a loan pool lends on it."""
    held = state.ledger.balance[house.first : house.last, account]
    own = float(values(state, house) @ held) + float(held[house.cash - house.first]) / house.cash_scale
    if own < 0:
        raise UnderMargined(account=account, equity=own, required=0.0)


def need_room(state: State, house: House, account: int) -> None:
    """No more positions than the margin rule allows one account."""
    rows = [listing.size for listing in state.listings[house.index] if listing.size >= 0]
    held = int(np.count_nonzero(state.ledger.balance[rows, account]))
    most = state.exchange(house).margin.most()
    if held > most:
        raise AccountIsolated(account=account, positions=held, allowed=most)


class Doubt(NamedTuple):
    """A claim row whose worth nobody can say now."""

    row: int
    name: str
    reading: Reading
    pledged: bool  # matters only to who owes or holds something else


def _doubts(state: State, house: House) -> tuple[Doubt, ...]:
    """Positions, loans and collateral without a usable index."""
    rows = [(listing.size, listing.name, read_index(state, listing), False) for listing in state.claims[house.index]]
    for lender in state.lenders[house.index]:
        rows.append((lender.debt, lender.name, token_price(state, house, lender.token), False))
    for pledge in state.pledges[house.index]:
        rows.append((pledge.claim, pledge.name, pledge_price(state, pledge), True))
    return tuple(Doubt(*row) for row in rows if row[2].status != Status.FRESH)


def doubtful(state: State, house: House, accounts: Ints) -> list[tuple[Doubt, NDArray[np.bool_]]]:
    """What has no usable index, and which of the accounts that touches, shape [n]. Empty where all indices are usable."""
    remember = state.marking if is_steady(state, house) else state.derived
    found: tuple[Doubt, ...] = remember((house.index, "doubts"), lambda: _doubts(state, house))
    if not found:
        return []
    rows = [listing.size for listing in state.claims[house.index]]
    rows += [lender.debt for lender in state.lenders[house.index]]
    held = state.ledger.balance[:, accounts]
    exposed = (held[house.cash] < 0) | (held[rows] != 0).any(axis=0)
    return [(doubt, (held[doubt.row] != 0) & (exposed | (not doubt.pledged))) for doubt in found]


def doubtful_elsewhere(state: State, listing: Listing, accounts: Ints) -> list[tuple[Doubt, NDArray[np.bool_]]]:
    """`doubtful` for orders in a market, whose own index whoever fills them checks: nothing where it is all there is."""
    return [] if listing.size < 0 or is_all(state, listing) else doubtful(state, listing.house, accounts)


def is_all(state: State, listing: Listing) -> bool:
    """Whether a market of claims is all that an account of its exchange can have beside cash."""
    at = listing.house.index
    return len(state.claims[at]) == 1 and not state.lenders[at] and not state.pledges[at]


def need_usable(state: State, house: House, account: int) -> None:
    """Every market in which the account holds a position must have an index, and so must what it owes and has pledged for it."""
    for doubt, touched in doubtful(state, house, np.array([account])):
        if touched[0]:
            age = state.time - doubt.reading.time
            raise StalePrice(account=account, of=doubt.name, status=doubt.reading.status.name, age=age)


def need_price(state: State, house: House, token: int) -> None:
    """A token must have a usable index. Raises StalePrice."""
    reading = token_price(state, house, token)
    if reading.status != Status.FRESH:
        name = state.ledger.assets[token].name
        raise StalePrice(token=name, status=reading.status.name, age=state.time - reading.time)
