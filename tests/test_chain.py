"""Block space is scarce, ordered, and paid for; a transaction happens whole or leaves no trace but its gas."""

from __future__ import annotations

import numpy as np
import pytest

from protocol import exchange, laws
from protocol.chain import seal
from protocol.clearing import Batch
from protocol.errors import StalePrice
from protocol.gas import GAS
from protocol.genesis import genesis
from protocol.ledger import WORLD, Reason
from protocol.mempool import ORDER, Mempool, Pending, orders
from protocol.oracles.ema import Ema
from protocol.oracles.pull import Pull
from protocol.orderings.base import Outside
from protocol.orderings.fifo import Fifo
from protocol.orderings.priority_fee import PriorityFee
from protocol.state import State
from protocol.transactions import Bundle, Deposit, Trade, Withdraw
from protocol.world import Chain, Exchange, Market, World

CASH = 10**6
COIN = 10**8


def world(chain: Chain | None = None) -> tuple[State, int]:
    chain = chain or Chain()
    rules = World((chain,), (Exchange(chain=chain.name, markets=(Market(oracle=Ema()),)),))
    state = genesis(rules, {"ETH": 2_000.0})
    house = state.houses[0]
    first = state.ledger.open("trader", 8)
    for account in range(first, first + 8):
        state.ledger.move(house.token, WORLD, account, 100_000 * CASH, Reason.GENESIS)
        exchange.deposit(state, house, account, 50_000 * CASH)
    state.finalise()
    return state, first


def later(transaction: object, tip: float = 0.0, arrival: float = 1.0) -> Pending:
    return Pending(transaction, tip, arrival, arrival + 60.0)  # type: ignore[arg-type]


def test_a_failed_transaction_pays_its_gas_and_changes_nothing_else() -> None:
    state, trader = world()
    house = state.houses[0]
    pool = Mempool()
    pool.pending.append(later(Withdraw(house, trader, 60_000 * CASH)))
    before = state.ledger.balance.copy()
    block = seal(state, 0, pool, 12.0)
    (receipt,) = block.receipts
    assert type(receipt.revert).__name__ == "UnderMargined"
    assert receipt.revert is not None and receipt.revert.__traceback__ is None  # its frames would hold the whole block
    paid = np.ceil(GAS["Withdraw"] * block.base_fee * CASH)
    change = state.ledger.balance - before
    assert change[house.token, trader] == -paid
    assert change[house.token, WORLD] == paid
    assert np.abs(change).sum() == 2 * paid


def test_a_bundle_happens_whole_or_not_at_all() -> None:
    state, trader = world()
    house, listing = state.houses[0], state.listings[0][0]
    pool = Mempool()
    good = (Deposit(house, trader, CASH), Trade(listing, trader, COIN))
    bad = (*good, Trade(listing, trader, 10_000 * COIN))
    pool.pending += [later(Bundle(trader, bad)), later(Bundle(trader, good), arrival=2.0)]
    first, second = seal(state, 0, pool, 12.0).receipts
    assert first.revert is not None
    assert second.revert is None
    assert state.ledger.balance[listing.size, trader] == COIN


def test_fees_buy_the_front_of_the_block_only_where_the_ordering_sells_it() -> None:
    for ordering, front in ((PriorityFee(), 1), (Fifo(), 0)):
        state, trader = world(Chain(ordering=ordering))
        listing = state.listings[0][0]
        pool = Mempool()
        pool.pending += [
            later(Trade(listing, trader, COIN), 1e-9, 1.0),
            later(Trade(listing, trader + 1, COIN), 9e-9, 2.0),
        ]
        receipts = seal(state, 0, pool, 12.0).receipts
        assert receipts[0].transaction.account == trader + front


def test_what_does_not_fit_waits_and_expires() -> None:
    state, trader = world(Chain(capacity=2.0 * GAS["Trade"]))
    listing = state.listings[0][0]
    pool = Mempool()
    pool.pending += [later(Trade(listing, trader + k, COIN)) for k in range(3)]
    block = seal(state, 0, pool, 12.0)
    assert (len(block.receipts), block.waiting, len(pool)) == (2, 1, 1)
    assert len(seal(state, 0, pool, 24.0).receipts) == 1
    pool.pending.append(later(Trade(listing, trader, COIN), arrival=30.0))
    assert len(seal(state, 0, pool, 120.0).receipts) == 0


