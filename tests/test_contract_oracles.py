"""What every oracle promises, whatever its rule: found by walking the family's package."""

import dataclasses
import math
import sys
from typing import Any

import numpy as np
import pytest

from experiments.codec import variants
from protocol.errors import ReportRejected
from protocol.exchange import close_block, report
from protocol.genesis import genesis
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.oracles.base import Oracle, Report, Status, is_sure, read_index
from protocol.state import Listing, State
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market, World

START = 2_000.0
VARIANTS: dict[str, type[Any]] = variants(Oracle)
each_variant = pytest.mark.parametrize("kind", VARIANTS)


def reading_the_pool(oracle: Any) -> Any:
    """The same oracle, reading the market "pool" wherever it or what it wraps reads a venue."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(oracle):
        value = getattr(oracle, field.name)
        if field.name == "source":
            changes["source"] = "pool"
        elif isinstance(value, Oracle):
            changes[field.name] = reading_the_pool(value)
        elif isinstance(value, tuple):
            changes[field.name] = tuple(reading_the_pool(one) for one in value)
    return dataclasses.replace(oracle, **changes)


def small_world(kind: str) -> State:
    """A perpetual and its bystander, both under the oracle, and the pool it reads."""
    oracle = reading_the_pool(VARIANTS[kind]())
    markets = (
        Market(name="ETH-PERP", oracle=oracle, venue=VirtualAmm()),
        Market(name="pool", instrument=Token(), venue=ConstantProduct()),
        Market(name="BYSTANDER", oracle=reading_the_pool(VARIANTS[kind]()), venue=VirtualAmm()),
    )
    return genesis(World(exchanges=(Exchange(markets=markets),)), {"ETH": START})


def push(state: State, factor: float) -> None:
    """Multiply the pool's mid."""
    pool: Listing = state.listings[0][1]
    cash = int(state.ledger.balance[pool.house.token, pool.desk])
    units = round(cash * factor) - cash
    source, target = (WORLD, pool.desk) if units > 0 else (pool.desk, WORLD)
    state.ledger.move(pool.house.token, source, target, abs(units), Reason.GENESIS)


def wander(state: State, seed: int, blocks: int = 200) -> None:
    """Blocks at irregular times, a mid that wanders, reports that may be refused."""
    rng = np.random.default_rng(seed)
    listing = state.listings[0][0]
    for _ in range(blocks):
        state.time += float(rng.exponential(30.0))
        push(state, math.exp(0.03 * rng.standard_normal()))
        mark = state.mark()
        try:
            report(state, listing, Report(int(rng.integers(5)), START * float(rng.random()), state.time))
        except ReportRejected:
            state.rewind(mark)
        close_block(state)
        state.height += 1


@each_variant
def test_it_is_a_frozen_value_constructible_without_arguments(kind: str) -> None:
    one, other = VARIANTS[kind](), VARIANTS[kind]()
    assert one == other
    assert hash(one) == hash(other)
    for field in dataclasses.fields(one):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field.name, None)


@each_variant
def test_its_page_names_its_attack_surface(kind: str) -> None:
    page = sys.modules[VARIANTS[kind].__module__].__doc__ or ""
    assert "Attack surface:" in page
    assert "\n\n" in page


@each_variant
def test_after_genesis_it_reads_the_start_price_fresh(kind: str) -> None:
    state = small_world(kind)
    for listing in state.listings[0]:
        if listing.size >= 0:
            reading = read_index(state, listing)
            assert reading.value == pytest.approx(START, rel=1e-9)
            assert reading.time == 0.0
            assert reading.status == Status.FRESH


@each_variant
def test_its_sources_are_markets_and_it_is_live_only_if_it_has_some(kind: str) -> None:
    oracle = reading_the_pool(VARIANTS[kind]())
    assert set(oracle.sources()) <= {"pool"}
    assert isinstance(oracle.live, bool)
    if oracle.live:
        assert oracle.sources()


@each_variant
def test_live_is_whether_a_trade_inside_the_block_moves_the_reading(kind: str) -> None:
    state = small_world(kind)
    listing = state.listings[0][0]
    wander(state, seed=1, blocks=20)
    before = read_index(state, listing)
    push(state, 1.02)
    assert (read_index(state, listing) != before) == state.market(listing).oracle.live


@each_variant
def test_reading_is_a_view(kind: str) -> None:
    state = small_world(kind)
    listing = state.listings[0][0]
    wander(state, seed=2)
    digest, mark = state.digest(), state.mark()
    first = read_index(state, listing)
    assert read_index(state, listing) == first
    assert (state.digest(), state.mark()) == (digest, mark)


@each_variant
def test_reading_never_raises_and_is_positive_and_finite(kind: str) -> None:
    state = small_world(kind)
    listing = state.listings[0][0]
    rng = np.random.default_rng(3)
    for _ in range(30):
        wander(state, seed=int(rng.integers(1_000)), blocks=5)
        push(state, math.exp(rng.standard_normal()))
        state.time += float(rng.choice([0.0, 1.0, 1e3, 1e6]))
        reading = read_index(state, listing)
        assert 0.0 < reading.value < math.inf
        assert 0.0 <= reading.time <= state.time
        assert 0.0 <= reading.confidence < math.inf
        assert isinstance(reading.status, Status)
        assert reading.status == Status.FRESH or not is_sure(state, listing)
        assert type(reading.value) is float


@each_variant
def test_an_observation_rewound_leaves_no_trace(kind: str) -> None:
    state = small_world(kind)
    listing = state.listings[0][0]
    wander(state, seed=4)
    digest, time, height, mark = state.digest(), state.time, state.height, state.mark()
    before = read_index(state, listing)

    wander(state, seed=5)
    assert state.digest() != digest

    state.rewind(mark)
    state.time, state.height = time, height
    assert state.digest() == digest
    assert read_index(state, listing) == before


@each_variant
def test_the_same_history_gives_the_same_digest_also_from_a_saved_copy(kind: str) -> None:
    one, other = small_world(kind), small_world(kind)
    wander(one, seed=6)
    wander(other, seed=6)
    assert one.digest() == other.digest()
    copy = one.save()
    wander(one, seed=7)
    assert copy.digest() == other.digest()
    wander(copy, seed=7)
    assert copy.digest() == one.digest()


@each_variant
def test_a_second_market_is_not_touched(kind: str) -> None:
    state = small_world(kind)
    listing, bystander = state.listings[0][0], state.listings[0][2]
    wander(state, seed=8, blocks=50)
    path = bystander.path + ".oracle"

    def memory() -> dict[str, str]:
        return {key: repr(value) for key, value in state.tables.items() if key.startswith(path)}

    state.time += 5.0
    before, read = memory(), read_index(state, bystander)
    oracle = state.market(listing).oracle
    oracle.observe(state, listing, listing.path + ".oracle")
    assert memory() == before
    assert read_index(state, bystander) == read
    assert not [
        key for key in state.tables if ".oracle" in key and not key.startswith((path, listing.path, "dex.pool"))
    ]


@each_variant
def test_a_refused_report_is_a_revert_and_nothing_else(kind: str) -> None:
    state = small_world(kind)
    listing = state.listings[0][0]
    for posted in (
        Report(-1, START, 0.0),
        Report(3, math.nan, 0.0),
        Report(3, -START, 0.0),
        Report(3, START, math.inf),
        Report(3, START, 0.0, math.nan, "not a signature"),
    ):
        digest = state.digest()
        with pytest.raises(ReportRejected):
            report(state, listing, posted)
        assert state.digest() == digest
