"""Positions over two chains, leg by leg under one lock: offered, accepted, and opened on both for one secret, or dropped on both.

A leg is prepared once both sides have put margin up for it and it could be opened as it stands; then nothing but its deadline, an
index gone stale, or a move of the price beyond the margin can keep whoever tells the secret from opening it. Attack surface: who
holds the secret holds an option on the agreed price until the deadline (`roles/swapper.py`); a chain that is down between one leg's
opening and the other's deadline leaves one leg alone, and so does a reorganisation of either; margin is asked for again when a leg
is opened, so what is put up has to last until then.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np

from protocol import vesting
from protocol.bridge import Leg, legs
from protocol.clearing import MOVES_PER_FILL, fee_on, transfer
from protocol.errors import (
    AlreadyCarried,
    DealOver,
    InAuction,
    NotAllowed,
    NothingToDo,
    OpenInterestCapped,
    TooEarly,
    UnknownMessage,
    WrongChain,
    WrongSecret,
)
from protocol.exchange.admission import need_admission
from protocol.exchange.bridging import side_of
from protocol.exchange.cases import barred
from protocol.exchange.checks import (
    desk_of,
    need_margin,
    need_open,
    need_room,
    need_running,
    need_usable,
    usable_index,
)
from protocol.exchange.fills import Fill
from protocol.ledger import WORLD, Reason
from protocol.state import Listing, Span, State


def offer_leg(
    state: State,
    span: Span,
    account: int,
    to: int,
    listing: Listing,
    size: int,
    price: float,
    margin: int,
    lock: bytes,
    until: float,
) -> None:
    """Offer to take `size` of `to` at `price`, with `margin` put up, until a moment; again under a lock that came to nothing.

    Raises NothingToDo, NotAllowed, WrongChain, AlreadyCarried, InsufficientBalance.
    """
    chain = side_of(state, span, account)
    known = legs(state, span, chain)
    if size == 0 or margin <= 0 or not (0 < price < math.inf) or not until > state.time:
        raise NothingToDo(size=size, margin=margin, price=price)
    if to in (WORLD, account) or state.ledger.exchange[to] >= 0 or listing.size < 0:
        raise NotAllowed(account=account, to=to)
    if state.ledger.chain[to] != chain or listing.house.chain != chain:
        raise WrongChain(account=account, to=to)
    if lock in known and (known[lock].secret or not known[lock].over):
        raise AlreadyCarried(account=account, lock=lock.hex()[:8])

    state.ledger.move(listing.house.token, account, span.boxes[chain == span.target], margin, Reason.DEAL)
    _write(state, span, chain, lock, Leg(account, to, listing.number, size, price, (margin, 0), until))


def accept_leg(state: State, span: Span, account: int, lock: bytes, margin: int) -> None:
    """Put margin up for the other side. It is a vote: a leg that could not be opened now is not prepared.

    Raises UnknownMessage, DealOver, AlreadyCarried, NotAllowed, NothingToDo, InsufficientBalance, and what opening it raises.
    """
    chain = side_of(state, span, account)
    leg = _standing(state, span, chain, lock)
    if leg.to != account:
        raise NotAllowed(account=account, to=leg.to)
    if leg.prepared:
        raise AlreadyCarried(account=account, lock=lock.hex()[:8])
    if margin <= 0:
        raise NothingToDo(margin=margin)
    if state.time >= leg.until:
        raise DealOver(until=leg.until)

    listing = state.markets[leg.market]
    state.ledger.move(listing.house.token, account, span.boxes[chain == span.target], margin, Reason.DEAL)
    leg = leg._replace(margins=(leg.margins[0], margin), prepared=True)
    _write(state, span, chain, lock, leg)

    mark = state.mark()
    _fill(state, span, chain, leg)
    state.rewind(mark)


def open_leg(state: State, span: Span, account: int, lock: bytes, secret: bytes) -> Fill:
    """Tell the secret, in time: margins go in, and the position is there, whoever tells.

    Raises UnknownMessage (not prepared is not there), DealOver, WrongSecret; Expired, Halted, NotAdmitted, InAuction, StalePrice,
    OpenInterestCapped, AccountIsolated, UnderMargined as a trade.
    """
    chain = side_of(state, span, account)
    leg = _standing(state, span, chain, lock)
    if not leg.prepared:
        raise UnknownMessage(lock=lock.hex()[:8], prepared=False)
    if state.time >= leg.until:
        raise DealOver(until=leg.until)
    if hashlib.sha256(secret).digest() != lock:
        raise WrongSecret(account=account)

    done = _fill(state, span, chain, leg)
    _write(state, span, chain, lock, leg._replace(secret=secret, over=True))
    return done


def drop_leg(state: State, span: Span, account: int, lock: bytes) -> None:
    """Too late, or not accepted yet and no longer wanted: margins go back. Raises UnknownMessage, DealOver, TooEarly."""
    chain = side_of(state, span, account)
    leg = _standing(state, span, chain, lock)
    if state.time < leg.until and (leg.prepared or account != leg.account):
        raise TooEarly(until=leg.until)

    token, box = state.markets[leg.market].house.token, span.boxes[chain == span.target]
    for who, units in zip((leg.account, leg.to), leg.margins, strict=True):
        state.ledger.move(token, box, who, units, Reason.DEAL)
    _write(state, span, chain, lock, leg._replace(over=True))


def _fill(state: State, span: Span, chain: int, leg: Leg) -> Fill:
    """Margins into custody and size against quote, the taker's fee paid; both sides have to stand."""
    listing, ledger = state.markets[leg.market], state.ledger
    house, market, sides = listing.house, state.market(listing), (leg.account, leg.to)
    need_running(state, listing)
    need_open(state, listing)
    index, ends = usable_index(state, listing).value, np.array(sides)
    if len(up := barred(state, house, ends)):
        raise InAuction(account=int(up[0]), market=listing.name)
    for who in sides:
        need_admission(state, market.access, who, listing.name)
        need_usable(state, house, who)

    box = span.boxes[chain == span.target]
    for who, units in zip(sides, leg.margins, strict=True):
        ledger.move(house.token, box, house.custody, units, Reason.DEAL)
        ledger.move(house.cash, house.custody, who, units, Reason.DEPOSIT)
        vesting.note(state, house, who, units)
    ledger.reserve(MOVES_PER_FILL)  # before the desk is made: it holds the journal
    interest = state.edit(listing.interest_at)
    desk = desk_of(state, listing, interest, -math.inf, market.fee, index)
    before = interest.copy()
    owed = math.ceil(leg.size * leg.price * listing.price_scale)
    transfer(desk, leg.account, leg.to, leg.size, owed)
    ledger.move(house.cash, leg.account, listing.fees, math.ceil(fee_on(float(abs(owed)), market.fee, 1.0)), Reason.FEE)

    if any(interest[side] > max(before[side], desk.cap[side]) for side in (0, 1)):
        raise OpenInterestCapped(market=listing.name, size=leg.size)
    for who in sides:
        need_room(state, house, who)
        need_margin(state, house, who)
    return Fill(leg.account, listing, leg.size, owed)


def _standing(state: State, span: Span, chain: int, lock: bytes) -> Leg:
    leg = legs(state, span, chain).get(lock)
    if leg is None:
        raise UnknownMessage(lock=lock.hex()[:8])
    if leg.over:
        raise DealOver(until=leg.until)
    return leg


def _write(state: State, span: Span, chain: int, lock: bytes, leg: Leg) -> None:
    state.put(f"{span.path}.legs.{chain}", {**legs(state, span, chain), lock: leg})
