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
from protocol.ledger import Arrays, Floats, Ints, Reason, shift
from protocol.solvency import Terms, claims, valued, weigh

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


class Seats(NamedTuple):
    """Where a market of claims lives: rows and accounts of the ledger."""

    size: int
    quote: int
    funding: int
    cash: int
    venue: int  # account on the other side
    clearing: int
    fund: int
    fees: int


class Desk(NamedTuple):
    """What the loop needs to know of a market of claims. Without names outside compiled code: see `opened`."""

    arrays: Any  # the ledger's: `Bare`, inside `Arrays`
    seats: Any  # [8], inside `Seats`
    price_scale: float  # cash units per size unit at price one
    room: Ints  # [2, rows] to reckon in
    fee: float  # of notional
    index: float  # type: ignore[assignment]  # funding index, cash units per size unit
    interest: Floats  # [2] open interest long and short of everybody but the venue, size units; updated
    cap: tuple[float, float]  # most open interest long and short, size units
    least: float  # smallest excess over the requirement a fill may leave; -inf for forced trades


@inner
def opened(bare: Any) -> Desk:
    """A desk with names, of one as compiled functions are handed it: each thing handed over takes its time (see `compiled`)."""
    at = bare[1]
    seats = Seats(at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7])
    return Desk(Arrays(*bare[0]), seats, *bare[2:])


@shared
def fee_on(notional: N, fee: N, one: N) -> N:
    """What a trade of so much is charged, a share of it; ints are rounded up, as GMX V1's `getPositionFee` is."""
    return up(notional, fee, one)


@shared
def funding_due(size: N, index: N, entered: N, one: N) -> N:
    """What a position owes since it was last touched, at the index of now; ints are rounded up, as by dYdX V1's P1Settlement."""
    return up(size * index - entered, 1, one)


@inner
def accrued(desk: Desk, size: int, entered: int) -> int:
    """Cash units of funding that a position owes since it was last touched, rounded against its holder."""
    return int(np.ceil(funding_due(size, desk.index, entered, 1.0)))


@inner
def entry(desk: Desk, traded: int) -> int:
    """Funding counted as settled of so much size, at the index of now."""
    return int(np.floor(traded * desk.index))


@inner
def gained(size: int, quote: int, traded: int, owed: int) -> int:
    """The closed part of a position's quote, so that what remains keeps its average price. 0 where nothing is closed.

    `size` and `quote` are those before the trade.
    """
    if size == 0 or (size > 0) == (traded > 0):
        return 0
    if size + traded == 0:  # flat: nothing may be left over
        return quote - owed
    closed = min(1.0, abs(traded) / abs(size))
    closing = min(1.0, abs(size) / abs(traded))
    return int(np.floor(quote * closed - owed * closing))


@inner
def charged(desk: Desk, owed: int) -> int:
    """Cash units of fee on a trade."""
    return int(np.ceil(fee_on(float(abs(owed)), desk.fee, 1.0)))


@inner
def pay_funding(desk: Desk, account: int, due: int) -> None:
    """Pay the funding that has accrued; what rounding leaves stays with `fund`."""
    shift(desk.arrays, desk.seats.cash, account, desk.seats.fund, due, _FUNDING)
    shift(desk.arrays, desk.seats.funding, desk.seats.fund, account, due, _FUNDING)


@inner
def settle_funding(desk: Desk, account: int) -> None:
    """Pay an account's funding up to now."""
    balance = desk.arrays.balance
    pay_funding(desk, account, accrued(desk, balance[desk.seats.size, account], balance[desk.seats.funding, account]))


@inner
def deliver(desk: Desk, account: int, other: int, traded: int, owed: int) -> None:
    """Exchange size for quote between two accounts, at the funding index of now."""
    shift(desk.arrays, desk.seats.size, other, account, traded, _TRADE)
    shift(desk.arrays, desk.seats.quote, account, other, owed, _TRADE)
    shift(desk.arrays, desk.seats.funding, other, account, entry(desk, traded), _TRADE)


