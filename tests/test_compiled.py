"""Compiled functions are asked of their arguments as often as they must be."""

import os

import numpy as np
import pytest

from protocol.compiled import ASK, steady


def total(numbers: np.ndarray) -> float:
    """Their sum."""
    found = 0.0
    for number in numbers:
        found += number
    return found


def test_a_steady_function_is_asked_of_its_arguments_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ASK)
    quick = steady(total)

    assert [quick(np.arange(n, dtype=float)) for n in (3, 4, 5)] == [3.0, 6.0, 10.0]
    (version,) = quick.loop.overloads.values()
    assert quick.func is version.entry_point


def test_where_tests_run_a_steady_function_refuses_arguments_of_another_kind() -> None:
    assert ASK in os.environ  # set in conftest.py, before anything is compiled
    asked = steady(total)

    assert asked(np.arange(4.0)) == 6.0
    with pytest.raises(TypeError, match="total is steady, and was called with .*float64.* and .*int64"):
        asked(np.arange(4))
