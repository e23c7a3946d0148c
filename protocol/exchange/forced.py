"""Forced closures: the liquidation plan carried out, deleveraging, and the waterfall that bears what is left."""

from __future__ import annotations

import math

import numpy as np

from protocol.clearing import MOVES_PER_FILL, Batch, Desk, Fills, transfer
from protocol.errors import (
    DepthExceeded,
    Healthy,
)
from protocol.exchange.bearing import is_flat, pass_on, settle_loans
from protocol.exchange.checks import desk_of, need_margin, need_room, need_usable, usable_index
from protocol.exchange.fills import Liquidated
from protocol.exchange.trading import REVERTS
from protocol.ledger import Floats, Reason
from protocol.liquidations.base import Plan
from protocol.losses.base import Charges
from protocol.margins.base import Threshold
from protocol.oracles.base import read_index
from protocol.state import Listing, State


def liquidate(state: State, listing: Listing, keeper: int, account: int) -> Liquidated:
    """Carry out the exchange's plan for an account below maintenance. Raises Healthy, StalePrice, and what a fill raises."""
    house, exchange = listing.house, state.exchange(listing.house)
    index = usable_index(state, listing)
    need_usable(state, house, account)
    plan = exchange.liquidation.plan(state, listing, account)
    if plan is None:
        raise Healthy(account=account, market=listing.name)

    interest = state.edit(listing.path + ".interest")
    deleveraged = _deleverage(state, plan, interest, index.value)
    state.ledger.reserve(
        state.market(listing).venue.moves(state, listing, 1)
    )  # before the desk is made: it holds the journal
    desk = desk_of(state, listing, interest, -math.inf, 0.0, index.value)
    rest = plan.size + (deleveraged if plan.size < 0 else -deleveraged)
    notional = _close(state, plan, desk, keeper, rest) if rest else 0
    notional += math.floor(deleveraged * index.value * listing.price_scale)  # the keeper is paid for that too

    reward, penalty = math.floor(notional * plan.reward), math.ceil(notional * plan.penalty)
    state.ledger.move(house.cash, account, keeper, reward, Reason.PENALTY)
    left = int(state.ledger.balance[house.cash, account])
    penalty = max(0, min(penalty, left)) if is_flat(state, house, account) else penalty
    state.ledger.move(house.cash, account, house.insurance, penalty, Reason.PENALTY)
    deficit, covered = pass_on(state, house, account)
    settle_loans(state, house, account)

    if not math.isnan(plan.price) and rest:
        need_room(state, house, keeper)
        need_margin(state, house, keeper)
    taken = 0 if math.isnan(plan.price) else abs(rest)
    return Liquidated(
        account, keeper, listing, plan.size, notional, reward, penalty, deleveraged, taken, deficit, covered
    )


def _close(state: State, plan: Plan, desk: Desk, keeper: int, size: int) -> int:
    """Trade `size` for the account, through the venue or with the keeper; returns the notional in cash units."""
    listing = plan.listing
    if not math.isnan(plan.price):
        exact = size * plan.price * listing.price_scale
        transfer(desk, plan.account, keeper, size, math.ceil(exact))
        return abs(math.ceil(exact))
    market = state.market(listing)
    pool = market.venue.pool(state, listing)
    batch = Batch(np.array([plan.account]), np.array([size]), np.array([math.nan]))
    fills = Fills(np.zeros(1, np.int64), np.zeros(1, np.int64))
    terms = state.exchange(listing.house).margin.terms(state, listing.house, Threshold.INITIAL)  # makers must meet it
    market.venue.fill(pool, desk, terms, batch, fills)
    if fills.code[0]:
        raise REVERTS[int(fills.code[0])](account=plan.account, market=listing.name, size=size)
    market.venue.keep(state, listing, pool)
    return abs(int(fills.owed[0]))


def _projected(state: State, plan: Plan) -> float:
    """Equity of the account, cash units, were the plan carried out through the venue now."""
    listing, house = plan.listing, plan.listing.house
    worth, _ = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, plan.account)
    index = read_index(state, listing).value
    owed = state.market(listing).venue.cost(state, listing, np.array([plan.size]))[0]
    if math.isnan(owed):
        raise DepthExceeded(account=plan.account, market=listing.name, size=plan.size)
    return float(worth * house.cash_scale + plan.size * index * listing.price_scale - owed - abs(owed) * plan.reward)


def _deleverage(state: State, plan: Plan, interest: Floats, index: float) -> int:
    """Close against other players at the bankruptcy price, if cash ahead in the waterfall cannot cover the sale.

    Returns the size units so closed. Only for plans that would sell on the venue and leave the account below zero.
    """
    listing, house = plan.listing, plan.listing.house
    if math.isnan(plan.price) is False:
        return 0
    losses = state.exchange(house).losses
    shortfall = None
    for loss in losses:
        targets = loss.take_over(state, listing, plan.account)
        if len(targets.account):
            shortfall = -_projected(state, plan) if shortfall is None else shortfall
            ahead = sum(step.capacity(state, house) for step in losses[: losses.index(loss)])
            return _take_over(state, plan, interest, index, targets) if shortfall > ahead else 0
    return 0


def _take_over(state: State, plan: Plan, interest: Floats, index: float, targets: Charges) -> int:
    listing, house = plan.listing, plan.listing.house
    worth, _ = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, plan.account)
    size = int(state.ledger.balance[listing.size, plan.account])
    bankrupt = index - worth * listing.size_scale / size  # equity is zero at this price
    side = -1 if size > 0 else 1
    state.ledger.reserve(MOVES_PER_FILL * len(targets.account))
    desk = desk_of(state, listing, interest, -math.inf, 0.0, index)
    done = 0
    for target, units in zip(targets.account.tolist(), targets.units.tolist(), strict=True):
        transfer(desk, plan.account, target, side * units, math.ceil(side * units * bankrupt * listing.price_scale))
        done += units
    return done
