"""Collateral: tokens into custody against a claim that counts as margin, and back."""

from __future__ import annotations

import math

from protocol.errors import CollateralCapped, EmptyTill, InsufficientBalance, NothingToDo
from protocol.exchange.checks import need_margin, need_usable, need_vested
from protocol.ledger import Reason
from protocol.state import Pledgeable, State


def pledge(state: State, seat: Pledgeable, account: int, units: int) -> None:
    """Tokens into custody, a claim on them out. Raises InsufficientBalance, CollateralCapped, NothingToDo."""
    if units <= 0:
        raise NothingToDo(amount=units)
    house = seat.house
    cap = math.floor(state.exchange(house).collateral[seat.index].cap * seat.scale)
    held = -int(state.ledger.balance[seat.claim, house.custody])
    if held + units > cap:
        raise CollateralCapped(token=seat.name, has=held, adds=units, allowed=cap)

    state.ledger.move(seat.token, account, house.custody, units, Reason.PLEDGE)
    state.ledger.move(seat.claim, house.custody, account, units, Reason.PLEDGE)


def release(state: State, seat: Pledgeable, account: int, units: int) -> None:
    """A claim back to custody, tokens out. Raises what `withdraw` may raise, and InsufficientBalance."""
    if units <= 0:
        raise NothingToDo(amount=units)
    house = seat.house
    held = int(state.ledger.balance[seat.claim, account])
    if held < units:
        raise InsufficientBalance(token=seat.name, has=held, needs=units)
    if state.ledger.balance[seat.token, house.custody] < units:
        raise EmptyTill(has=int(state.ledger.balance[seat.token, house.custody]), needs=units)
    need_usable(state, house, account)

    state.ledger.move(seat.claim, account, house.custody, units, Reason.PLEDGE)
    state.ledger.move(seat.token, house.custody, account, units, Reason.PLEDGE)

    need_margin(state, house, account)
    need_vested(state, house, account)
