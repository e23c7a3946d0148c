"""A pool's own ring of observations: what it can say, what is too old for it, and how deep the pool was."""

from __future__ import annotations

import math

import pytest
from machine import COIN, PRICE, exchange_for, market_for, open_world

from experiments.run import build, release
from experiments.scenario import find
from protocol import exchange
from protocol.blocks.base import BlockLaw
from protocol.blocks.fixed import Fixed
from protocol.blocks.poisson import Poisson
from protocol.oracles.base import Oracle, Status, read_index
from protocol.oracles.guarded import Guarded
from protocol.oracles.median_of import MedianOf
from protocol.oracles.observations import mean_liquidity, mean_tick, opened, seen, written
from protocol.oracles.ring import RingTwap
from protocol.oracles.twap_geometric import GeometricTwap
from protocol.state import State
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Chain, World


def test_a_ring_grows_when_it_comes_round_and_then_forgets_the_oldest() -> None:
    ring = opened(0, 3)
    assert (ring.used, len(ring.rows)) == (1, 1)
    for second in range(1, 6):
        ring = written(ring, 10 * second, second, 1)
    assert (ring.used, ring.at) == (3, 2)
    assert sorted(row.time for row in ring.rows) == [30, 40, 50]
    assert seen(ring, 60, 31, 9, 1) is None
    assert seen(ring, 60, 30, 9, 1) == min(ring.rows)


def test_one_second_is_written_once_and_between_two_rows_is_a_straight_line() -> None:
    ring = written(opened(0, 8), 10, 7, 1)
    assert written(ring, 10, 99, 1) == ring
    ring = written(ring, 20, -3, 1)
    start, end = seen(ring, 25, 20, 4, 1), seen(ring, 25, 0, 4, 1)
    assert start is not None
    assert end is not None
    assert (start.ticks, end.ticks) == (35, 70 - 30 + 20)
    assert mean_tick(start, end) == (60 - 35) // 20


def test_a_mean_tick_is_rounded_down_also_below_zero() -> None:
    ring = opened(0, 4)
    start, end = seen(ring, 0, 0, 0, 1), seen(written(ring, 3, -1, 1), 4, 0, 0, 1)
    assert start is not None
    assert end is not None
    assert mean_tick(start, end) == -1  # of -3/4


def test_liquidity_is_averaged_so_that_the_thin_part_counts_most() -> None:
    ring = written(opened(0, 4), 10, 0, 1_000)
    start, end = seen(ring, 20, 20, 0, 10), seen(ring, 20, 0, 0, 10)
    assert start is not None
    assert end is not None
    assert mean_liquidity(start, end) == pytest.approx(2 / (1 / 1_000 + 1 / 10), abs=1)


def pooled(oracle: RingTwap | GeometricTwap) -> tuple[State, list[int]]:
    return open_world(
        exchange_for(
            markets=(
                market_for(VirtualAmm(), name="perp", oracle=oracle),
                market_for(ConstantProduct(liquidity=1e6), name="pool"),
            )
        )
    )


def play(state: State, traders: list[int], blocks: int = 30) -> None:
    pool = state.listings[0][1]
    for block in range(blocks):
        state.time += 12.0
        exchange.trade(state, pool, traders[0], (5 if block % 3 else -9) * COIN)
        exchange.close_block(state)


def test_it_reads_what_the_unrounded_mean_reads_within_a_tick() -> None:
    found = []
    for oracle in (RingTwap("pool", window=120, rows=32), GeometricTwap("pool", window=120.0)):
        state, traders = pooled(oracle)
        play(state, traders)
        state.time += 5.0
        reading = read_index(state, state.listings[0][0])
        assert reading.status == Status.FRESH
        found.append(reading.value)
    assert abs(math.log(found[0] / found[1])) < 2e-4
    assert found[0] != pytest.approx(PRICE, rel=1e-3)


def test_a_ring_too_short_for_its_window_has_no_index() -> None:
    state, traders = pooled(RingTwap("pool", window=120, rows=10))
    play(state, traders, 7)
    assert read_index(state, state.listings[0][0]).status == Status.FRESH
    play(state, traders, 3)
    assert read_index(state, state.listings[0][0]).status == Status.MISSING


@pytest.mark.parametrize(
    ("blocks", "rows", "least"), [(Fixed(12.0), 9, 10), (Fixed(0.25), 119, 120), (Poisson(12.0), 119, 120)]
)
def test_a_ring_that_its_chain_outruns_cannot_be_built(blocks: BlockLaw, rows: int, least: int) -> None:
    def under(oracle: Oracle) -> World:
        rules = exchange_for(
            markets=(
                market_for(VirtualAmm(), name="perp", oracle=oracle),
                market_for(ConstantProduct(liquidity=1e6), name="pool"),
            )
        )
        return World((Chain(blocks=blocks),), (rules,))

    short, enough = (RingTwap("pool", window=120, rows=number) for number in (rows, least))
    under(enough)
    for oracle, path in (
        (short, ""),
        (Guarded(inner=enough, second=short), "second."),
        (Guarded(inner=short), "inner."),
        (MedianOf((enough, short)), "of.1."),
    ):
        with pytest.raises(ValueError, match=f"perp.oracle.{path}rows = {rows}: must be {least} or more") as caught:
            under(oracle)
        assert len(str(caught.value).splitlines()) == 1


def test_the_shortest_ring_that_can_be_built_is_read_in_every_block() -> None:
    state, traders = pooled(RingTwap("pool", window=120, rows=10))
    play(state, traders)
    state.time += 12.0  # what a transaction of the next block sees
    assert read_index(state, state.listings[0][0]).status == Status.FRESH
    state, traders = pooled(RingTwap("pool", window=121, rows=11))
    play(state, traders)
    state.time += 12.0
    assert read_index(state, state.listings[0][0]).status == Status.FRESH


def test_a_pool_that_was_thin_is_not_sure_enough() -> None:
    state, traders = pooled(RingTwap("pool", window=120, rows=32, depth=4_900.0))
    perp = state.listings[0][0]
    seen_ = set()
    for size in (0, -700):
        if size:
            exchange.trade(state, state.listings[0][1], traders[0], size * COIN)
        for _ in range(12):
            state.time += 12.0
            exchange.close_block(state)
            seen_.add((size, read_index(state, perp).status))
    assert (0, Status.UNCERTAIN) not in seen_
    assert (-700, Status.UNCERTAIN) in seen_


@pytest.mark.parametrize(("name", "value"), [("window", 0), ("rows", 1), ("depth", -1.0)])
def test_a_ring_that_is_none_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} = "):
        RingTwap(**{name: value})  # type: ignore[arg-type]


def test_in_the_game_the_ring_says_and_stops_saying() -> None:
    scenario = find("ringed-pool")
    game = build(scenario)
    listing, found = game.listing(), dict[Status, int]()
    while game.state.time < scenario.duration:
        game.step()
        status = read_index(game.state, listing).status
        found[status] = found.get(status, 0) + 1
    release(game)
    assert found.get(Status.FRESH, 0) > 60
    assert found.get(Status.UNCERTAIN, 0) > 5
    assert Status.MISSING not in found
