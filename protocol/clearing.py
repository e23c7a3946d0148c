"""The loop that turns orders into fills: price, limit, caps, moves and margin, one order after the other, compiled.

There is one such loop for claims and one for tokens, for a single order and for ten thousand alike. A venue supplies `take`:
what a size owes in whole cash units, rounded against the taker, given the numbers in `pool`, which it updates. A fill that
fails any test is undone within the loop and reported by its code; nothing here knows about players, chains or fees for gas.
Each venue's file builds its loops from its `take` and compiles them under its own name, which is what lets them be cached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from protocol import errors
from protocol.compiled import compiled, inner, shared
from protocol.fixed_point import up
from protocol.ledger import Arrays, Floats, Ints, Reason, shift, undo
from protocol.solvency import Terms, equity, positions, required, valued

N = TypeVar("N", int, float)
Take = Callable[[Floats, float], float]
MOVES_PER_FILL = 12  # journal entries one fill may need
MOST = 2.0**53  # units: beyond it floats no longer count single ones

_TRADE, _REALISE, _FUNDING, _FEE = int(Reason.TRADE), int(Reason.REALISE), int(Reason.FUNDING), int(Reason.FEE)
_POOR, _SLIPPED, _DEEP = errors.InsufficientBalance.code, errors.SlippageExceeded.code, errors.DepthExceeded.code
_UNDER, _CAPPED = errors.UnderMargined.code, errors.OpenInterestCapped.code
_ISOLATED, _NOTHING = errors.AccountIsolated.code, errors.NothingToDo.code


class Batch(NamedTuple):
    """Orders to fill, in turn."""

    account: Ints  # [n]
    size: Ints  # [n] units of base, signed
    limit: Floats  # [n] worst average price, cash coins per base coin; nan: none


class Fills(NamedTuple):
    """What became of a batch."""

    owed: Ints  # [n] cash units the taker owed (negative: received), fee apart
    code: Ints  # [n] 0, or the code of the Revert


class Desk(NamedTuple):
    """What the loop needs to know of a market of claims."""

    arrays: Arrays
    size: int
    quote: int
    funding: int
    cash: int
    venue: int  # account on the other side
    clearing: int
    fund: int
    fees: int
    index: float  # type: ignore[assignment]  # funding index, cash units per size unit
    fee: float  # of notional
    price_scale: float  # cash units per size unit at price one
    interest: Floats  # [2] open interest long and short of everybody but the venue, size units; updated
    cap: tuple[float, float]  # most open interest long and short, size units
    least: float  # smallest excess over the requirement a fill may leave; -inf for forced trades


def bare_desk(desk: Desk | Till) -> Any:
    """A desk without names, as compiled functions are handed one: see `compiled`."""
    return (tuple(desk[0]), *desk[1:])


@shared
def fee_on(notional: N, fee: N, one: N) -> N:
    """What a trade of so much is charged, a share of it; ints are rounded up, as GMX V1's `getPositionFee` is."""
    return up(notional, fee, one)


@shared
def funding_due(size: N, index: N, entered: N, one: N) -> N:
    """What a position owes since it was last touched, at the index of now; ints are rounded up, as by dYdX V1's P1Settlement."""
    return up(size * index - entered, 1, one)


@inner
def settle_funding(desk: Desk, account: int) -> None:
    """Pay the funding that has accrued, rounded against the account; what rounding leaves stays with `fund`."""
    balance = desk.arrays.balance
    due = int(np.ceil(funding_due(balance[desk.size, account], desk.index, balance[desk.funding, account], 1.0)))
    shift(desk.arrays, desk.cash, account, desk.fund, due, _FUNDING)
    shift(desk.arrays, desk.funding, desk.fund, account, due, _FUNDING)


