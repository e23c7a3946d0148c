"""Deleveraging: other players take a position over at its bankruptcy price, before what is left of it is sold."""

from __future__ import annotations

import math

import numpy as np

from protocol.clearing import MOVES_PER_FILL, transfer
from protocol.exchange.checks import forced_desk
from protocol.liquidations.base import Plan
from protocol.liquidations.lots import bankrupt_at
from protocol.losses.base import Charges
from protocol.margins.base import MAINTENANCE
from protocol.oracles.base import read_mark
from protocol.state import State


def deleverage(state: State, plan: Plan, mark: float) -> int:
    """Close against other players at the bankruptcy price, if cash ahead in the waterfall cannot cover the sale.

    Returns the size units so closed. For plans that would sell on the venue; only where that leaves the account below zero.
    """
    listing, house = plan.listing, plan.listing.house
    losses = state.exchange(house).losses
    shortfall = None
    for loss in losses:
        if not loss.takes_positions:
            continue
        targets = loss.take_over(state, listing, plan.account)
        if len(targets.account):
            shortfall = -_projected(state, plan) if shortfall is None else shortfall
            ahead = sum(step.capacity(state, house) for step in losses[: losses.index(loss)])
            return _take_over(state, plan, mark, targets) if shortfall > ahead else 0
    return 0


def _projected(state: State, plan: Plan) -> float:
    """Equity of the account, cash units, were the plan carried out through the venue now; at the mark where that cannot fill it."""
    listing, house = plan.listing, plan.listing.house
    worth, _ = state.exchange(house).margin.standing(state, house, MAINTENANCE, plan.account)
    mark = read_mark(state, listing).value
    owed = state.market(listing).venue.cost(state, listing, np.array([plan.size]))[0]
    if math.isnan(owed):
        return worth * house.cash_scale
    return float(worth * house.cash_scale + plan.size * mark * listing.price_scale - owed - abs(owed) * plan.reward)


def _take_over(state: State, plan: Plan, mark: float, targets: Charges) -> int:
    listing, house = plan.listing, plan.listing.house
    worth, _ = state.exchange(house).margin.standing(state, house, MAINTENANCE, plan.account)
    size = int(state.ledger.balance[listing.size, plan.account])
    bankrupt = bankrupt_at(mark, worth, size, listing.size_scale)
    side = -1 if size > 0 else 1
    state.ledger.reserve(MOVES_PER_FILL * len(targets.account))
    desk = forced_desk(state, listing)
    done = 0
    for target, units in zip(targets.account.tolist(), targets.units.tolist(), strict=True):
        transfer(desk, plan.account, target, side * units, math.ceil(side * units * bankrupt * listing.price_scale))
        done += units
    return done
