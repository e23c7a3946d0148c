"""What every venue promises: a quote is what a trade then costs, and no way of trading beats it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from machine import COIN, exchange_for, market_for, only, open_world, quote_book, tell

from experiments.codec import variants
from protocol import exchange, laws
from protocol.clearing import Batch
from protocol.errors import Revert
from protocol.instruments.perpetual import Perpetual
from protocol.instruments.token import Token
from protocol.state import Listing, State
from protocol.venues.base import AT_ONCE, AT_THE_CLOSE, QUEUED, Venue

SIZES = np.array([3, -2, 1, -4, 2]) * COIN + np.array([1, -1, 7, 0, 3])


class Case(NamedTuple):
    """A venue, and what is traded on it."""

    venue: type[Any]
    instrument: type[Any]


ALL = [
    pytest.param(Case(venue, instrument), id=f"{name} of {trades}")
    for name, venue in variants(Venue).items()
    for trades, instrument in (("claims", Perpetual), ("tokens", Token))
    if venue.trades in (trades, "both")
]
CASES = [case for case in ALL if case.values[0].venue.settles == AT_ONCE]
LATER = [case for case in ALL if case.values[0].venue.settles == AT_THE_CLOSE]


def opened(kind: Case) -> tuple[State, Listing, list[int]]:
    """A world for the venue: the last two traders make a market where that needs makers."""
    venue = kind.venue()
    markets = (market_for(venue, name="m0", instrument=kind.instrument()),)
    state, traders = open_world(exchange_for(venue, markets=markets), traders=6)
    _, listing = only(state)
    quote_book(state, listing, traders[4:])
    return state, listing, traders[:4]


def quoted(state: State, listing: Listing, sizes: Any) -> Any:
    return state.market(listing).venue.cost(state, listing, np.asarray(sizes, np.int64))


@pytest.mark.parametrize("kind", ALL)
def test_a_venue_opens_at_the_price_it_was_given(kind: Case) -> None:
    state, listing, _ = opened(kind)
    assert state.market(listing).venue.mid(state, listing) == pytest.approx(2_000.0, rel=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_quoting_changes_nothing(kind: Case) -> None:
    state, listing, _ = opened(kind)
    before = state.digest(), state.mark()
    first = quoted(state, listing, SIZES)
    assert (state.digest(), state.mark()) == before
    assert np.array_equal(first, quoted(state, listing, SIZES), equal_nan=True)


@pytest.mark.parametrize("kind", CASES)
def test_each_order_in_turn_is_charged_what_was_quoted(kind: Case) -> None:
    state, listing, (trader, *_) = opened(kind)
    owed = quoted(state, listing, SIZES)
    assert [exchange.trade(state, listing, trader, int(size)).owed for size in SIZES] == owed.tolist()


@pytest.mark.parametrize("kind", CASES)
def test_buyers_pay_no_less_than_mid_and_sellers_get_no_more(kind: Case) -> None:
    state, listing, _ = opened(kind)
    mid = state.market(listing).venue.mid(state, listing) * listing.price_scale
    for size in (1, COIN, -1, -COIN):
        assert quoted(state, listing, [size])[0] >= size * mid * (1 - 1e-12)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("size", [1, 12_345, COIN, 7 * COIN])
def test_no_round_trip_profits_the_taker(kind: Case, size: int) -> None:
    for first in (size, -size):
        state, listing, (trader, *_) = opened(kind)
        there = exchange.trade(state, listing, trader, first).owed
        assert there + exchange.trade(state, listing, trader, -first).owed >= 0


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("slices", [2, 7, 100])
def test_slices_are_never_cheaper_than_the_whole(kind: Case, slices: int) -> None:
    for part in (COIN // 10, -COIN // 10):
        state, listing, _ = opened(kind)
        whole = quoted(state, listing, [part * slices])[0]
        assert quoted(state, listing, [part] * slices).sum() >= whole - 1


@pytest.mark.parametrize("kind", CASES)
def test_beyond_its_depth_a_venue_quotes_nan_and_goes_on_as_if_not_asked(kind: Case) -> None:
    state, listing, _ = opened(kind)
    for much in (10**17, -(10**17), 2**62, -(2**62)):
        owed = quoted(state, listing, [COIN, much, -2 * COIN])
        assert np.isnan(owed).tolist() == [False, True, False]
        assert owed[[0, 2]].tolist() == quoted(state, listing, [COIN, -2 * COIN]).tolist()


@pytest.mark.parametrize("kind", CASES)
def test_a_batch_fills_as_its_orders_would_one_at_a_time(kind: Case) -> None:
    state, listing, traders = opened(kind)
    rng = np.random.Generator(np.random.Philox(5))
    size = np.concatenate([rng.integers(-3 * COIN, 3 * COIN, 40), [0, 10**15, 900 * COIN, -900 * COIN]])
    account = rng.choice(traders, len(size))
    limit = rng.choice([np.nan, np.nan, 2_000.0, 2_001.0, 1_999.0], len(size))
    single = state.save()
    fills = exchange.fill(state, listing, Batch(account, size, limit))

    for row in range(len(size)):
        mark = single.mark()
        try:
            done = exchange.trade(single, listing, int(account[row]), int(size[row]), float(limit[row]))
        except Revert as revert:
            single.rewind(mark)
            assert revert.code == fills.code[row]
        else:
            assert (done.owed, 0) == (fills.owed[row], fills.code[row])
    assert len(set(fills.code.tolist())) >= 4
    assert np.array_equal(single.ledger.balance, state.ledger.balance)
    assert single.digest() == state.digest()


# ---------------------------------------------------------------------- venues that settle at the close of a block


@pytest.mark.parametrize("kind", LATER)
def test_what_waits_for_the_close_is_queued_moves_nothing_and_claims_no_fill(kind: Case) -> None:
    state, listing, (trader, *_) = opened(kind)
    balance = state.ledger.balance.copy()
    done = exchange.trade(state, listing, trader, COIN)
    assert isinstance(done, exchange.Queued)
    assert done.owed == 0
    fills = exchange.fill(state, listing, Batch(np.array([trader]), np.array([COIN]), np.array([np.nan])))
    assert (fills.code.tolist(), fills.owed.tolist()) == ([QUEUED], [0])
    assert np.array_equal(state.ledger.balance, balance)


@pytest.mark.parametrize("kind", LATER)
def test_what_the_close_tells_is_what_the_ledger_shows(kind: Case) -> None:
    state, listing, (first, second, *_) = opened(kind)
    exchange.trade(state, listing, first, 3 * COIN)
    exchange.trade(state, listing, second, -2 * COIN)
    row = listing.size if listing.size >= 0 else listing.base
    before = state.ledger.balance[row].copy()
    state.time += 3_600.0
    tell(state, 2_000.0)
    (cleared,) = exchange.close_block(state)
    change = state.ledger.balance[row] - before
    told = np.zeros_like(change)
    np.add.at(told, cleared.account[cleared.code == 0], cleared.size[cleared.code == 0])
    told[listing.desk] -= told.sum()  # of an auction, nothing is left over
    assert np.array_equal(told, change)
    assert change[first] >= 2 * COIN  # of an auction, what meets the other side
    assert change[second] == -2 * COIN
    laws.check(state)


@pytest.mark.parametrize("kind", LATER)
def test_nobody_is_quoted_a_price_before_the_close(kind: Case) -> None:
    state, listing, _ = opened(kind)
    assert np.isnan(quoted(state, listing, SIZES)).all()


PLAY = """
import json, sys
import numpy as np
from machine import exchange_for, only, open_world, quote_book, COIN
from experiments.codec import variants
from protocol import exchange
from protocol.clearing import Batch
from protocol.venues.base import Venue

found = {}
for name, kind in variants(Venue).items():
    state, traders = open_world(exchange_for(kind()), traders=4)
    _, listing = only(state)
    quote_book(state, listing, traders[2:])
    size = np.array([3, -5, 2, 400, 0, 1, -1]) * COIN + 7
    account = np.array(traders[:2] * 4)[: len(size)]
    fills = exchange.fill(state, listing, Batch(account, size, np.full(len(size), np.nan)))
    found[name] = [state.digest(), fills.owed.tolist(), fills.code.tolist()]
print(json.dumps(found))
"""


def test_the_same_code_without_compilation_gives_the_same_state() -> None:
    tests = Path(__file__).parent
    path = os.pathsep.join([str(tests), str(tests.parent)])
    outcomes = []
    for disable in ("0", "1"):
        environment = {**os.environ, "PYTHONPATH": path, "NUMBA_DISABLE_JIT": disable}
        ran = subprocess.run(
            [sys.executable, "-c", PLAY], check=True, capture_output=True, text=True, env=environment, cwd=tests.parent
        )
        outcomes.append(json.loads(ran.stdout))
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == set(variants(Venue))
