"""Block space: a mempool, an order, a capacity, a price, and each transaction executed whole or not at all.

What players send waits in the mempool until it arrives, fits and is served. Single transactions and rows of a crowd's orders
compete in one order; between two single ones the chain fills a run of plain orders in one call. A failed transaction pays
its gas. Attack surface: order and capacity are for sale.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
    code: Ints


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
    state: State, number: int, mempool: Mempool, time: float, outside: Outside = QUIET, entropy: int = 0
) -> Block:
    """Seal the next block of chain `number` at `time`: order, fit, execute, then close the block. Leaves the journal open."""
    rules = state.rules.chains[number]
    path = f"chain.{rules.name}.fee"
    fee: float = state.tables[path]
    opened = state.time
    pending, rows = mempool.take(time)
    state.time = time
    state.height += 1

    order, kept = _serve(rules, pending, rows, opened, time, outside, fee, entropy, mempool)
    receipts, filled, used = _execute(state, number, order, pending, rows, fee)

    others = min(float(outside.above(np.array([fee]))[0]), max(0.0, rules.capacity - used))
    goal = rules.target * rules.capacity
    drift = rules.fee_change * max(-1.0, min(1.0, (used + others - goal) / goal))
    state.put(path, max(rules.fee_floor, fee * (1.0 + drift)))
    exchange.close_block(state)
    return Block(time, state.height, fee, used, others, tuple(receipts), tuple(filled), kept)


def _serve(
    rules: Chain,
    pending: list[Pending],
    rows: list[Orders],
    opened: float,
    time: float,
    outside: Outside,
    fee: float,
    entropy: int,
    mempool: Mempool,
) -> tuple[Ints, int]:
    """Positions (singles first, then the crowd's rows, in the order given) that are served, in turn; and how many were not."""
    single = len(pending)
    if single == 0 and not rows:
        return np.empty(0, np.int64), 0
    arrival = np.concatenate([[item.arrival for item in pending], *(orders.arrival for orders in rows)])
    tip = np.concatenate([[item.tip for item in pending], *(orders.tip for orders in rows)])
    gas = np.full(len(arrival), float(GAS["Trade"]))
    gas[:single] = [item.transaction.gas for item in pending]

    order = rules.ordering.rank(arrival, tip, entropy)
    share = np.clip((arrival - opened) / max(time - opened, 1e-12), 0.0, 1.0)
    ahead = rules.ordering.ahead(outside, fee, share, tip)
    fits = np.cumsum(gas[order]) + ahead[order] <= rules.capacity
    if fits.all():
        return order, 0

    left = np.sort(order[~fits])
    mempool.pending += [pending[row] for row in left[left < single]]
    first = single
    for orders in rows:
        mine = left[(left >= first) & (left < first + len(orders.size))] - first
        first += len(orders.size)
        alive = mine[orders.expires[mine] >= time]
        if len(alive):
            mempool.orders.append(_select(orders, alive))
    return order[fits], int(len(left))


def _execute(
    state: State, number: int, order: Ints, pending: list[Pending], rows: list[Orders], fee: float
) -> tuple[list[Receipt], list[Filled], float]:
    """Run what is served, in turn: singles one by one, plain orders in runs."""
    receipts: list[Receipt] = []
    filled: list[Filled] = []
    used = 0.0
    single = len(pending)
    token = next(house.token for house in state.houses if house.chain == number)
    scale = state.ledger.assets[token].scale
    if rows:
        market = np.concatenate([np.full(len(orders.size), which) for which, orders in enumerate(rows)])
        account, size, limit, tip = (
            np.concatenate([getattr(orders, name) for orders in rows]) for name in ("account", "size", "limit", "tip")
        )
        charge = np.ceil(GAS["Trade"] * (fee + tip) * scale).astype(np.int64)

    at = 0
    while at < len(order):
        if order[at] < single:
            receipt = _run_single(state, pending[order[at]], token, scale, fee)
            used += receipt.transaction.gas if receipt.paid else 0.0
            receipts.append(receipt)
            at += 1
            continue
        end = at + 1
        listing = rows[market[order[at] - single]].listing
        while end < len(order) and order[end] >= single and rows[market[order[end] - single]].listing is listing:
            end += 1
        run = order[at:end] - single
        affords = state.ledger.balance[token, account[run]] >= charge[run]
        if not affords.all():
            run = run[affords]
        if len(run):
            state.ledger.move_many(token, account[run], np.full(len(run), WORLD), charge[run], Reason.GAS)
            filled.append(_run_orders(state, listing, Batch(account[run], size[run], limit[run])))
            used += GAS["Trade"] * len(run)
        at = end
    return receipts, filled, used


def _run_single(state: State, item: Pending, token: int, scale: int, fee: float) -> Receipt:
    transaction = item.transaction
    gas = int(np.ceil(transaction.gas * (fee + item.tip) * scale))
    try:
        state.ledger.move(token, transaction.account, WORLD, gas, Reason.GAS)
    except InsufficientBalance as poor:
        return Receipt(transaction, item.arrival, item.tip, 0, None, poor)
    mark = state.mark()
    try:
        outcome = transaction.apply(state)
    except Revert as revert:
        state.rewind(mark)
        return Receipt(transaction, item.arrival, item.tip, gas, None, revert)
    return Receipt(transaction, item.arrival, item.tip, gas, outcome, None)


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
