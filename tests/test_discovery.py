"""Shares in price discovery are found again where they are known, and are not claimed where they cannot be told."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from agents.streams import Streams
from experiments import discovery
from protocol.ledger import Floats

BLOCKS = 10_000


def corrected(reaction: Floats, root: Floats, blocks: int = BLOCKS, seed: int = 1) -> Floats:
    """Log mids whose gaps to the first [gaps, markets] are corrected by `reaction`, with shocks root times normals."""
    shocks = Streams(seed).normals("shocks", blocks, len(root)) @ root.T
    mids = np.zeros((blocks, len(root)))
    for block in range(1, blocks):
        apart = mids[block - 1, 1:] - mids[block - 1, 0]
        mids[block] = mids[block - 1] + apart @ reaction + shocks[block]
    return mids


@pytest.mark.parametrize(("a", "b", "s"), [(0.1, 0.1, 2.0), (0.05, 0.3, 1.0), (0.0, 0.2, 1.0)])
def test_two_markets_have_the_shares_that_they_were_given(a: float, b: float, s: float) -> None:
    """Markets that correct a and b of the gap, shocks apart: weights b and a, information b^2 s^2 against a^2 (Hasbrouck)."""
    found = discovery.shares(corrected(np.array([[a, -b]]), 1e-4 * np.diag([s, 1.0])))
    information = b**2 * s**2 / (b**2 * s**2 + a**2)
    assert found.middle == pytest.approx([information, 1.0 - information], abs=0.05)
    assert found.component == pytest.approx([b / (a + b), a / (a + b)], abs=0.05)
    assert (found.high - found.low < 0.05).all()  # nothing in common, so nothing that the ordering could give away


def test_who_only_follows_discovers_nothing() -> None:
    steps = 1e-4 * Streams(2).normals("steps", BLOCKS, 2)
    leader = np.cumsum(steps[:, 0])
    follower = np.append(0.0, leader[:-1]) + steps[:, 1]
    found = discovery.shares(np.column_stack([leader, follower]))
    assert found.middle == pytest.approx([1.0, 0.0], abs=0.01)


@pytest.mark.parametrize("weight", [[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]])
def test_the_bounds_are_those_of_all_orderings(weight: list[float]) -> None:
    """First and last are the extremes of the Cholesky orderings, where what markets have in common is of one sign."""
    rows = Streams(3).normals("rows", 3, 3)
    shocks = 0.2 * rows @ rows.T + 0.8 + np.eye(3)
    found, a = discovery.split(np.array(weight), shocks), np.array(weight)
    every = []
    for order in itertools.permutations(range(3)):
        places = list(order)
        root = np.linalg.cholesky(shocks[np.ix_(places, places)])
        part = np.empty(3)
        part[places] = (a[places] @ root) ** 2 / (a @ shocks @ a)
        assert part.sum() == pytest.approx(1.0)
        every.append(part)
    assert found.low == pytest.approx(np.min(every, axis=0))
    assert found.high == pytest.approx(np.max(every, axis=0))


def test_three_markets_and_shocks_in_common_are_told_apart() -> None:
    reaction = np.array([[0.05, -0.2, 0.0], [0.05, 0.0, -0.2]])  # weights 4 : 1 : 1
    root = 1e-4 * np.array([[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.5, 0.3, 1.0]])
    found = discovery.shares(corrected(reaction, root))
    exact = discovery.split(np.array([4.0, 1.0, 1.0]), root @ root.T)
    assert found.component == pytest.approx([4 / 6, 1 / 6, 1 / 6], abs=0.05)
    assert found.low == pytest.approx(exact.low, abs=0.05)
    assert found.high == pytest.approx(exact.high, abs=0.05)


def test_nothing_is_claimed_where_there_is_nothing_to_tell() -> None:
    mids = corrected(np.array([[0.1, -0.1]]), 1e-4 * np.eye(2), 500)
    assert np.isfinite(discovery.shares(mids).middle).all()
    twice, still, short, absent = mids[:, [0, 0]], mids.copy(), mids[:60], mids.copy()
    still[:, 1], absent[7, 0] = 0.0, np.nan
    for nothing in (twice, still, short, absent):
        assert np.isnan(discovery.shares(nothing)).all()
    beside = discovery.shares(np.column_stack([mids, np.zeros(len(mids))]))
    assert beside.middle[:2] == pytest.approx(discovery.shares(mids).middle)
    assert np.isnan(beside.middle[2])
