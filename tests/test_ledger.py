"""The ledger conserves, refuses overdrafts, and forgets nothing it may have to undo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import InsufficientBalance, NothingToDo
from protocol.ledger import WORLD, Asset, Ledger, Reason


def small() -> Ledger:
    ledger = Ledger([Asset("USD", 6), Asset("dex.cash", 6, "dex")])
    ledger.open("trader", 4)
    return ledger


def test_a_token_may_be_negative_for_the_world_alone() -> None:
    ledger = small()
    ledger.move(0, WORLD, 1, 100, Reason.GENESIS)
    with pytest.raises(InsufficientBalance, match="has=100, needs=101"):
        ledger.move(0, 1, 2, 101, Reason.TRADE)
    with pytest.raises(InsufficientBalance):
        ledger.move_many(0, np.array([1, 1]), np.array([2, 3]), np.array([60, 60]), Reason.TRADE)
    assert ledger.balance[0].tolist() == [-100, 100, 0, 0, 0]


def test_a_claim_may_be_negative_for_anybody() -> None:
    ledger = small()
    ledger.move(1, 1, 2, 50, Reason.TRADE)
    assert ledger.balance[1].tolist() == [0, -50, 50, 0, 0]


def test_a_negative_amount_is_refused() -> None:
    ledger = small()
    with pytest.raises(NothingToDo):
        ledger.move(0, WORLD, 1, -1, Reason.GENESIS)
    with pytest.raises(NothingToDo):
        ledger.move_many(0, np.array([0]), np.array([1]), np.array([-1]), Reason.GENESIS)


moves = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 10**12)), max_size=40)


@given(moves, moves)
def test_every_row_sums_to_zero_and_rewind_restores(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]]
) -> None:
    ledger = small()
    for src, dst, units in first:
        ledger.move(1, src, dst, units, Reason.TRADE)
    before, mark = ledger.balance.copy(), ledger.mark()
    for src, dst, units in second:
        ledger.move(1, src, dst, units, Reason.TRADE)
    assert (ledger.balance.sum(axis=1) == 0).all()
    ledger.rewind(mark)
    assert (ledger.balance == before).all()


@given(moves)
def test_many_moves_at_once_equal_one_at_a_time(rows: list[tuple[int, int, int]]) -> None:
    one, many = small(), small()
    for src, dst, units in rows:
        one.move(1, src, dst, units, Reason.TRADE)
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    many.move_many(1, columns[0], columns[1], columns[2], Reason.TRADE)
    assert (one.balance == many.balance).all()
    assert (one.moves_since(0) == many.moves_since(0)).all()
