"""Block space: a mempool, an order, a capacity, a price, and each transaction executed whole or not at all.

What players send waits in the mempool until it arrives, fits and is served. Single transactions and rows of a crowd's orders
compete in one order; between two single ones the chain fills a run of plain orders in one call. A failed transaction pays
its gas. Attack surface: order and capacity are for sale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from protocol import exchange
from protocol.bridge import Top, top_of
from protocol.clearing import Batch
from protocol.compiled import compiled, unsigned
from protocol.errors import InsufficientBalance, Revert, StalePrice, WrongChain
from protocol.gas import GAS
from protocol.ledger import WORLD, Arrays, Bare, Floats, Ints, Reason, shift
from protocol.loan_transactions import FlashLoan
from protocol.mempool import ORDER, Mempool, Pending, Rows, Waiting, append
from protocol.orderings.base import Outside
from protocol.residence import need_here
from protocol.state import Listing, State
from protocol.transactions import Bundle, Transaction
from protocol.undoing import served
from protocol.world import Chain

QUIET = Outside(0.0, 1.0)
NONE: Ints = np.empty(0, np.int64)
TRADE_GAS = GAS["Trade"]
_GAS = int(Reason.GAS)


class Receipt(NamedTuple):
    """What became of a single transaction."""

    transaction: Transaction
    arrival: float
    tip: float
    paid: int  # cash units of gas
    outcome: Any
    revert: Revert | None
    used: int  # gas: what it took of the block; 0 of one that could not pay, and was not run


class Filled(NamedTuple):
    """What became of a run of plain orders. Shapes [n]; `code` 0 where filled."""

    listing: Listing
    account: Ints
    size: Ints
    owed: Ints
    code: Ints  # below 0: queued for an auction


class Block(NamedTuple):
    """A sealed block."""

    time: float
    height: int
    base_fee: float  # cash coins per gas, of this block
    used: float  # gas, the model's own
    outside: float  # gas, everybody else's
    receipts: tuple[Receipt, ...]
    filled: tuple[Filled, ...]
    waiting: int  # transactions that did not fit
    sent: Waiting | None = None  # what it served, where it may be undone


class Offer(NamedTuple):
    """What could go into a block: singles, then rows of crowds, and the order in which an honest builder would serve them."""

    pending: list[Pending]
    rows: Rows
    order: Ints  # places in the queue of both


class Built(NamedTuple):
    """What a builder makes of it. Places beyond the queue's end mean `own`, in turn; what is left out goes on waiting."""

    own: tuple[Pending, ...]
    order: Ints


Builder = Callable[[Offer], "Built | None"]  # None: the honest block


class Witness(Protocol):
    """Somebody who watches every transaction and the end of every block: `before` it is shown the state, `after` what was done."""

    def before(self, state: State) -> Any:
        """What it wants to remember."""

    def after(self, state: State, seen: Any, verb: str, account: int, reverted: bool, outcome: Any) -> None:
        """What it thinks of the deed. `verb`: of a bundle or a flash loan all its verbs, joined by "+"; `account` -1: the chain's.

        `outcome` is what the verb returned, or a run's `Filled`; None of what reverted, and of the end of a block.
        """


