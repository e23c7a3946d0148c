"""Exits from the vault: paid now, or in their turn once their time has come, at what shares are worth then.

Shares stay with their owner, and gain and lose with the vault, until the exit is paid; what cannot be paid when its time has
come, for want of cash or of capital that positions need, waits on. Answers providers who race out before a loss is marked.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from protocol import vault as vaults
from protocol.appraisal import vault_total
from protocol.errors import EmptyTill, NothingToDo, Revert, VaultCommitted
from protocol.exchange.checks import need_usable
from protocol.ledger import WORLD, Reason
from protocol.margins.base import Threshold
from protocol.state import House, State
from protocol.venues.base import GRID


class Exit(NamedTuple):
    """An exit asked for."""

    account: int
    shares: int
    ready: float  # seconds: not paid before


def exits(state: State, house: House) -> tuple[Exit, ...]:
    """All that wait, oldest first."""
    waiting: tuple[Exit, ...] = state.tables.get(house.name + ".exits", ())
    return waiting


def leaving(state: State, house: House, account: int) -> int:
    """Shares of the account that wait to be paid out."""
    return sum(one.shares for one in exits(state, house) if one.account == account)


def ask_out(state: State, house: House, account: int, shares: int) -> None:
    """Queue an exit of shares that the account has."""
    rules = state.exchange(house).vault
    assert rules is not None
    state.put(house.name + ".exits", (*exits(state, house), Exit(account, shares, state.time + rules.delay)))


def pay_out(state: State, house: House, account: int, shares: int) -> int:
    """Shares in, cash tokens out. Raises NothingToDo, InsufficientBalance, StalePrice, EmptyTill, VaultCommitted."""
    rules = state.exchange(house).vault
    assert rules is not None
    need_usable(state, house, house.vault)

    supply = -int(state.ledger.balance[house.share, WORLD])
    total = max(0, vault_total(state, house))
    gross = vaults.assets_down(shares, total, supply, rules.virtual_assets, rules.virtual_shares)
    units = min(total, math.floor(gross * (1.0 - rules.fee))) if rules.fee else min(total, gross)
    if units <= 0:
        raise NothingToDo(shares=shares, amount=units)
    if state.ledger.balance[house.token, house.custody] < units:
        raise EmptyTill(has=int(state.ledger.balance[house.token, house.custody]), needs=units)

    state.ledger.move(house.share, account, WORLD, shares, Reason.LIQUIDITY)
    state.ledger.move(house.cash, house.vault, house.custody, units, Reason.LIQUIDITY)
    state.ledger.move(house.token, house.custody, account, units, Reason.LIQUIDITY)

    worth, needs = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, house.vault)
    if worth < rules.commitment * needs:
        raise VaultCommitted(equity=worth, committed=rules.commitment * needs)
    return units


def pay_exits(state: State, house: House) -> None:
    """Pay what is due at the end of a block, in the order in which it was asked for; of what has gone elsewhere, the rest."""
    waiting = exits(state, house)
    if not any(one.ready <= state.time + GRID for one in waiting):
        return
    left = []
    for one in waiting:
        shares = min(one.shares, int(state.ledger.balance[house.share, one.account]))
        if one.ready > state.time + GRID:
            left.append(one)
        elif shares > 0:
            mark = state.mark()
            try:
                pay_out(state, house, one.account, shares)
            except Revert:
                state.rewind(mark)
                left.append(one)
    state.put(house.name + ".exits", tuple(left))