def test_outside_demand_crowds_out_whoever_pays_less_and_raises_the_base_fee() -> None:
    outside = Outside(gas=4 * 30_000_000.0, value=2e-8)
    state, trader = world()
    listing = state.listings[0][0]
    pool = Mempool()
    pool.pending += [later(Trade(listing, trader, COIN), 0.0), later(Trade(listing, trader + 1, COIN), 1e-6)]
    block = seal(state, 0, pool, 12.0, outside)
    assert [receipt.transaction.account for receipt in block.receipts] == [trader + 1]
    assert state.tables["chain.l2.fee"] > block.base_fee
    calm = seal(state, 0, Mempool(), 24.0)
    assert state.tables["chain.l2.fee"] == calm.base_fee * (1 - 0.125)


def test_a_crowds_orders_and_single_trades_share_one_order() -> None:
    runs = []
    for single in (False, True):
        state, trader = world()
        listing = state.listings[0][0]
        pool = Mempool()
        size, tip = np.array([5, -3, 2, 7]) * COIN, np.array([4e-9, 3e-9, 2e-9, 1e-9])
        who, none, when = trader + np.arange(4), np.full(4, np.nan), np.full(4, 1.0)
        if single:
            pool.pending += [later(Trade(listing, int(w), int(s)), t) for w, s, t in zip(who, size, tip, strict=True)]
        else:
            pool.pending.append(later(Trade(listing, trader + 1, -3 * COIN), 3e-9))
            keep = np.array([0, 2, 3])
            pool.send(orders(listing, who[keep], size[keep], none[keep], tip[keep], when[keep], when[keep] + 60))
        seal(state, 0, pool, 12.0)
        runs.append(state.ledger.balance.copy())
    assert (runs[0] == runs[1]).all()


def test_orders_written_where_a_mempool_has_room_are_those_that_are_sent() -> None:
    """Through two blocks, with orders that come late and go stale, and more of them than there was room for at first."""
    state, trader = world()
    listing, many = state.listings[0][0], np.arange(90)
    sent, placed, taken = Mempool(), Mempool(), []
    blocks = (
        (12.0, 1.0 + many % 3 * 11.0, 60.0 - many % 2 * 20.0),
        (48.0, 40.0 + many / 90, 90.0),
        (96.0, 80.0, 96.0 + many),
    )
    for time, when, expires in blocks:
        some = orders(listing, trader + many, many, 2_000.0, 1e-9, when, expires)
        sent.send(some)
        for part in (some.rows[:30], some.rows[30:]):
            rows, at = placed.room(70)
            rows[at : at + len(part)] = part
            assert len(placed) == at  # nobody's yet
            placed.place(at, len(part))
        (_, of_sent), (_, of_placed) = sent.take(time), placed.take(time)
        rows, at = placed.room(500)
        rows[at:] = np.zeros(1, ORDER)  # what has been taken stands
        taken.append(len(of_placed))
        assert of_sent.tobytes() == of_placed.tobytes()
        assert sent.rows.tobytes() == placed.rows.tobytes()
    assert taken == [60, 15 + 90, 90]  # of the first ninety thirty came late, and half of those were stale by then


def test_room_in_a_mempool_goes_to_whoever_asks_first() -> None:
    state, trader = world()
    pool = Mempool()
    _, at = pool.room(3)
    pool.send(orders(state.listings[0][0], np.array([trader]), 1, np.nan, 0.0, 1.0, 60.0))
    with pytest.raises(ValueError, match="at = 0: 1 orders are there"):
        pool.place(at, 3)


def test_a_bundle_too_large_for_a_block_holds_nobody_up() -> None:
    state, trader = world(Chain(capacity=3.0 * GAS["Trade"]))
    listing = state.listings[0][0]
    pool = Mempool()
    giant = Bundle(trader, (Trade(listing, trader, COIN),) * 4)
    pool.pending += [
        later(giant, 1e-6),
        later(Trade(listing, trader + 1, COIN)),
        later(Trade(listing, trader + 2, COIN)),
    ]
    block = seal(state, 0, pool, 12.0)
    assert [receipt.transaction.account for receipt in block.receipts] == [trader + 1, trader + 2]
    assert block.waiting == 1


def test_a_witness_sees_every_deed_and_changes_none() -> None:
    digests = []
    for witness in (None, laws.Judge()):
        state, trader = world()
        house, listing = state.houses[0], state.listings[0][0]
        pool = Mempool()
        pool.pending += [later(Withdraw(house, trader, 60_000 * CASH)), later(Trade(listing, trader + 1, COIN))]
        who, size, none = trader + np.arange(3), np.array([5, -3, 9_999]) * COIN, np.full(3, np.nan)
        pool.send(orders(listing, who, size, none, 0.0, 2.0, 60.0))
        seal(state, 0, pool, 12.0, witness=witness)
        digests.append(state.digest())
    assert digests[0] == digests[1]


