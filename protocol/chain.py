"""Block space: a mempool, an order, a capacity, a price, and each transaction executed whole or not at all.

What players send waits in the mempool until it arrives, fits and is served. Single transactions and rows of a crowd's orders
compete in one order; between two single ones the chain fills a run of plain orders in one call. A failed transaction pays
its gas. Attack surface: order and capacity are for sale.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np

from protocol import exchange
from protocol.clearing import Batch
from protocol.errors import InsufficientBalance, Revert, StalePrice
from protocol.ledger import WORLD, Floats, Ints, Reason
from protocol.orderings.base import Outside
from protocol.state import Listing, State
from protocol.transactions import GAS, Transaction
from protocol.world import Chain

QUIET = Outside(0.0, 1.0)


class Pending(NamedTuple):
    """A transaction on its way. `tip` in cash coins per gas; `arrival` and `expires` in seconds."""

    transaction: Transaction
    tip: float
    arrival: float
    expires: float


class Orders(NamedTuple):
    """A crowd's orders in one market, as rows. Shapes [n]."""

    listing: Listing
    account: Ints
    size: Ints  # base units, signed
    limit: Floats  # worst average price; nan: none
    tip: Floats  # cash coins per gas
    arrival: Floats  # seconds
    expires: Floats  # seconds


class Receipt(NamedTuple):
    """What became of a single transaction."""

    transaction: Transaction
    arrival: float
    tip: float
    paid: int  # cash units of gas
    outcome: Any
    revert: Revert | None


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


class Witness(Protocol):
    """Somebody who watches every transaction: `before` it is shown the state, `after` what was done to it."""

    def before(self, state: State) -> Any:
        """What it wants to remember."""

    def after(self, state: State, seen: Any, verb: str, account: int, reverted: bool) -> None:
        """What it thinks of the deed."""


class Mempool:
    """What waits for a chain."""

    def __init__(self) -> None:
        self.pending: list[Pending] = []
        self.orders: list[Orders] = []

    def __len__(self) -> int:
        return len(self.pending) + sum(len(orders.size) for orders in self.orders)

    def take(self, time: float) -> tuple[list[Pending], list[Orders]]:
        """Everything that has arrived by `time` and has not expired; the rest stays."""
        here = [item for item in self.pending if item.arrival <= time <= item.expires]
        self.pending = [item for item in self.pending if item.arrival > time]
        rows = []
        later = []
        for orders in self.orders:
            arrived = orders.arrival <= time
            if arrived.all():
                rows.append(orders)
            else:
                rows.append(_select(orders, arrived))
                later.append(_select(orders, ~arrived))
        self.orders = later
        return here, rows


def _select(orders: Orders, which: Any) -> Orders:
    return Orders(orders.listing, *(column[which] for column in orders[1:]))


def seal(
    state: State,
    number: int,
    mempool: Mempool,
    time: float,
    outside: Outside = QUIET,
    entropy: int = 0,
    witness: Witness | None = None,
) -> Block:
    """Seal the next block of chain `number` at `time`: order, fit, execute, then close the block. Leaves the journal open.

    With a `witness`, it is shown the state before and after every transaction.
    """
    rules = state.rules.chains[number]
    path = f"chain.{rules.name}.fee"
    fee: float = state.tables[path]
    opened = state.time
    pending, rows = mempool.take(time)
    state.time = time
    state.height += 1

    queue = _line_up(pending, rows)
    order = _serve(rules, queue, opened, time, outside, fee, entropy)
    kept = _keep_waiting(mempool, queue, order, pending, rows, time) if len(order) < len(queue.gas) else 0
    receipts, filled, used = _execute(state, number, queue, order, pending, rows, fee, witness)

    others = min(float(outside.above(np.array([fee]))[0]), max(0.0, rules.capacity - used))
    goal = rules.target * rules.capacity
    drift = rules.fee_change * max(-1.0, min(1.0, (used + others - goal) / goal))
    state.put(path, max(rules.fee_floor, fee * (1.0 + drift)))
    filled += [Filled(*cleared) for cleared in exchange.close_block(state)]
    return Block(time, state.height, fee, used, others, tuple(receipts), tuple(filled), kept)


class Queue(NamedTuple):
    """Everything that wants into a block: singles first, then the crowds' rows. Shapes [n]."""

    arrival: Floats  # seconds
    tip: Floats  # cash coins per gas
    gas: Floats
    market: Ints  # -1 for a single transaction, else which of `listings`
    listings: tuple[Listing, ...]


def _line_up(pending: list[Pending], rows: list[Orders]) -> Queue:
    count = len(pending) + sum(len(orders.size) for orders in rows)
    gas, market = np.empty(count), np.empty(count, np.int64)
    gas[len(pending) :] = GAS["Trade"]
    gas[: len(pending)] = [item.transaction.gas for item in pending]
    market[: len(pending)] = -1
    listings: dict[Listing, int] = {}
    first = len(pending)
    for orders in rows:
        market[first : first + len(orders.size)] = listings.setdefault(orders.listing, len(listings))
        first += len(orders.size)
    arrival = np.concatenate([[item.arrival for item in pending], *(orders.arrival for orders in rows)])
    tip = np.concatenate([[item.tip for item in pending], *(orders.tip for orders in rows)])
    return Queue(arrival, tip, gas, market, tuple(listings))