@inner
def realise(desk: Desk, account: int, size: int, quote: int, traded: int, owed: int) -> None:
    """Turn the closed part of a position's quote into cash, so that what remains keeps its average price.

    `size` and `quote` are those before the trade. Worth nothing to anybody: clearing gives cash for quote, one for one.
    """
    if size == 0 or (size > 0) == (traded > 0):
        return
    closed = min(1.0, abs(traded) / abs(size))
    closing = min(1.0, abs(size) / abs(traded))
    gain = int(np.floor(quote * closed - owed * closing))
    if desk.arrays.balance[desk.size, account] == 0:  # flat: nothing may be left over
        gain = desk.arrays.balance[desk.quote, account]
    shift(desk.arrays, desk.quote, account, desk.clearing, gain, _REALISE)
    shift(desk.arrays, desk.cash, desk.clearing, account, gain, _REALISE)


@inner
def deliver(desk: Desk, account: int, other: int, traded: int, owed: int) -> None:
    """Exchange size for quote between two accounts, at the funding index of now."""
    shift(desk.arrays, desk.size, other, account, traded, _TRADE)
    shift(desk.arrays, desk.quote, account, other, owed, _TRADE)
    shift(desk.arrays, desk.funding, other, account, int(np.floor(traded * desk.index)), _TRADE)


@inner
def count_interest(desk: Desk, before: int, after: int) -> None:
    """Keep the running open interest of accounts other than the venue."""
    desk.interest[0] += max(after, 0) - max(before, 0)
    desk.interest[1] += max(-after, 0) - max(-before, 0)


@inner
def countable(size: float, cost: float) -> bool:
    """Whether an order's size and cost are numbers of units that can be counted; nan is none."""
    return abs(size) <= MOST and abs(cost) <= MOST


@inner
def beyond_limit(owed: float, size: float, limit: float, price_scale: float) -> bool:
    """Whether the average price is worse than the limit."""
    price = owed / (size * price_scale)
    if np.isnan(limit):
        return False
    return price > limit if size > 0 else price < limit


@inner
def standing(desk: Desk, terms: Terms, account: int, size: int, excess: float) -> int:
    """0 if the account may stand where it now does, else a code.

    Below its requirement an account may still trade if that shrinks the position (`size` is the one before) and leaves it
    no worse (`excess` is the one before). Somebody below it could otherwise never get out. Nobody walks away from a debt:
    the last position of an account worth less than nothing, its collateral in full, is for keepers to close, and the waterfall
    to settle.
    """
    held = positions(desk.arrays, terms, account)
    if held > terms.most:
        return _ISOLATED
    left = equity(desk.arrays, terms, account) - required(desk.arrays, terms, account)
    if left >= desk.least:
        return 0
    if held == 0 and valued(desk.arrays, terms.first, terms.full, account) < 0:
        return _UNDER
    now = desk.arrays.balance[desk.size, account]
    shrunk = abs(now) < abs(size) and (now == 0 or (now > 0) == (size > 0))
    return 0 if shrunk and left >= excess else _UNDER


def claims_loop(take: Take) -> Any:
    """The filling loop of a market of claims for one venue's `take`."""

    @inner
    def loop(pool: Floats, where: Any, margin: Any, orders: Any, done: Any) -> None:
        """Fill each order of a market of claims against the venue's own account, in turn."""
        desk, terms = Desk(Arrays(*where[0]), *where[1:]), Terms(*margin)
        batch, fills = Batch(*orders), Fills(*done)
        spare = np.empty_like(pool)
        balance = desk.arrays.balance
        for row in range(len(batch.size)):
            account, traded = batch.account[row], batch.size[row]
            fills.owed[row] = 0
            if traded == 0:
                fills.code[row] = _NOTHING
                continue
            spare[:] = pool
            cost = take(pool, float(traded))
            if not countable(float(traded), cost):
                pool[:] = spare
                fills.code[row] = _DEEP
                continue
            if beyond_limit(cost, float(traded), batch.limit[row], desk.price_scale):
                pool[:] = spare
                fills.code[row] = _SLIPPED
                continue
            owed = int(cost)
            mark = desk.arrays.count[0]
            size, quote = balance[desk.size, account], balance[desk.quote, account]
            excess = equity(desk.arrays, terms, account) - required(desk.arrays, terms, account)
            settle_funding(desk, account)
            deliver(desk, account, desk.venue, traded, owed)
            realise(desk, account, size, quote, traded, owed)
            shift(
                desk.arrays, desk.cash, account, desk.fees, int(np.ceil(fee_on(float(abs(owed)), desk.fee, 1.0))), _FEE
            )
            count_interest(desk, size, size + traded)
            code = standing(desk, terms, account, size, excess)
            side = 0 if traded > 0 else 1
            if code == 0 and abs(size + traded) > abs(size) and desk.interest[side] > desk.cap[side]:
                code = _CAPPED
            if code != 0:
                undo(desk.arrays, mark)
                count_interest(desk, size + traded, size)
                pool[:] = spare
            else:
                fills.owed[row] = owed
            fills.code[row] = code

    return loop


