"""Strategies bought into, left, and carried out: an account that trades by its rule's plan, for whoever holds its shares."""

from __future__ import annotations

import math

import numpy as np

from protocol import vault as vaults
from protocol.appraisal import account_total
from protocol.errors import DepthExceeded, EmptyTill, NothingToDo, SlippageExceeded, VaultCommitted
from protocol.exchange.cash import deposit, withdraw
from protocol.exchange.checks import need_margin, need_own_cash, need_usable, usable_index
from protocol.exchange.fills import Fill, Queued
from protocol.exchange.investing import MOST_SHARES
from protocol.exchange.pledging import pledge, release
from protocol.exchange.trading import trade
from protocol.instruments.option import Option
from protocol.ledger import WORLD, Reason
from protocol.state import Listing, Mandate, State
from protocol.strategies.base import Strategy, held_units, shares_of
from protocol.units import to_units_down


def join(state: State, mandate: Mandate, account: int, units: int) -> int:
    """Cash tokens into a strategy, shares out (rounded down, less the fee). Returns the shares.

    Raises NothingToDo, InsufficientBalance, StalePrice, and VaultCommitted where too little is left to price a share by.
    """
    rule, house = rule_of(state, mandate), mandate.house
    if units <= 0:
        raise NothingToDo(amount=units)
    need_usable(state, house, mandate.account)

    supply, total = shares_of(state, mandate), account_total(state, house, mandate.account)
    if total + rule.virtual_assets <= 0:
        raise VaultCommitted(equity=total, shares=supply)
    counted = math.floor(units * (1.0 - rule.fee)) if rule.fee else units
    shares = vaults.shares_down(counted, total, supply, rule.virtual_assets, rule.virtual_shares)
    if shares <= 0:
        raise NothingToDo(amount=units, shares=shares)
    if supply + shares > MOST_SHARES:
        raise VaultCommitted(equity=total, shares=supply)

    state.ledger.move(house.token, account, house.custody, units, Reason.LIQUIDITY)
    state.ledger.move(house.cash, house.custody, mandate.account, units, Reason.LIQUIDITY)
    state.ledger.move(mandate.share, WORLD, account, shares, Reason.LIQUIDITY)
    return shares


def leave(state: State, mandate: Mandate, account: int, shares: int, least: int = 0) -> int:
    """Shares in, cash tokens out: what they are worth, less the fee and what closing their part of every position costs.

    Returns the cash units. Raises NothingToDo, InsufficientBalance, StalePrice, SlippageExceeded below `least` units, EmptyTill,
    UnderMargined, and what a trade of the strategy's raises.
    """
    rule, house = rule_of(state, mandate), mandate.house
    if shares <= 0:
        raise NothingToDo(shares=shares)
    need_usable(state, house, mandate.account)

    supply, total = shares_of(state, mandate), max(0, account_total(state, house, mandate.account))
    gross = vaults.assets_down(shares, total, supply, rule.virtual_assets, rule.virtual_shares)
    gross = min(total, math.floor(gross * (1.0 - rule.fee)) if rule.fee else gross)

    state.ledger.move(mandate.share, account, WORLD, shares, Reason.LIQUIDITY)
    given_up = _unwind(state, mandate, shares / supply)
    units = gross - given_up - max(0, total - account_total(state, house, mandate.account))
    if units <= 0:
        raise NothingToDo(shares=shares, amount=units)
    if units < least:
        raise SlippageExceeded(shares=shares, amount=units, least=least)
    if state.ledger.balance[house.token, house.custody] < units:
        raise EmptyTill(has=int(state.ledger.balance[house.token, house.custody]), needs=units)
    state.ledger.move(house.cash, mandate.account, house.custody, units, Reason.LIQUIDITY)
    state.ledger.move(house.token, house.custody, account, units, Reason.LIQUIDITY)

    _need_solid(state, mandate)
    return units


def rebalance(state: State, mandate: Mandate, account: int) -> tuple[Fill | Queued, ...]:
    """Trade for a strategy as its rule plans it, and reward `account` out of it. Returns the fills.

    Raises NothingToDo where it may rest, StalePrice, UnderMargined, and what a trade of its own raises.
    """
    rule, house = rule_of(state, mandate), mandate.house
    need_usable(state, house, mandate.account)
    plan = rule.plan(state, mandate)
    if not plan.orders:
        raise NothingToDo(strategy=mandate.path)

    fills = []
    for listing, size, slippage in plan.orders:
        mark = state.market(listing).instrument.price(state, listing, usable_index(state, listing).value)
        fills.append(_trade(state, mandate, listing, size, mark * (1.0 + math.copysign(slippage, size))))
    state.put(mandate.path, plan.epoch)
    reward = to_units_down(rule.reward, int(house.cash_scale))
    state.ledger.move(house.cash, mandate.account, account, reward, Reason.HEDGING)

    _need_solid(state, mandate)
    return tuple(fills)


def rule_of(state: State, mandate: Mandate) -> Strategy:
    """The rule in force."""
    return state.exchange(mandate.house).strategies[mandate.index]


def _need_solid(state: State, mandate: Mandate) -> None:
    """Initial margin, and no cash lent on collateral."""
    need_margin(state, mandate.house, mandate.account)
    if state.ledger.balance[mandate.house.cash, mandate.account] < 0:
        need_own_cash(state, mandate.house, mandate.account)


def _unwind(state: State, mandate: Mandate, part: float) -> int:
    """Close a part of every position: claims first, which may need what is pledged, then that. Bought options without a bid stay.

    Returns the cash units that the part of those is marked at.
    """
    house, given_up = mandate.house, 0
    legs = [listing for listing in state.listings[house.index] if listing.name in rule_of(state, mandate).legs()]
    spot = [listing for listing in legs if listing.size < 0]
    for listing in (*state.claims[house.index], *spot):
        held = held_units(state, mandate, listing)
        size = -held if part >= 1.0 else -int(held * part)
        if size == 0:
            continue
        market = state.market(listing)
        if held > 0 and isinstance(market.instrument, Option) and math.isnan(_cost(state, listing, size)):
            mark = market.instrument.price(state, listing, usable_index(state, listing).value)
            given_up += math.ceil(-size * mark * listing.price_scale)
            continue
        _trade(state, mandate, listing, size, math.nan)
    return given_up


def _cost(state: State, listing: Listing, size: int) -> float:
    """Cash units that an order would owe; nan where the venue cannot fill it."""
    return float(state.market(listing).venue.cost(state, listing, np.array([size]))[0])


def _trade(state: State, mandate: Mandate, listing: Listing, size: int, limit: float) -> Fill | Queued:
    """A trade of the strategy's own. Tokens are paid out of its claim on cash, and pledged; or released, and sold for one."""
    if listing.size >= 0:
        return trade(state, listing, mandate.account, size, limit)
    house, account, balance = mandate.house, mandate.account, state.ledger.balance
    seat = next(one for one in state.pledges[house.index] if one.token == listing.base)
    if size < 0:
        release(state, seat, account, -size)
        fill = trade(state, listing, account, size, limit)
        deposit(state, house, account, int(balance[house.token, account]))
        return fill
    owed = _cost(state, listing, size)
    if math.isnan(owed):
        raise DepthExceeded(market=listing.name, size=size)
    withdraw(state, house, account, math.ceil(owed))
    fill = trade(state, listing, account, size, limit)
    pledge(state, seat, account, int(balance[seat.token, account]))
    return fill