def _serve(rules: Chain, queue: Queue, opened: float, time: float, outside: Outside, fee: float, entropy: int) -> Ints:
    """Positions in the queue that are served, in turn."""
    if len(queue.gas) == 0:
        return np.empty(0, np.int64)
    order = rules.ordering.rank(queue.arrival, queue.tip, entropy)
    share = np.minimum(np.maximum((queue.arrival - opened) / max(time - opened, 1e-12), 0.0), 1.0)
    ahead = rules.ordering.ahead(outside, fee, share, queue.tip)
    gas, ahead = queue.gas[order], ahead[order]
    if (gas.cumsum() + ahead <= rules.capacity).all():
        return order
    served, used = [], 0.0  # what does not fit is passed over, and holds nobody else up
    for row, (units, before) in enumerate(zip(gas.tolist(), ahead.tolist(), strict=True)):
        if used + units + before <= rules.capacity:
            served.append(row)
            used += units
    return order[served]


def _keep_waiting(
    mempool: Mempool, queue: Queue, order: Ints, pending: list[Pending], rows: list[Orders], time: float
) -> int:
    """Put what was not served back into the mempool, unless it has expired; returns how many were not served."""
    waits = np.ones(len(queue.gas), bool)
    waits[order] = False
    mempool.pending += [item for item, wait in zip(pending, waits, strict=False) if wait]
    first = len(pending)
    for orders in rows:
        alive = waits[first : first + len(orders.size)] & (orders.expires >= time)
        first += len(orders.size)
        if alive.any():
            mempool.orders.append(_select(orders, alive))
    return int(waits.sum())


def _execute(
    state: State,
    number: int,
    queue: Queue,
    order: Ints,
    pending: list[Pending],
    rows: list[Orders],
    fee: float,
    witness: Witness | None,
) -> tuple[list[Receipt], list[Filled], float]:
    """Run what is served, in turn: singles one by one, plain orders of one market in runs."""
    receipts: list[Receipt] = []
    filled: list[Filled] = []
    used = 0.0
    if len(order) == 0:
        return receipts, filled, used
    single = len(pending)
    token = next(house.token for house in state.houses if house.chain == number)
    scale = state.ledger.assets[token].scale
    if rows:
        served = order[order >= single] - single
        account, size, limit = (
            np.concatenate([getattr(orders, name) for orders in rows])[served] for name in ("account", "size", "limit")
        )
        charge = np.ceil(GAS["Trade"] * (fee + queue.tip[single:][served]) * scale).astype(np.int64)

    market = queue.market[order]
    turns = np.flatnonzero((market[1:] != market[:-1]) | (market[1:] < 0)) + 1  # where a run ends and another begins
    row = 0
    for at, end in pairwise((0, *turns.tolist(), len(order))):
        if market[at] < 0:
            receipt = _run_single(state, pending[order[at]], token, scale, fee, witness)
            used += receipt.transaction.gas if receipt.paid else 0.0
            receipts.append(receipt)
            continue
        run = slice(row, row + end - at)
        row = run.stop
        batch = Batch(account[run], size[run], limit[run])
        pays = state.ledger.collect(token, batch.account, WORLD, charge[run], Reason.GAS)
        if not pays.all():
            batch = Batch(batch.account[pays], batch.size[pays], batch.limit[pays])
        if len(batch.size):
            run_orders = _run_orders if witness is None else partial(_run_watched, witness)
            filled.append(run_orders(state, queue.listings[market[at]], batch))
            used += GAS["Trade"] * len(batch.size)
    return receipts, filled, used


def _run_single(state: State, item: Pending, token: int, scale: int, fee: float, witness: Witness | None) -> Receipt:
    transaction = item.transaction
    gas = int(np.ceil(transaction.gas * (fee + item.tip) * scale))
    try:
        state.ledger.move(token, transaction.account, WORLD, gas, Reason.GAS)
    except InsufficientBalance as poor:
        return Receipt(transaction, item.arrival, item.tip, 0, None, poor)
    seen = witness.before(state) if witness is not None else None
    mark, outcome, failure = state.mark(), None, None
    try:
        outcome = transaction.apply(state)
    except Revert as revert:
        state.rewind(mark)
        failure = revert
    if witness is not None:
        witness.after(state, seen, type(transaction).__name__.lower(), transaction.account, failure is not None)
    return Receipt(transaction, item.arrival, item.tip, gas, outcome, failure)


def _run_watched(witness: Witness, state: State, listing: Listing, batch: Batch) -> Filled:
    """Fill a run of plain orders one by one, each before the eyes of a witness. Runs of one are runs."""
    parts = []
    for row in range(len(batch.size)):
        seen, one = witness.before(state), slice(row, row + 1)
        parts.append(_run_orders(state, listing, Batch(batch.account[one], batch.size[one], batch.limit[one])))
        witness.after(state, seen, "trade", int(batch.account[row]), bool(parts[-1].code[0] > 0))
    owed, code = (np.concatenate([getattr(part, name) for part in parts]) for name in ("owed", "code"))
    return Filled(listing, batch.account, batch.size, owed, code)


def _run_orders(state: State, listing: Listing, batch: Batch) -> Filled:
    """Fill a run of plain orders: in one call, or one by one where a trade may move the index it is margined at."""
    owed, code = np.zeros(len(batch.size), np.int64), np.zeros(len(batch.size), np.int64)
    if exchange.is_live(state, listing):
        for row in range(len(batch.size)):
            mark = state.mark()
            try:
                size, limit = int(batch.size[row]), float(batch.limit[row])
                owed[row] = exchange.trade(state, listing, int(batch.account[row]), size, limit).owed
            except Revert as revert:
                state.rewind(mark)
                code[row] = revert.code
        return Filled(listing, batch.account, batch.size, owed, code)
    mark = state.mark()
    try:
        fills = exchange.fill(state, listing, batch)
    except StalePrice as stale:
        state.rewind(mark)
        code[:] = stale.code
        return Filled(listing, batch.account, batch.size, owed, code)
    return Filled(listing, batch.account, batch.size, fills.owed, fills.code)