def seal(
    state: State,
    number: int,
    mempool: Mempool,
    time: float,
    outside: Outside = QUIET,
    entropy: int = 0,
    witness: Witness | None = None,
    builder: Builder | None = None,
) -> Block:
    """Seal the next block of chain `number` at `time`: order, fit, execute, then close the block. Leaves the journal open.

    With a `witness`, it is shown the state before and after every transaction, and before and after the block is closed.
    A `builder` is shown what would go in, and says what does.
    """
    rules, path, top, lead, _, _ = site = state.settled(_site, number)
    fee: float = state.tables[path]
    paying = outside.paying(fee)
    pending, rows = mempool.take(time, lead)
    queue, order = _line_up(pending, rows) if pending else rows, NONE
    if builder is not None:
        terms = Terms(rules, fee, outside, paying, state.time, time, entropy)
        queue, order, pending = _build(terms, queue, pending, builder)
    elif len(queue):
        order = rules.ordering.rank(queue["arrival"], queue["tip"], entropy)
        if _asked(queue, pending) + paying > rules.capacity:  # most blocks have room for all
            order = _fill_up(Terms(rules, fee, outside, paying, state.time, time, entropy), queue, pending, order, 0)
    waiting = _keep_waiting(mempool, queue, order, pending) if len(order) < len(queue) else 0

    state.time = time
    state.height += 1
    if top:
        state.put(top, Top(state.tables[top].height + 1, time))
    kept = served(pending, queue, order) if rules.reorgs is not None else None
    receipts, filled, used = _execute(state, number, site, queue, order, pending, fee, witness)

    others = min(paying, max(0.0, rules.capacity - used))
    goal = rules.target * rules.capacity
    drift = rules.fee_change * max(-1.0, min(1.0, (used + others - goal) / goal))
    state.put(path, max(rules.fee_floor, fee * (1.0 + drift)))
    seen = witness.before(state) if witness is not None else None
    for cleared in exchange.close_block(state, number):
        filled.append(Filled(*cleared))
    if witness is not None:
        witness.after(state, seen, "close_block", -1, False, None)
    return Block(time, state.height, fee, used, others, tuple(receipts), tuple(filled), waiting, kept)


class _Site(NamedTuple):
    """What sealing a chain's blocks needs to know of it, under the rules in force."""

    rules: Chain
    path: str  # of its base fee
    top: str  # path of its newest height; none where it is the only chain
    lead: float  # seconds
    token: int  # row: gas is paid in it
    scale: int  # units per coin


def _site(state: State, number: int) -> _Site:
    rules, token = state.rules.chains[number], state.chain_token[number]
    top = top_of(rules.name) if len(state.rules.chains) > 1 else ""
    scale = state.ledger.assets[token].scale
    return _Site(rules, f"chain.{rules.name}.fee", top, rules.ordering.lead(), token, scale)


class Terms(NamedTuple):
    """What a block is sealed under."""

    rules: Chain
    fee: float  # the base fee, cash coins per gas
    outside: Outside
    paying: float  # gas of those outside who pay the base fee
    opened: float  # seconds: when the last block was sealed
    time: float  # seconds: when this one is
    entropy: int


def _line_up(pending: list[Pending], rows: Rows) -> Rows:
    """One queue of everything that wants into a block: singles first, then the crowds' rows."""
    queue = np.empty(len(pending) + len(rows), ORDER)
    for row, item in enumerate(pending):
        queue[row] = (-1, item.transaction.account, 0, np.nan, item.tip, item.arrival, item.expires)
    append(queue, len(pending), rows)
    return queue


def _asked(queue: Rows, pending: list[Pending]) -> int:
    """Gas of all that wants into a block."""
    plain = TRADE_GAS * (len(queue) - len(pending))
    return plain + sum([item.transaction.gas for item in pending]) if pending else plain


def _fill_up(terms: Terms, queue: Rows, pending: list[Pending], order: Ints, own: int) -> Ints:
    """Of `order`, what there is room for. The last `own` of `pending` are the builder's: nobody outside is ahead of them."""
    if _asked(queue, pending) + terms.paying <= terms.rules.capacity:
        return order  # all fits, whoever comes before whom
    singles, arrival, tip = len(pending), queue["arrival"], queue["tip"]
    gas = np.full(len(queue), float(TRADE_GAS))
    gas[:singles] = [item.transaction.gas for item in pending]
    share = np.minimum(np.maximum((arrival - terms.opened) / max(terms.time - terms.opened, 1e-12), 0.0), 1.0)
    ahead = terms.rules.ordering.ahead(terms.outside, terms.fee, share, tip)
    ahead[singles - own : singles] = 0.0
    fitting = np.empty(len(order), np.int64)
    return fitting[: _fit(order, gas, ahead, terms.rules.capacity, fitting)]


