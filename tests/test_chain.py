"""Block space is scarce, ordered, and paid for; a transaction happens whole or leaves no trace but its gas."""

from __future__ import annotations

import numpy as np

from protocol import exchange
from protocol.chain import Mempool, Orders, Pending, seal
from protocol.ledger import WORLD, Reason
from protocol.oracles.ema import Ema
from protocol.orderings.base import Outside
from protocol.orderings.fifo import Fifo
from protocol.orderings.priority_fee import PriorityFee
from protocol.state import State
from protocol.transactions import GAS, Bundle, Deposit, Trade, Withdraw
from protocol.world import Chain, Exchange, Market, World, genesis

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
            pool.orders.append(
                Orders(listing, who[keep], size[keep], none[keep], tip[keep], when[keep], when[keep] + 60)
            )
        seal(state, 0, pool, 12.0)
        runs.append(state.ledger.balance.copy())
    assert (runs[0] == runs[1]).all()