@inner
def realise(desk: Desk, account: int, gain: int) -> None:
    """Turn so much quote into cash. Worth nothing to anybody: clearing gives cash for quote, one for one."""
    shift(desk.arrays, desk.seats.quote, account, desk.seats.clearing, gain, _REALISE)
    shift(desk.arrays, desk.seats.cash, desk.seats.clearing, account, gain, _REALISE)


@inner
def interest_with(desk: Desk, before: int, after: int) -> tuple[float, float]:
    """Open interest long and short, were an account's size another."""
    longs = desk.interest[0] + (max(after, 0) - max(before, 0))
    return longs, desk.interest[1] + (max(-after, 0) - max(-before, 0))


@inner
def count_interest(desk: Desk, before: int, after: int) -> None:
    """Keep the running open interest of accounts other than the venue."""
    desk.interest[0], desk.interest[1] = interest_with(desk, before, after)


@inner
def beyond_cap(desk: Desk, before: int, after: int) -> bool:
    """Whether a position that grows would take its side's open interest beyond the cap."""
    longs, shorts = interest_with(desk, before, after)
    over = longs > desk.cap[0] if after > before else shorts > desk.cap[1]
    return abs(after) > abs(before) and over


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
def refusal(size: float, cost: float, limit: float, price_scale: float) -> int:
    """The code of why an order cannot be filled at what its venue asks; 0 where it can."""
    if not countable(size, cost):
        return _DEEP
    return _SLIPPED if beyond_limit(cost, size, limit, price_scale) else 0


@inner
def keep_if(filled: bool, pool: Floats, spare: Floats) -> None:
    """After an order, the venue's numbers of now into `spare`; or, where it was not filled, those of before back into `pool`."""
    for k in range(len(pool)):
        pool[k] = spare[k] = pool[k] if filled else spare[k]


@inner
def propose(desk: Desk, terms: Terms, before: Ints, traded: int, owed: int, fee: int, after: Ints) -> tuple[int, int]:
    """What an account that holds `before` will hold `after` a trade: units [rows]. Returns (funding it pays, what it realises)."""
    size, quote, funding = (
        desk.seats.size - terms.first,
        desk.seats.quote - terms.first,
        desk.seats.funding - terms.first,
    )
    due = accrued(desk, before[size], before[funding])
    gain = gained(before[size], before[quote], traded, owed)
    for row in range(len(after)):
        after[row] = before[row]
    after[size] += traded
    after[quote] -= owed + gain
    after[funding] += due + entry(desk, traded)
    after[desk.seats.cash - terms.first] += gain - due - fee
    return due, gain


@inner
def standing(desk: Desk, terms: Terms, before: Ints, after: Ints) -> int:
    """0 if an account that held `before` may hold `after`, else a code. Shapes [rows], units.

    Below its requirement an account may still trade if that shrinks the position and leaves it no worse. Somebody below it
    could otherwise never get out. Nobody walks away from a debt: the last position of an account worth less than nothing, its
    collateral in full, is for keepers to close, and the waterfall to settle.
    """
    worth, needs, positions = weigh(terms, after)
    if positions > terms.most:
        return _ISOLATED
    if worth - needs >= desk.least:
        return 0
    size, now = before[desk.seats.size - terms.first], after[desk.seats.size - terms.first]
    shrunk = abs(now) < abs(size) and (now == 0 or (now > 0) == (size > 0))
    if not shrunk or (positions == 0 and valued(terms.full, after) < 0):
        return _UNDER
    had, needed, _ = weigh(terms, before)
    return 0 if worth - needs >= had - needed else _UNDER


@inner
def carry(desk: Desk, terms: Terms, account: int, traded: int, owed: int) -> int:
    """Trade with the venue if the account may stand so; else a code, and nothing has moved."""
    before, after = claims(desk.arrays, terms, account), desk.room[0]
    size, fee = before[desk.seats.size - terms.first], charged(desk, owed)
    due, gain = propose(desk, terms, before, traded, owed, fee, after)
    code = standing(desk, terms, before, after)
    if code == 0 and beyond_cap(desk, size, size + traded):
        code = _CAPPED
    if code != 0:
        return code

    pay_funding(desk, account, due)
    deliver(desk, account, desk.seats.venue, traded, owed)
    realise(desk, account, gain)
    shift(desk.arrays, desk.seats.cash, account, desk.seats.fees, fee, _FEE)
    count_interest(desk, size, size + traded)
    return 0


