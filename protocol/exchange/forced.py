"""Forced closures: the liquidation plan carried out, deleveraging, and the waterfall that bears what is left."""

from __future__ import annotations

import math

import numpy as np

from protocol.clearing import MOVES_PER_FILL, Batch, Fills, transfer
from protocol.errors import (
    Healthy,
    InAuction,
    NotAllowed,
    NothingToDo,
    TooEarly,
    VaultCommitted,
)
from protocol.exchange.admission import need_admission
from protocol.exchange.bearing import is_flat, pass_on, settle_loans
from protocol.exchange.cases import close_case
from protocol.exchange.checks import (
    desk_of,
    gate_of,
    need_margin,
    need_room,
    need_running,
    need_unspared,
    need_usable,
    usable_index,
)
from protocol.exchange.fills import Liquidated
from protocol.exchange.trading import REVERTS
from protocol.ledger import Reason
from protocol.liquidations.base import Plan, below_maintenance
from protocol.liquidations.cases import case_of
from protocol.liquidations.lots import bankrupt_at
from protocol.losses.base import Charges
from protocol.margins.base import INITIAL, MAINTENANCE
from protocol.oracles.base import read_mark
from protocol.state import Listing, State


def liquidate(state: State, listing: Listing, keeper: int, account: int, way: int = 0) -> Liquidated:
    """Carry out one of the exchange's plans for an account below maintenance, by its place among them.

    Raises what `ways` raises, NothingToDo where there is no such way, and what `carry_out` raises.
    """
    plans = ways(state, listing, account)
    if not 0 <= way < len(plans):
        raise NothingToDo(account=account, market=listing.name, way=way)

    return carry_out(state, plans[way], keeper)


def ways(state: State, listing: Listing, account: int) -> tuple[Plan, ...]:
    """What may be done to an account now: one plan or more. A view.

    Raises Healthy, Halted, Expired, InAuction, TooEarly where the rule asks to wait, and StalePrice.
    """
    gate = gate_of(state, listing)
    if gate.dated:
        need_running(state, listing)
    usable_index(state, listing)
    if gate.elsewhere:
        need_usable(state, listing.house, account)
    if gate.limits:
        need_unspared(state, listing, account)
    plans = state.exchange(listing.house).liquidation.ways(state, listing, account)
    if plans:
        return plans
    if below_maintenance(state, listing, account) is None:
        raise Healthy(account=account, market=listing.name)
    case = case_of(state, listing, account)
    if case is not None and case.locked:
        raise InAuction(account=account, market=listing.name)
    raise TooEarly(account=account, market=listing.name, time=state.time)


def foreseen(state: State, plan: Plan) -> float:
    """Cash units that a keeper gets for carrying a plan out now, as far as views can tell: nan where somebody has to try.

    They can where all of it is sold on a venue that needs nobody else's margin, and no other player has to take any over.
    """
    venue, losses = state.market(plan.listing).venue, state.exchange(plan.listing.house).losses
    if not math.isnan(plan.price) or venue.counterparty == "makers" or any(loss.takes_positions for loss in losses):
        return math.nan
    owed = venue.cost(state, plan.listing, np.array([plan.size])).item(0)
    return math.nan if math.isnan(owed) else math.floor(abs(int(owed)) * plan.reward)


def carry_out(state: State, plan: Plan, keeper: int) -> Liquidated:
    """Do what a plan says: deleverage, close, pay keeper and insurance, pass on what is left, and see that the taker stands.

    Raises what a fill raises; NotAdmitted, or NotAllowed for an account that would take its own position; UnderMargined,
    AccountIsolated, VaultCommitted for a taker that cannot carry it.
    """
    account, listing, house = plan.account, plan.listing, plan.listing.house
    index, rules, ledger = usable_index(state, listing).value, state.exchange(house), state.ledger
    mark = rules.markets[listing.index].instrument.price(state, listing, index)
    taker = -1 if math.isnan(plan.price) else keeper if plan.taker < 0 else plan.taker
    if taker == account:
        raise NotAllowed(account=account, market=listing.name)

    inner = rules.margin.inner_standing(state, house, MAINTENANCE, account)
    spare = math.nan if inner is None else inner[0] - inner[1]
    deleveraged = _deleverage(state, plan, index, mark)
    rest = plan.size + (deleveraged if plan.size < 0 else -deleveraged)
    notional = math.floor(deleveraged * mark * listing.price_scale)  # the keeper is paid for that too
    if rest:
        notional += _sell(state, plan, rest, index) if taker < 0 else _hand_over(state, plan, taker, rest, index)

    reward, penalty = math.floor(notional * plan.reward), math.ceil(notional * plan.penalty)
    ledger.move(house.cash, account, keeper, reward, Reason.PENALTY)
    left = ledger.balance.item(house.cash, account)
    penalty = max(0, min(penalty, left)) if is_flat(state, house, account) else penalty
    ledger.move(house.cash, account, house.insurance, penalty, Reason.PENALTY)
    deficit, covered = pass_on(state, house, account)
    settle_loans(state, house, account)

    case = close_case(state, listing, account)
    if taker >= 0 and rest:
        _need_carried(state, listing, taker)
    return Liquidated(
        account=account,
        keeper=keeper,
        listing=listing,
        size=plan.size,
        notional=notional,
        reward=reward,
        penalty=penalty,
        deleveraged=deleveraged,
        taken=0 if taker < 0 else abs(rest),
        deficit=deficit,
        covered=covered,
        taker=taker,
        price=plan.price,
        opened=math.nan if case is None else case.opened,
        started=math.nan if case is None else case.started,
        rounds=0 if case is None else case.rounds,
        spare=spare,
    )


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


