"""A bridge's verbs: keep a token and say so, carry out on one chain what was said on the other, and deals in two halves.

Each chain has tables of its own, so that one may be reorganised without the other noticing: that is what finality is about.
"""

from __future__ import annotations

import hashlib

from protocol.bridge import Deal, Key, Message, carried, deals, final_at, sent, top
from protocol.errors import (
    AlreadyCarried,
    BridgeEmpty,
    DealOver,
    NotAllowed,
    NotFinal,
    NothingToDo,
    TooEarly,
    UnknownMessage,
    WrongChain,
    WrongSecret,
)
from protocol.ledger import WORLD, Reason
from protocol.state import Span, State


def dispatch(state: State, span: Span, account: int, to: int, units: int, salt: int) -> Message:
    """Lock (on the source) or burn (on the target), and leave a message for the other chain, in favour of `to`.

    Raises NothingToDo, WrongChain, NotAllowed, AlreadyCarried, InsufficientBalance.
    """
    chain = side_of(state, span, account)
    if units <= 0:
        raise NothingToDo(amount=units)
    if to == WORLD or state.ledger.exchange[to] >= 0:
        raise NotAllowed(account=account, to=to)
    if state.ledger.chain[to] != span.other(chain):
        raise WrongChain(account=account, to=to)
    messages, key = sent(state, span, chain), Key(account, salt, to, units)
    if key in messages:
        raise AlreadyCarried(account=account, salt=salt)

    message = Message(key, top(state, chain).height, state.time)

    if chain == span.source:
        state.ledger.move(span.token, account, span.escrow, units, Reason.BRIDGE)
    else:
        state.ledger.move(span.wrapped, account, WORLD, units, Reason.BRIDGE)
    state.put(f"{span.path}.sent.{chain}", {**messages, key: message})
    return message


def carry(state: State, span: Span, account: int, key: Key) -> int:
    """Mint (on the target) or release (on the source) what a message of the other chain says; returns the fee, to `account`.

    Raises WrongChain, UnknownMessage, AlreadyCarried, NotFinal, BridgeEmpty.
    """
    chain = side_of(state, span, account)
    there, done = span.other(chain), carried(state, span, chain)
    message = sent(state, span, there).get(key)
    if key in done:
        raise AlreadyCarried(account=key.account, salt=key.salt)
    if message is None:
        raise UnknownMessage(account=key.account, salt=key.salt)
    blocks, due = final_at(state, span, there, message)
    if blocks > 0 or state.time < due:
        raise NotFinal(blocks=blocks, due=due)
    held = int(state.ledger.balance[span.token, span.escrow])
    if chain == span.source and held < key.units:
        raise BridgeEmpty(has=held, needs=key.units)

    fee = int(state.rules.bridges[span.index].fee * key.units)

    token, issuer = (span.token, span.escrow) if chain == span.source else (span.wrapped, WORLD)
    state.ledger.move(token, issuer, key.to, key.units - fee, Reason.BRIDGE)
    state.ledger.move(token, issuer, account, fee, Reason.BRIDGE)
    state.put(f"{span.path}.carried.{chain}", {**done, key: message})
    return fee


def prepare(state: State, span: Span, account: int, to: int, token: int, units: int, lock: bytes, until: float) -> None:
    """One half of a deal: tokens for `to`, on the same chain, against the secret behind `lock`, until a moment.

    Raises NothingToDo, NotAllowed, WrongChain, AlreadyCarried, InsufficientBalance.
    """
    chain = side_of(state, span, account)
    open_deals = deals(state, span, chain)
    if units <= 0 or not until > state.time:
        raise NothingToDo(amount=units)
    if to == WORLD or state.ledger.exchange[to] >= 0 or not state.ledger.is_token[token]:
        raise NotAllowed(account=account, to=to)
    if state.ledger.chain[to] != chain:
        raise WrongChain(account=account, to=to)
    if lock in open_deals:
        raise AlreadyCarried(account=account, lock=lock.hex()[:8])

    state.ledger.move(token, account, span.boxes[chain == span.target], units, Reason.DEAL)
    _write(state, span, chain, lock, Deal(account, to, token, units, until))


def commit(state: State, span: Span, account: int, lock: bytes, secret: bytes) -> None:
    """Tell the secret, in time: the half goes to whom it was for, whoever tells. Raises UnknownMessage, DealOver, WrongSecret."""
    chain = side_of(state, span, account)
    deal = _open(state, span, chain, lock)
    if state.time >= deal.until:
        raise DealOver(until=deal.until)
    if hashlib.sha256(secret).digest() != lock:
        raise WrongSecret(account=account)

    state.ledger.move(deal.token, span.boxes[chain == span.target], deal.to, deal.units, Reason.DEAL)
    _write(state, span, chain, lock, deal._replace(secret=secret, over=True))


def abort(state: State, span: Span, account: int, lock: bytes) -> None:
    """Too late: the half goes back. Raises UnknownMessage, DealOver, TooEarly."""
    chain = side_of(state, span, account)
    deal = _open(state, span, chain, lock)
    if state.time < deal.until:
        raise TooEarly(until=deal.until)

    state.ledger.move(deal.token, span.boxes[chain == span.target], deal.account, deal.units, Reason.DEAL)
    _write(state, span, chain, lock, deal._replace(over=True))


def side_of(state: State, span: Span, account: int) -> int:
    """The end of a bridge at which an account lives, a chain. Raises WrongChain."""
    chain = int(state.ledger.chain[account])
    if chain not in (span.source, span.target):
        raise WrongChain(account=account, bridge=span.name)
    return chain


def _open(state: State, span: Span, chain: int, lock: bytes) -> Deal:
    deal = deals(state, span, chain).get(lock)
    if deal is None:
        raise UnknownMessage(lock=lock.hex()[:8])
    if deal.over:
        raise DealOver(until=deal.until)
    return deal


def _write(state: State, span: Span, chain: int, lock: bytes, deal: Deal) -> None:
    state.put(f"{span.path}.deals.{chain}", {**deals(state, span, chain), lock: deal})
