"""Deposits and withdrawals: tokens into custody against a claim, and back."""

from __future__ import annotations

from protocol.errors import (
    EmptyTill,
    NothingToDo,
    Unsettled,
)
from protocol.exchange.checks import need_margin, need_own_cash, need_usable
from protocol.ledger import Reason
from protocol.state import House, State


def deposit(state: State, house: House, account: int, units: int) -> None:
    """Tokens into custody, a claim on it out. Raises InsufficientBalance, NothingToDo."""
    if units <= 0:
        raise NothingToDo(amount=units)

    state.ledger.move(house.token, account, house.custody, units, Reason.DEPOSIT)
    state.ledger.move(house.cash, house.custody, account, units, Reason.DEPOSIT)


def withdraw(state: State, house: House, account: int, units: int) -> None:
    """A claim back to custody, tokens out. Raises EmptyTill, UnderMargined, StalePrice, NothingToDo, Unsettled."""
    if units <= 0:
        raise NothingToDo(amount=units)
    if state.ledger.balance[house.token, house.custody] < units:
        raise EmptyTill(has=int(state.ledger.balance[house.token, house.custody]), needs=units)
    for listing in state.listings[house.index]:
        if state.market(listing).venue.is_pending(state, listing, account):
            raise Unsettled(account=account, market=listing.name)
    need_usable(state, house, account)

    state.ledger.move(house.cash, account, house.custody, units, Reason.WITHDRAW)
    state.ledger.move(house.token, house.custody, account, units, Reason.WITHDRAW)

    need_margin(state, house, account)
    if state.ledger.balance[house.cash, account] < 0:
        need_own_cash(state, house, account)
