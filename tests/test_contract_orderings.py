"""What every ordering promises: a permutation, and outside demand that never runs backwards along it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.codec import variants
from protocol.mempool import ORDER
from protocol.orderings.base import Ordering, Outside
from protocol.orderings.turns import by_arrival, by_tip

CASES = [pytest.param(kind, id=name) for name, kind in variants(Ordering).items()]
COUNTS = [0, 1, 2, 500]


def arrivals(count: int) -> tuple[Any, Any]:
    rng = np.random.Generator(np.random.Philox(count))
    return rng.choice(np.linspace(0.0, 12.0, 60), count), rng.choice([0.0, 1e-9, 5e-9, 2e-8], count)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("count", COUNTS)
def test_rank_is_a_permutation_and_a_pure_function(kind: type[Any], count: int) -> None:
    arrival, tip = arrivals(count)
    given = arrival.copy(), tip.copy()
    for entropy in (0, 1, 2**63, 2**64 - 1):
        order = kind().rank(arrival, tip, entropy)
        assert np.array_equal(np.sort(order), np.arange(count))
        assert order.dtype == np.int64
        assert np.array_equal(order, kind().rank(arrival, tip, entropy))
    assert np.array_equal(arrival, given[0])
    assert np.array_equal(tip, given[1])


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("count", COUNTS)
def test_outside_gas_ahead_is_never_negative_and_never_more_than_there_is(kind: type[Any], count: int) -> None:
    arrival, tip = arrivals(count)
    ahead = kind().ahead(Outside(2e7, 2e-8), 1e-8, arrival / 12.0, tip)
    assert ahead.shape == (count,)
    assert (ahead >= 0).all()
    assert (ahead <= 2e7).all()


@pytest.mark.parametrize("kind", CASES)
def test_outside_gas_ahead_never_falls_along_the_order_of_service(kind: type[Any]) -> None:
    arrival, tip = arrivals(500)
    order = kind().rank(arrival, tip, 7)
    ahead = kind().ahead(Outside(2e7, 2e-8), 1e-8, arrival / 12.0, tip)
    assert (np.diff(ahead[order]) >= 0).all()


@pytest.mark.parametrize("kind", CASES)
def test_more_demand_outside_puts_more_ahead_and_a_dearer_block_less(kind: type[Any]) -> None:
    arrival, tip = arrivals(500)
    share = arrival / 12.0
    base = kind().ahead(Outside(1e7, 2e-8), 1e-8, share, tip)
    assert (kind().ahead(Outside(2e7, 2e-8), 1e-8, share, tip) >= base).all()
    assert (kind().ahead(Outside(1e7, 4e-8), 1e-8, share, tip) >= base).all()
    assert (kind().ahead(Outside(1e7, 2e-8), 3e-8, share, tip) <= base).all()
    assert (kind().ahead(Outside(0.0, 2e-8), 1e-8, share, tip) == 0).all()


@pytest.mark.parametrize("count", [0, 1, 2, 40, 60, 500, 5_000])
def test_turns_are_the_one_stable_order_by_tip_and_arrival(count: int) -> None:
    rng = np.random.Generator(np.random.Philox(count))
    late, early = 100.0 + rng.random(count), rng.random(count) * 1e-9  # a crowd of now, and a straggler of long ago
    apart = np.where(rng.random(count) < 0.1, early, late)
    for arrival in (
        late,
        apart,
        rng.choice(late, count) if count else late,
        np.zeros(count),
        -late,
        late - 150.0 * (late > 100.5),
    ):
        assert np.array_equal(by_arrival(arrival), np.argsort(arrival, kind="stable"))
        for tip in (np.full(count, 2e-9), rng.choice([0.0, 1e-9, 2e-8], count), rng.exponential(1e-9, count)):
            rows = np.zeros(count, ORDER)
            rows["arrival"], rows["tip"] = arrival, tip  # as the chain hands them over: columns of a table
            assert np.array_equal(by_tip(rows["arrival"], rows["tip"]), np.lexsort((arrival, -tip)))


@pytest.mark.parametrize("kind", CASES)
def test_entropy_decides_exactly_where_an_ordering_says_so(kind: type[Any]) -> None:
    arrival, tip = arrivals(500)
    first, *others = (kind().rank(arrival, tip, entropy).tolist() for entropy in (0, 1, 2**62))
    assert all((other != first) is kind.chance for other in others)