def test_a_witness_sees_into_bundles_and_the_end_of_the_block() -> None:
    class Listener(laws.Judge):
        def after(
            self, state: State, seen: laws.Snapshot, verb: str, account: int, reverted: bool, outcome: object
        ) -> None:
            heard.append((verb, account))
            super().after(state, seen, verb, account, reverted, outcome)

    heard: list[tuple[str, int]] = []
    state, trader = world()
    pool = Mempool()
    inner = Bundle(trader, (Trade(state.listings[0][0], trader, COIN),))
    pool.pending.append(later(Bundle(trader, (Deposit(state.houses[0], trader, CASH), inner))))
    seal(state, 0, pool, 12.0, witness=Listener())
    assert heard == [("deposit+trade", trader), ("close_block", -1)]


def test_an_unwritten_move_at_the_end_of_a_block_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    state, trader = world()
    honest = exchange.close_block

    def close_block(state: State, chain: int) -> tuple[exchange.Cleared, ...]:
        state.ledger.balance[state.houses[0].cash, [trader, trader + 1]] += (1, -1)
        return honest(state, chain)

    monkeypatch.setattr(exchange, "close_block", close_block)
    with pytest.raises(laws.LawBroken, match="journal_tells_all: close_block"):
        seal(state, 0, Mempool(), 12.0, witness=laws.Judge())


def test_transactions_take_up_the_block_however_little_is_paid_for_it() -> None:
    state, trader = world(Chain(fee_floor=0.0))
    state.put("chain.l2.fee", 0.0)
    house, listing = state.houses[0], state.listings[0][0]
    pool = Mempool()
    pool.pending += [later(Trade(listing, trader, COIN)), later(Withdraw(house, trader + 1, 60_000 * CASH))]
    block = seal(state, 0, pool, 12.0)
    assert block.used == GAS["Trade"] + GAS["Withdraw"]
    poor = state.ledger.open("poor")
    state.put("chain.l2.fee", 1e-9)
    pool.pending.append(later(Trade(listing, poor, COIN), arrival=13.0))
    assert seal(state, 0, pool, 24.0).used == 0


def test_a_revert_that_leaves_a_trace_is_caught_while_the_chain_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    state, trader = world()
    pool = Mempool()
    pool.pending.append(later(Withdraw(state.houses[0], trader, 60_000 * CASH)))
    monkeypatch.setattr(State, "rewind", lambda self, mark: None)
    with pytest.raises(laws.LawBroken, match="reverted, yet"):
        seal(state, 0, pool, 12.0, witness=laws.Judge())


def test_an_account_whose_other_market_has_no_usable_index_may_not_trade() -> None:
    chain = Chain()
    markets = (Market(oracle=Ema()), Market(name="OTHER", oracle=Pull(max_age=60.0)))
    state = genesis(World((chain,), (Exchange(chain=chain.name, markets=markets),)), {"ETH": 2_000.0})
    house, trader = state.houses[0], state.ledger.open("trader")
    state.ledger.move(house.token, WORLD, trader, 100_000 * CASH, Reason.GENESIS)
    exchange.deposit(state, house, trader, 100_000 * CASH)
    exchange.trade(state, state.listings[0][1], trader, COIN)
    state.time = 100.0
    with pytest.raises(StalePrice):
        exchange.trade(state, state.listings[0][0], trader, COIN)
    other = state.ledger.open("other")
    state.ledger.move(house.token, WORLD, other, 100_000 * CASH, Reason.GENESIS)
    exchange.deposit(state, house, other, 100_000 * CASH)
    batch = Batch(np.array([trader, other]), np.array([COIN, COIN]), np.full(2, np.nan))
    assert exchange.fill(state, state.listings[0][0], batch).code.tolist() == [StalePrice.code, 0]


def test_an_order_that_expired_while_it_waited_is_never_served() -> None:
    state, trader = world()
    pool = Mempool()
    who, size = trader + np.arange(2), np.array([COIN, COIN])
    pool.send(orders(state.markets[0], who, size, np.nan, 0.0, np.array([2.0, 30.0]), np.array([11.0, 90.0])))
    assert seal(state, 0, pool, 12.0).filled == ()
    assert len(pool) == 1
    (run,) = seal(state, 0, pool, 36.0).filled
    assert run.account.tolist() == [trader + 1]
    assert len(pool) == 0
