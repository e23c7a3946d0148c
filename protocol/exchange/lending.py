"""Loans: tokens into a pool against shares, out of it against a debt, and both back."""

from __future__ import annotations

from protocol import lending
from protocol.errors import EmptyTill, InsufficientBalance, NothingToDo
from protocol.exchange.checks import need_margin, need_price, need_usable, need_vested
from protocol.ledger import WORLD, Reason
from protocol.lending import RAY, Accrued
from protocol.state import Lender, State


def supply(state: State, lender: Lender, account: int, units: int) -> int:
    """Tokens into the pool, shares out (rounded down). Returns the shares. Raises NothingToDo, InsufficientBalance."""
    if units <= 0:
        raise NothingToDo(amount=units)

    pool = accrue(state, lender)
    shares = lending.shares_for(units, pool, lender)
    if shares <= 0:
        raise NothingToDo(amount=units, shares=shares)

    state.ledger.move(lender.token, account, lender.account, units, Reason.SUPPLY)
    state.ledger.move(lender.share, WORLD, account, shares, Reason.SUPPLY)
    reprice(state, lender, lent=units)
    return shares


def redeem(state: State, lender: Lender, account: int, shares: int) -> int:
    """Shares in, tokens out (rounded down). Returns the units.

    Raises NothingToDo, InsufficientBalance, and EmptyTill where too much is lent out.
    """
    if shares <= 0:
        raise NothingToDo(shares=shares)

    pool = accrue(state, lender)
    units = lending.worth_of(shares, pool, lender)
    if units <= 0:
        raise NothingToDo(amount=units, shares=shares)
    if pool.tokens < units:
        raise EmptyTill(has=pool.tokens, needs=units)

    state.ledger.move(lender.share, account, WORLD, shares, Reason.SUPPLY)
    state.ledger.move(lender.token, lender.account, account, units, Reason.SUPPLY)
    reprice(state, lender, lent=-units)
    return units


def take_gift(state: State, lender: Lender, account: int, units: int) -> None:
    """Tokens into the pool for nothing: it has earned them. Raises NothingToDo, InsufficientBalance."""
    if units <= 0:
        raise NothingToDo(amount=units)

    accrue(state, lender)
    state.ledger.move(lender.token, account, lender.account, units, Reason.GIFT)
    kept = lending.book(state, lender)
    state.put(lender.path, kept._replace(earned=kept.earned + units))
    reprice(state, lender)


def borrow(state: State, lender: Lender, account: int, units: int) -> int:
    """Tokens out of the pool against a debt (rounded up). Returns the scaled units now owed more.

    Raises NothingToDo, EmptyTill, UnderMargined, StalePrice, Unvested.
    """
    if units <= 0:
        raise NothingToDo(amount=units)

    pool = accrue(state, lender)
    if pool.tokens < units:
        raise EmptyTill(has=pool.tokens, needs=units)
    scaled = -(-units * RAY // pool.index)

    state.ledger.move(lender.debt, account, lender.account, scaled, Reason.LOAN)
    state.ledger.move(lender.token, lender.account, account, units, Reason.LOAN)
    reprice(state, lender)

    need_price(state, lender.house, lender.token)
    need_usable(state, lender.house, account)
    need_margin(state, lender.house, account)
    need_vested(state, lender.house, account)
    return scaled


def repay(state: State, lender: Lender, account: int, units: int) -> int:
    """Tokens into the pool, a debt down by as much (rounded down). Returns the units taken, at most what is owed.

    Raises NothingToDo, InsufficientBalance.
    """
    return repay_for(state, lender, account, account, units, Reason.LOAN)


def repay_for(state: State, lender: Lender, payer: int, account: int, units: int, reason: Reason) -> int:
    """`payer` repays `account`'s debt."""
    held = -int(state.ledger.balance[lender.debt, account])
    if units <= 0 or held <= 0:
        raise NothingToDo(amount=units, owed=held)

    pool = accrue(state, lender)
    whole = -(-held * pool.index // RAY)
    scaled, units = (held, whole) if units >= whole else (units * RAY // pool.index, units)
    if state.ledger.balance[lender.token, payer] < units:
        raise InsufficientBalance(account=payer, has=int(state.ledger.balance[lender.token, payer]), needs=units)

    state.ledger.move(lender.token, payer, lender.account, units, reason)
    state.ledger.move(lender.debt, lender.account, account, scaled, reason)
    reprice(state, lender)
    return units


def write_off(state: State, lender: Lender, account: int) -> int:
    """Give up what an account owes: the pool bears it, and so each of its shares. Returns the units lost."""
    held = -int(state.ledger.balance[lender.debt, account])
    if held <= 0:
        return 0
    before = accrue(state, lender).debts
    state.ledger.move(lender.debt, lender.account, account, held, Reason.WRITE_OFF)
    lost = before - lending.accrued(state, lender).debts
    reprice(state, lender, lost=lost)
    return lost


def accrue(state: State, lender: Lender) -> Accrued:
    """Write down the interest since the last touch, with the treasury's part of it in shares; returns the pool."""
    pool, kept = lending.accrued(state, lender), lending.book(state, lender)
    if pool.fresh:
        state.ledger.move(lender.share, WORLD, lender.house.treasury, pool.fresh, Reason.SUPPLY)
    state.put(lender.path, kept._replace(index=pool.index, time=state.time, earned=kept.earned + pool.interest))
    return pool


def reprice(state: State, lender: Lender, lent: int = 0, lost: int = 0) -> None:
    """Put the rate of the pool's new utilisation in force, and count what came, went or was lost."""
    pool, kept = lending.accrued(state, lender), lending.book(state, lender)
    rate = state.exchange(lender.house).loans[lender.index].rate.yearly(pool.utilisation)
    state.put(lender.path, kept._replace(rate=rate, lent=kept.lent + lent, lost=kept.lost + lost))