class Till(NamedTuple):
    """What the loop needs to know of a market of tokens."""

    arrays: Arrays
    base: int
    cash: int
    venue: int
    price_scale: float


def tokens_loop(take: Take) -> Any:
    """The filling loop of a spot market for one venue's `take`."""

    @inner
    def loop(pool: Floats, where: Any, orders: Any, done: Any) -> None:
        """Fill each order of a spot market against the pool's account, in turn: tokens for tokens, no margin."""
        till, batch, fills = Till(Arrays(*where[0]), *where[1:]), Batch(*orders), Fills(*done)
        spare = np.empty_like(pool)
        balance = till.arrays.balance
        for row in range(len(batch.size)):
            account, traded = batch.account[row], batch.size[row]
            spare[:] = pool
            cost = take(pool, float(traded)) if traded != 0 else 0.0
            code = 0
            if traded == 0:
                code = _NOTHING
            elif not countable(float(traded), cost):
                code = _DEEP
            elif beyond_limit(cost, float(traded), batch.limit[row], till.price_scale):
                code = _SLIPPED
            elif balance[till.cash, account] < cost or balance[till.base, account] < -traded:
                code = _POOR
            fills.code[row] = code
            if code != 0:
                pool[:] = spare
                fills.owed[row] = 0
                continue
            owed = int(cost)
            shift(till.arrays, till.base, till.venue, account, traded, _TRADE)
            shift(till.arrays, till.cash, account, till.venue, owed, _TRADE)
            fills.owed[row] = owed

    return loop


def pricing_loop(take: Take) -> Any:
    """The pricing loop for one venue's `take`."""

    @inner
    def loop(pool: Floats, sizes: Ints, owed: Floats) -> None:
        """What each order in turn would owe (cash units; nan where the venue cannot fill it). `pool` is used up."""
        spare = np.empty_like(pool)
        for row in range(len(sizes)):
            spare[:] = pool
            owed[row] = take(pool, float(sizes[row]))
            if not countable(float(sizes[row]), owed[row]):
                pool[:] = spare
                owed[row] = np.nan

    return loop


def transfer(desk: Desk, account: int, other: int, traded: int, owed: int) -> None:
    """Trade `traded` units between two players' accounts for `owed` cash units, outside the venue and without a fee."""
    _transfer(bare_desk(desk), account, other, traded, owed)


@compiled
def _transfer(where: Any, account: int, other: int, traded: int, owed: int) -> None:
    desk = Desk(Arrays(*where[0]), *where[1:])
    balance = desk.arrays.balance
    sizes = balance[desk.size, account], balance[desk.size, other]
    quotes = balance[desk.quote, account], balance[desk.quote, other]
    settle_funding(desk, account)
    settle_funding(desk, other)
    deliver(desk, account, other, traded, owed)
    realise(desk, account, sizes[0], quotes[0], traded, owed)
    realise(desk, other, sizes[1], quotes[1], -traded, -owed)
    count_interest(desk, sizes[0], sizes[0] + traded)
    count_interest(desk, sizes[1], sizes[1] - traded)
