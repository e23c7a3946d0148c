"""Forced closures: the liquidation plan carried out, deleveraging, and the waterfall that bears what is left."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from protocol.clearing import MOVES_PER_FILL, Batch, Fills, transfer
from protocol.compiled import steady
from protocol.errors import (
    Healthy,
    InAuction,
    NotAllowed,
    NothingToDo,
    Revert,
    TooEarly,
    VaultCommitted,
)
from protocol.exchange.admission import need_admission
from protocol.exchange.bearing import pass_on, settle_loans
from protocol.exchange.cases import close_case
from protocol.exchange.checks import (
    Gate,
    forced_desk,
    gate_of,
    need_margin,
    need_room,
    need_running,
    need_unspared,
    need_usable,
    usable_index,
)
from protocol.exchange.deleveraging import deleverage
from protocol.exchange.fills import Liquidated
from protocol.exchange.trading import REVERTS
from protocol.hooks import fills
from protocol.ledger import Arrays, Bare, Floats, Ints, Reason, shift
from protocol.liquidations.base import Liquidation, Plan, below_maintenance
from protocol.liquidations.cases import case_of
from protocol.margins.base import INITIAL, MAINTENANCE, Margin, Threshold
from protocol.oracles.base import read_mark
from protocol.state import Listing, State
from protocol.world import Exchange, Market

_PENALTY = int(Reason.PENALTY)


class _Course(NamedTuple):
    """What a forced closure in a market goes through, under the rules in force."""

    gate: Gate
    rules: Exchange
    market: Market
    nested: bool  # whether its margin is built around another
    which: Threshold  # what it is sold under: makers must stand
    joins: bool  # whether some step of the waterfall takes positions
    remembers: bool  # whether there can be cases
    lends: bool
    positions: Ints  # rows of all an account of the exchange can have
    batch: Batch  # of one order, written anew for each; so are what it owes and its code
    fills: Fills
    owed: Floats


def _course(state: State, number: int) -> _Course:
    listing = state.markets[number]
    rules, market, at = state.exchange(listing.house), state.market(listing), listing.house.index
    return _Course(
        gate_of(state, listing),
        rules,
        market,
        fills(rules.margin, Margin, "inner_standing"),
        INITIAL if market.venue.counterparty == "makers" else MAINTENANCE,
        any(loss.takes_positions for loss in rules.losses),
        fills(rules.liquidation, Liquidation, "opens"),
        bool(state.lenders[at]),
        np.array([one.size for one in state.claims[at]], np.int64),
        Batch(np.zeros(1, np.int64), np.zeros(1, np.int64), np.full(1, math.nan)),
        Fills(np.zeros(1, np.int64), np.zeros(1, np.int64)),
        np.zeros(1),
    )


def liquidate(state: State, listing: Listing, keeper: int, account: int, way: int = 0) -> Liquidated:
    """Carry out one of the exchange's plans for an account below maintenance, by its place among them.

    Raises what `ways` raises, NothingToDo where there is no such way, and what `carry_out` raises.
    """
    course = state.settled(_course, listing.number)
    _need_open(state, listing, course)
    plans = _plans(state, listing, account, course)
    if not 0 <= way < len(plans):
        raise NothingToDo(account=account, market=listing.name, way=way)

    return _carry_out(state, plans[way], keeper, course)


def ways(state: State, listing: Listing, account: int) -> tuple[Plan, ...]:
    """What may be done to an account now: one plan or more. A view.

    Raises Healthy, Halted, Expired, InAuction, TooEarly where the rule asks to wait, and StalePrice.
    """
    course = state.settled(_course, listing.number)
    _need_open(state, listing, course)
    return _plans(state, listing, account, course)


def prospects(state: State, positions: Iterable[tuple[Listing, int]]) -> list[list[float]]:
    """What each of the `ways` of many positions, markets and accounts, is `foreseen` to bring; nothing where those would raise."""
    courses: dict[int, _Course | None] = {}  # None: nobody may be closed there
    found = []
    for listing, account in positions:
        if listing.number not in courses:
            courses[listing.number] = _if_open(state, listing)
        course, brings = courses[listing.number], []
        if course is not None:
            try:
                brings = [_foreseen(state, plan, course) for plan in _plans(state, listing, account, course)]
            except Revert:
                brings = []
        found.append(brings)
    return found


def _if_open(state: State, listing: Listing) -> _Course | None:
    course = state.settled(_course, listing.number)
    try:
        _need_open(state, listing, course)
    except Revert:
        return None
    return course


def _need_open(state: State, listing: Listing, course: _Course) -> None:
    """Somebody may be closed in a market. Raises Expired, StalePrice."""
    if course.gate.dated:
        need_running(state, listing)
    if not course.gate.sure:
        usable_index(state, listing)


def _plans(state: State, listing: Listing, account: int, course: _Course) -> tuple[Plan, ...]:
    if course.gate.elsewhere:
        need_usable(state, listing.house, account)
    if course.gate.limits:
        need_unspared(state, listing, account)
    plans = course.rules.liquidation.ways(state, listing, account)
    if plans:
        return plans
    if not course.rules.liquidation.waits or below_maintenance(state, listing, account) is None:
        raise Healthy(account=account, market=listing.name)
    case = case_of(state, listing, account)
    if case is not None and case.locked:
        raise InAuction(account=account, market=listing.name)
    raise TooEarly(account=account, market=listing.name, time=state.time)


def foreseen(state: State, plan: Plan) -> float:
    """Cash units that a keeper gets for carrying a plan out now, as far as views can tell: nan where somebody has to try.

    They can where all of it is sold on a venue that needs nobody else's margin, and no other player has to take any over.
    """
    return _foreseen(state, plan, state.settled(_course, plan.listing.number))


def _foreseen(state: State, plan: Plan, course: _Course) -> float:
    if not math.isnan(plan.price) or course.which == INITIAL or course.joins:
        return math.nan
    venue, size, owed = course.market.venue, course.batch.size, course.owed
    size[0] = plan.size
    venue.price(venue.pool(state, plan.listing), size, owed)
    paid = owed.item()
    return math.nan if math.isnan(paid) else math.floor(abs(int(paid)) * plan.reward)


def carry_out(state: State, plan: Plan, keeper: int) -> Liquidated:
    """Do what a plan says: deleverage, close, pay keeper and insurance, pass on what is left, and see that the taker stands.

    Raises what a fill raises; NotAdmitted, or NotAllowed for an account that would take its own position; UnderMargined,
    AccountIsolated, VaultCommitted for a taker that cannot carry it.
    """
    usable_index(state, plan.listing)
    return _carry_out(state, plan, keeper, state.settled(_course, plan.listing.number))


def _carry_out(state: State, plan: Plan, keeper: int, course: _Course) -> Liquidated:
    account, listing, size, price, share, fine, named = plan
    house, ledger = listing.house, state.ledger
    sold = math.isnan(price)
    taker = -1 if sold else keeper if named < 0 else named
    if taker == account:
        raise NotAllowed(account=account, market=listing.name)

    spare, rest, deleveraged, notional = math.nan, size, 0, 0
    if course.nested:
        inner = course.rules.margin.inner_standing(state, house, MAINTENANCE, account)
        spare = math.nan if inner is None else inner[0] - inner[1]
    if course.joins and sold:
        mark = read_mark(state, listing).value
        deleveraged = deleverage(state, plan, mark)
        rest += deleveraged if size < 0 else -deleveraged
        notional = math.floor(deleveraged * mark * listing.price_scale)  # the keeper is paid for that too
    ledger.reserve(2 + (course.market.venue.moves(state, listing, 1) if sold else MOVES_PER_FILL))
    if rest:
        notional += _sell(state, listing, account, rest, course) if sold else _hand_over(state, plan, taker, rest)

    reward, penalty = math.floor(notional * share), math.ceil(notional * fine)
    where = house.cash, course.positions, account, keeper, house.insurance
    penalty, flat, left = _pay_out(ledger.bare, *where, reward, penalty)
    deficit, covered = pass_on(state, house, account) if flat and left < 0 else (0, ())
    if course.lends:
        settle_loans(state, house, account)

    case = close_case(state, listing, account) if course.remembers else None
    if taker >= 0 and rest:
        _need_carried(state, listing, taker)
    taken = 0 if taker < 0 else abs(rest)
    opened, started, rounds = (math.nan, math.nan, 0) if case is None else (case.opened, case.started, case.rounds)
    paid = notional, reward, penalty, deleveraged, taken, deficit, covered
    return Liquidated(account, keeper, listing, size, *paid, taker, price, opened, started, rounds, spare)


@steady
def _pay_out(
    bare: Bare, cash: int, positions: Ints, account: int, keeper: int, insurance: int, reward: int, penalty: int
) -> tuple[int, bool, int]:
    """Pay the keeper its reward, and the insurance the penalty: of an account without positions, no more than it has left.

    `positions`: rows. Returns the penalty paid, whether the account is without positions, and the cash units it has left.
    """
    arrays = Arrays(*bare)
    shift(arrays, cash, account, keeper, reward, _PENALTY)
    flat = True
    for row in positions:
        flat = flat and arrays.balance[row, account] == 0
    if flat:
        penalty = max(0, min(penalty, arrays.balance[cash, account]))
    shift(arrays, cash, account, insurance, penalty, _PENALTY)
    return penalty, flat, arrays.balance[cash, account]


def _need_carried(state: State, listing: Listing, taker: int) -> None:
    """Whoever took a position over may, and can carry it."""
    house = listing.house
    if taker != house.vault:
        need_admission(state, state.market(listing).access, taker, listing.name)
        need_room(state, house, taker)
        need_margin(state, house, taker)
        return
    vault = state.exchange(house).vault
    worth, needs = state.exchange(house).margin.standing(state, house, INITIAL, taker)
    if vault is None or worth < vault.commitment * needs:
        raise VaultCommitted(equity=worth, required=needs)


def _hand_over(state: State, plan: Plan, taker: int, size: int) -> int:
    """Trade `size` for the account with whoever takes it over; returns the notional in cash units."""
    listing, balance = plan.listing, state.ledger.balance
    desk = forced_desk(state, listing)
    owed = math.ceil(size * plan.price * listing.price_scale)
    before = int(balance[listing.size, taker])
    transfer(desk, plan.account, taker, size, owed)
    if taker == listing.desk:  # its side is no open interest
        after = int(balance[listing.size, taker])
        desk.interest[:] += (max(before, 0) - max(after, 0), max(-before, 0) - max(-after, 0))
    return abs(owed)


def _sell(state: State, listing: Listing, account: int, size: int, course: _Course) -> int:
    """Trade `size` for the account on the venue; returns the notional in cash units."""
    venue, batch, fills = course.market.venue, course.batch, course.fills
    terms = course.rules.margin.terms(state, listing.house, course.which)
    desk = forced_desk(state, listing)
    pool = venue.pool(state, listing)
    batch.account[0], batch.size[0] = account, size
    venue.fill(pool, desk, terms, batch, fills)
    if code := fills.code.item():
        raise REVERTS[code](account=account, market=listing.name, size=size)
    venue.keep(state, listing, pool)
    return abs(fills.owed.item())
