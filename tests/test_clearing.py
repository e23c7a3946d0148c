"""Clearing keeps the books a trader would keep: average entry, realised profit, fees, and settlement that is worth nothing."""

from __future__ import annotations

import pytest
from machine import CASH, COIN, PRICE, exchange_for, market_for, open_world, tell

from protocol import exchange
from protocol.state import Listing, State
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool

POOL = OraclePool(spread=0.0, skew_scale=1e12)


def opened(fee: float = 0.0) -> tuple[State, Listing, int]:
    state, (trader, *_) = open_world(exchange_for(markets=(market_for(POOL, fee=fee),), vault=Vault()))
    return state, state.listings[0][0], trader


def at(state: State, listing: Listing, trader: int) -> tuple[int, float, float]:
    """(size in units, average entry price, cash in coins)."""
    size, quote = (int(state.ledger.balance[row, trader]) for row in (listing.size, listing.quote))
    entry = -quote / size / listing.price_scale if size else 0.0
    return size, entry, float(state.ledger.balance[listing.house.cash, trader]) / CASH


@pytest.mark.parametrize("side", [1, -1])
def test_closing_a_part_realises_its_profit_and_leaves_the_entry_of_the_rest(side: int) -> None:
    state, listing, trader = opened()
    exchange.trade(state, listing, trader, side * 6 * COIN)
    tell(state, PRICE * 1.25)
    exchange.trade(state, listing, trader, -side * 2 * COIN)
    size, entry, cash = at(state, listing, trader)
    assert size == side * 4 * COIN
    assert entry == pytest.approx(PRICE, rel=1e-9)
    assert cash == pytest.approx(100_000 + side * 2 * 500, abs=1e-4)


@pytest.mark.parametrize("side", [1, -1])
def test_adding_averages_the_entry_and_realises_nothing(side: int) -> None:
    state, listing, trader = opened()
    exchange.trade(state, listing, trader, side * 6 * COIN)
    tell(state, PRICE * 1.25)
    exchange.trade(state, listing, trader, side * 2 * COIN)
    assert at(state, listing, trader) == (side * 8 * COIN, pytest.approx(PRICE * 1.0625, rel=1e-9), 100_000.0)


@pytest.mark.parametrize("side", [1, -1])
def test_turning_a_position_over_realises_all_of_it_and_enters_at_the_price_of_now(side: int) -> None:
    state, listing, trader = opened()
    exchange.trade(state, listing, trader, side * 6 * COIN)
    tell(state, PRICE * 1.25)
    exchange.trade(state, listing, trader, -side * 9 * COIN)
    size, entry, cash = at(state, listing, trader)
    assert size == -side * 3 * COIN
    assert entry == pytest.approx(PRICE * 1.25, rel=1e-9)
    assert cash == pytest.approx(100_000 + side * 6 * 500, abs=1e-4)


def test_a_fee_is_a_share_of_notional_and_somebody_receives_it() -> None:
    state, listing, trader = opened(fee=0.001)
    before = int(state.ledger.balance[listing.house.cash, listing.fees])
    for size in (6 * COIN, -6 * COIN):
        exchange.trade(state, listing, trader, size)
    received = int(state.ledger.balance[listing.house.cash, listing.fees]) - before
    assert received == pytest.approx(2 * 12 * CASH, abs=2)
    assert at(state, listing, trader)[2] == pytest.approx(100_000 - 24, abs=1e-4)