def _hand_over(state: State, plan: Plan, taker: int, size: int, index: float) -> int:
    """Trade `size` for the account with whoever takes it over; returns the notional in cash units."""
    listing, balance = plan.listing, state.ledger.balance
    state.ledger.reserve(MOVES_PER_FILL)  # before the desk is made: it holds the journal
    interest = state.edit(listing.path + ".interest")
    desk = desk_of(state, listing, interest, -math.inf, 0.0, index)
    owed = math.ceil(size * plan.price * listing.price_scale)
    before = int(balance[listing.size, taker])
    transfer(desk, plan.account, taker, size, owed)
    if taker == desk.venue:  # its side is no open interest
        after = int(balance[listing.size, taker])
        interest[:] += (max(before, 0) - max(after, 0), max(-before, 0) - max(-after, 0))
    return abs(owed)


def _sell(state: State, plan: Plan, size: int, index: float) -> int:
    """Trade `size` for the account on the venue; returns the notional in cash units."""
    listing, venue = plan.listing, state.market(plan.listing).venue
    state.ledger.reserve(venue.moves(state, listing, 1))
    which = INITIAL if venue.counterparty == "makers" else MAINTENANCE  # makers must stand
    terms = state.exchange(listing.house).margin.terms(state, listing.house, which)
    desk = desk_of(state, listing, state.edit(listing.path + ".interest"), -math.inf, 0.0, index)
    pool, fills = venue.pool(state, listing), Fills(np.zeros(1, np.int64), np.zeros(1, np.int64))
    venue.fill(pool, desk, terms, Batch(np.array([plan.account]), np.array([size]), np.array([math.nan])), fills)
    if code := fills.code.item():
        raise REVERTS[code](account=plan.account, market=listing.name, size=size)
    venue.keep(state, listing, pool)
    return abs(fills.owed.item())


def _projected(state: State, plan: Plan) -> float:
    """Equity of the account, cash units, were the plan carried out through the venue now; at the mark where that cannot fill it."""
    listing, house = plan.listing, plan.listing.house
    worth, _ = state.exchange(house).margin.standing(state, house, MAINTENANCE, plan.account)
    mark = read_mark(state, listing).value
    owed = state.market(listing).venue.cost(state, listing, np.array([plan.size]))[0]
    if math.isnan(owed):
        return worth * house.cash_scale
    return float(worth * house.cash_scale + plan.size * mark * listing.price_scale - owed - abs(owed) * plan.reward)


def _deleverage(state: State, plan: Plan, index: float, mark: float) -> int:
    """Close against other players at the bankruptcy price, if cash ahead in the waterfall cannot cover the sale.

    Returns the size units so closed. Only for plans that would sell on the venue and leave the account below zero.
    """
    listing, house = plan.listing, plan.listing.house
    losses = state.exchange(house).losses
    shortfall = None
    for loss in losses if math.isnan(plan.price) else ():
        if not loss.takes_positions:
            continue
        targets = loss.take_over(state, listing, plan.account)
        if len(targets.account):
            shortfall = -_projected(state, plan) if shortfall is None else shortfall
            ahead = sum(step.capacity(state, house) for step in losses[: losses.index(loss)])
            return _take_over(state, plan, index, mark, targets) if shortfall > ahead else 0
    return 0


def _take_over(state: State, plan: Plan, index: float, mark: float, targets: Charges) -> int:
    listing, house = plan.listing, plan.listing.house
    worth, _ = state.exchange(house).margin.standing(state, house, MAINTENANCE, plan.account)
    size = int(state.ledger.balance[listing.size, plan.account])
    bankrupt = bankrupt_at(mark, worth, size, listing.size_scale)
    side = -1 if size > 0 else 1
    state.ledger.reserve(MOVES_PER_FILL * len(targets.account))
    desk = desk_of(state, listing, state.edit(listing.path + ".interest"), -math.inf, 0.0, index)
    done = 0
    for target, units in zip(targets.account.tolist(), targets.units.tolist(), strict=True):
        transfer(desk, plan.account, target, side * units, math.ceil(side * units * bankrupt * listing.price_scale))
        done += units
    return done
