"""Hedging carried out: the vault's account trades by its rule's plan, and pays whoever asked for it."""

from __future__ import annotations

import math

from protocol.errors import NothingToDo
from protocol.exchange.checks import need_usable, usable_index
from protocol.exchange.fills import Fill, Queued
from protocol.exchange.trading import trade
from protocol.ledger import Reason
from protocol.state import House, State
from protocol.units import to_units_down


def hedge(state: State, house: House, account: int) -> tuple[Fill | Queued, ...]:
    """Trade for the vault as its rule plans it, and reward `account` out of the vault. Returns the fills.

    Raises NothingToDo where there is no rule or it may rest, StalePrice, SlippageExceeded beyond the rule's bound, and what a
    trade of the vault's own raises.
    """
    rules = state.exchange(house).hedging
    if rules is None or house.vault < 0:
        raise NothingToDo(exchange=house.name)
    need_usable(state, house, house.vault)
    plan = rules.plan(state, house)
    if not plan:
        raise NothingToDo(exchange=house.name)

    fills = []
    for listing, size, slippage in plan:
        mark = state.market(listing).instrument.price(state, listing, usable_index(state, listing).value)
        limit = mark * (1.0 + math.copysign(slippage, size))
        fills.append(trade(state, listing, house.vault, size, limit))
    reward = to_units_down(rules.reward, int(house.cash_scale))
    state.ledger.move(house.cash, house.vault, account, reward, Reason.HEDGING)
    return tuple(fills)