def claims_loop(take: Take) -> Any:
    """The filling loop of a market of claims for one venue's `take`."""

    @inner
    def loop(pool: Floats, spare: Floats, where: Any, margin: Any, orders: Any, done: Any) -> None:
        """Fill each order of a market of claims against the venue's own account, in turn. `spare` is a copy of `pool`."""
        desk, terms, batch, fills = opened(where), Terms(*margin), Batch(*orders), Fills(*done)
        for row in range(len(batch.size)):
            traded, code, owed = batch.size[row], _NOTHING, 0
            if traded != 0:
                cost = take(pool, float(traded))
                code = refusal(float(traded), cost, batch.limit[row], desk.price_scale)
                if code == 0:
                    owed = int(cost)
                    code = carry(desk, terms, batch.account[row], traded, owed)
            fills.owed[row], fills.code[row] = owed if code == 0 else 0, code
            keep_if(code == 0, pool, spare)

    return loop


class Till(NamedTuple):
    """What the loop needs to know of a market of tokens."""

    arrays: Any  # the ledger's: `Bare` outside compiled code, `Arrays` inside
    base: int
    cash: int
    venue: int
    price_scale: float


def tokens_loop(take: Take) -> Any:
    """The filling loop of a spot market for one venue's `take`."""

    @inner
    def loop(pool: Floats, spare: Floats, where: Any, orders: Any, done: Any) -> None:
        """Fill each order of a spot market against the pool's account, in turn: tokens for tokens, no margin.

        `spare` is a copy of `pool`.
        """
        till, batch, fills = Till(Arrays(*where[0]), *where[1:]), Batch(*orders), Fills(*done)
        balance = till.arrays.balance
        for row in range(len(batch.size)):
            account, traded, code, owed = batch.account[row], batch.size[row], _NOTHING, 0
            if traded != 0:
                cost = take(pool, float(traded))
                code = refusal(float(traded), cost, batch.limit[row], till.price_scale)
                if code == 0:
                    owed = int(cost)
                    if balance[till.cash, account] < owed or balance[till.base, account] < -traded:
                        code = _POOR
            fills.owed[row], fills.code[row] = owed if code == 0 else 0, code
            keep_if(code == 0, pool, spare)
            if code == 0:
                shift(till.arrays, till.base, till.venue, account, traded, _TRADE)
                shift(till.arrays, till.cash, account, till.venue, owed, _TRADE)

    return loop


def pricing_loop(take: Take) -> Any:
    """The pricing loop for one venue's `take`."""

    @inner
    def loop(pool: Floats, spare: Floats, sizes: Ints, owed: Floats) -> None:
        """What each order in turn would owe (cash units; nan where the venue cannot fill it). `pool` is used up.

        `spare` is a copy of `pool`.
        """
        for row in range(len(sizes)):
            owed[row] = take(pool, float(sizes[row]))
            priced = countable(float(sizes[row]), owed[row])
            if not priced:
                owed[row] = np.nan
            keep_if(priced, pool, spare)

    return loop


def transfer(desk: Desk, account: int, other: int, traded: int, owed: int) -> None:
    """Trade `traded` units between two players' accounts for `owed` cash units, outside the venue and without a fee."""
    _transfer(tuple(desk), account, other, traded, owed)


@compiled
def _transfer(where: Any, account: int, other: int, traded: int, owed: int) -> None:
    desk = opened(where)
    balance = desk.arrays.balance
    size, other_size = balance[desk.seats.size, account], balance[desk.seats.size, other]
    gain = gained(size, balance[desk.seats.quote, account], traded, owed)
    other_gain = gained(other_size, balance[desk.seats.quote, other], -traded, -owed)
    settle_funding(desk, account)
    settle_funding(desk, other)
    deliver(desk, account, other, traded, owed)
    realise(desk, account, gain)
    realise(desk, other, other_gain)
    count_interest(desk, size, size + traded)
    count_interest(desk, other_size, other_size - traded)
