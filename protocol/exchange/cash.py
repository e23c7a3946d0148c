"""Deposits and withdrawals: tokens into custody against a claim, and back; and tokens from one wallet into another."""

from __future__ import annotations

from protocol import vesting
from protocol.errors import EmptyTill, NotAllowed, NothingToDo, Unsettled, WrongChain
from protocol.exchange.checks import need_margin, need_own_cash, need_usable, need_vested
from protocol.ledger import WORLD, Reason
from protocol.state import House, State


def deposit(state: State, house: House, account: int, units: int) -> None:
    """Tokens into custody, a claim on it out. Raises InsufficientBalance, NothingToDo."""
    if units <= 0:
        raise NothingToDo(amount=units)

    state.ledger.move(house.token, account, house.custody, units, Reason.DEPOSIT)
    state.ledger.move(house.cash, house.custody, account, units, Reason.DEPOSIT)
    vesting.note(state, house, account, units)


def withdraw(state: State, house: House, account: int, units: int) -> None:
    """A claim back to custody, tokens out. Raises EmptyTill, UnderMargined, StalePrice, NothingToDo, Unsettled, Unvested."""
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
    vesting.note(state, house, account, -units)

    need_margin(state, house, account)
    need_vested(state, house, account)
    if state.ledger.balance[house.cash, account] < 0:
        need_own_cash(state, house, account)


def transfer(state: State, token: int, account: int, to: int, units: int) -> None:
    """Tokens from one player's wallet into another's. Raises InsufficientBalance, NothingToDo, NotAllowed."""
    if units <= 0:
        raise NothingToDo(amount=units)
    if to == WORLD or state.ledger.exchange[to] >= 0 or not state.ledger.is_token[token]:
        raise NotAllowed(account=account, to=to)
    if state.ledger.chain[to] != state.ledger.chain[account]:
        raise WrongChain(account=account, to=to)

    state.ledger.move(token, account, to, units, Reason.TRANSFER)