def _build(terms: Terms, queue: Rows, pending: list[Pending], builder: Builder) -> tuple[Rows, Ints, list[Pending]]:
    """Let a builder have its way: the queue with its own transactions in it, what is served in turn, and the singles."""
    honest = terms.rules.ordering.rank(queue["arrival"], queue["tip"], terms.entropy)
    singles, rows, count = len(pending), queue[len(pending) :], len(queue)
    built = builder(Offer(pending, rows, honest))
    if built is None:
        return queue, _fill_up(terms, queue, pending, honest, 0), pending
    own, places = len(built.own), np.asarray(built.order, np.int64)
    if len(np.unique(places)) < len(places) or (len(places) and not 0 <= places.min() <= places.max() < count + own):
        raise ValueError(f"order = {places.tolist()}: each of the {count + own} places at most once")

    pending = [*pending, *built.own]
    order = np.where(places < singles, places, np.where(places < count, places + own, places - count + singles))
    queue = _line_up(pending, rows)
    return queue, _fill_up(terms, queue, pending, order, own), pending


@compiled
def _fit(order: Ints, gas: Floats, ahead: Floats, capacity: float, fitting: Ints) -> int:
    """Put what fits, of a queue in order, into `fitting`: what does not is passed over, and holds nobody else up. Shapes [n]."""
    used, count = 0.0, 0
    for turn in range(len(order)):
        place = order[turn]
        if used + gas[place] + ahead[place] <= capacity:
            used += gas[place]
            fitting[count] = place
            count += 1
    return count


def _keep_waiting(mempool: Mempool, queue: Rows, order: Ints, pending: list[Pending]) -> int:
    """Put what was not served back into the mempool; returns how much that is."""
    waits, count = np.ones(len(queue), np.bool_), len(queue) - len(order)
    rows, at = mempool.room(count)
    mempool.place(at, _leave(queue, order, len(pending), waits, rows, at))
    mempool.pending += [item for item, wait in zip(pending, waits[: len(pending)].tolist(), strict=True) if wait]
    return count


@compiled
def _leave(queue: Rows, order: Ints, singles: int, waits: NDArray[np.bool_], rows: Rows, at: int) -> int:
    """Mark what was served as not waiting, and copy the orders that wait to `rows` from `at` on; returns how many they are."""
    for turn in range(len(order)):
        waits[order[turn]] = False
    left = 0
    for place in range(singles, len(queue)):
        if waits[place]:
            rows[at + left] = queue[place]
            left += 1
    return left


def _execute(
    state: State,
    number: int,
    site: _Site,
    queue: Rows,
    order: Ints,
    pending: list[Pending],
    fee: float,
    witness: Witness | None,
) -> tuple[list[Receipt], list[Filled], float]:
    """Run what is served, in turn: singles one by one, plain orders of one market in runs."""
    receipts: list[Receipt] = []
    filled: list[Filled] = []
    used, at, last = 0.0, 0, len(order)
    if not last:
        return receipts, filled, used
    token, scale, ledger = site.token, site.scale, state.ledger
    batch = Batch(np.empty(last, np.int64), np.empty(last, np.int64), np.empty(last))
    while at < last:
        place = order.item(at)
        if place < len(pending):
            receipt = _run_single(state, number, pending[place], token, scale, fee, witness)
            used += receipt.used
            receipts.append(receipt)
            at += 1
            continue
        ledger.reserve(last - at)
        end, market, first, stop = _charge(ledger.bare, token, queue, order, at, TRADE_GAS, fee, float(scale), *batch)
        if first < stop:
            some = slice(first, stop)
            run = batch if stop - first == last else Batch(batch.account[some], batch.size[some], batch.limit[some])
            filled.append(_run_orders(state, number, state.markets[market], run, witness))
            used += TRADE_GAS * (stop - first)
        at = end
    return receipts, filled, used


@compiled
def _charge(
    bare: Bare,
    token: int,
    queue: Rows,
    order: Ints,
    at: int,
    gas: int,
    fee: float,
    scale: float,
    account: Ints,
    size: Ints,
    limit: Floats,
) -> tuple[int, int, int, int]:
    """Collect the gas of the run of plain orders that begins at `at`, all of one market; who could pay goes into the batch.

    Returns where the run ends, its market, and from where to where the batch is filled.
    """
    arrays, market = Arrays(*bare), queue[order[at]]["market"]
    count = end = at
    while end < len(order) and queue[order[end]]["market"] == market:
        row = queue[order[end]]
        payer, units = row["account"], int(np.ceil(gas * (fee + row["tip"]) * scale))
        if arrays.balance[unsigned(token), unsigned(payer)] >= units:
            shift(arrays, token, payer, WORLD, units, _GAS)
            account[count], size[count], limit[count] = payer, row["size"], row["limit"]
            count += 1
        end += 1
    return end, market, at, count


def _run_single(
    state: State, number: int, item: Pending, token: int, scale: int, fee: float, witness: Witness | None
) -> Receipt:
    transaction, tip, arrival, _, _ = item
    used = transaction.gas
    gas = math.ceil(used * (fee + tip) * scale)
    try:
        state.ledger.move(token, transaction.account, WORLD, gas, Reason.GAS)
    except InsufficientBalance as poor:
        return Receipt(transaction, arrival, tip, 0, None, poor, 0)
    seen = witness.before(state) if witness is not None else None
    mark, outcome, failure = state.mark(), None, None
    try:
        if len(state.rules.chains) > 1:
            need_here(state, number, transaction)
        outcome = transaction.apply(state)
    except Revert as revert:
        state.rewind(mark)
        failure = revert.with_traceback(None)  # whose frames would hold the block in memory
    if witness is not None:
        witness.after(state, seen, _verb(transaction), transaction.account, failure is not None, outcome)
    return Receipt(transaction, arrival, tip, gas, outcome, failure, used)


def _verb(transaction: Transaction) -> str:
    """The name of what a transaction does, in lower case."""
    if isinstance(transaction, Bundle):
        return "+".join(map(_verb, transaction.transactions))
    if isinstance(transaction, FlashLoan):
        return "+".join(["flashloan", *map(_verb, transaction.transactions)])
    return type(transaction).__name__.lower()


def _run_orders(state: State, number: int, listing: Listing, batch: Batch, witness: Witness | None) -> Filled:
    """Fill a run of plain orders, if their market lives on this chain: in one call, or one by one before a witness."""
    if listing.house.chain != number:
        return _refused(listing, batch, WrongChain.code)
    if witness is not None:
        return _run_watched(state, number, listing, batch, witness)
    try:
        owed, code = exchange.fill(state, listing, batch)
    except StalePrice as stale:
        return _refused(listing, batch, stale.code)
    return Filled(listing, batch.account, batch.size, owed, code)


def _run_watched(state: State, number: int, listing: Listing, batch: Batch, witness: Witness) -> Filled:
    """Fill one order after the other, shown to a witness."""
    parts = []
    for row in range(len(batch.size)):
        seen, one = witness.before(state), slice(row, row + 1)
        alone = Batch(batch.account[one], batch.size[one], batch.limit[one])
        parts.append(_run_orders(state, number, listing, alone, None))
        witness.after(state, seen, "trade", int(batch.account[row]), bool(parts[-1].code[0] > 0), parts[-1])
    owed, code = (np.concatenate([getattr(part, name) for part in parts]) for name in ("owed", "code"))
    return Filled(listing, batch.account, batch.size, owed, code)


def _refused(listing: Listing, batch: Batch, code: int) -> Filled:
    nothing = np.zeros(len(batch.size), np.int64)
    return Filled(listing, batch.account, batch.size, nothing, np.full_like(nothing, code))
