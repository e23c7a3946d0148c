"""The closed forms give the values worked in their sources."""

from __future__ import annotations

import pytest

from experiments.theory import stale_value


@pytest.mark.parametrize(
    ("volatility", "age", "cost", "value"),
    [
        (0.6, 5, 2e-4, 0.538),
        (0.6, 30, 2e-4, 2.94),
        (0.6, 300, 2e-4, 12.9),
        (0.6, 30, 10e-4, 0.21),
        (0.6, 300, 10e-4, 6.9),
        (1.0, 5, 2e-4, 1.57),
        (1.0, 30, 10e-4, 1.55),
        (1.0, 300, 10e-4, 15.9),
    ],
)
def test_value_of_a_stale_index(volatility: float, age: float, cost: float, value: float) -> None:
    """Published to three digits, in basis points of notional."""
    assert stale_value(volatility, age, cost) * 1e4 == pytest.approx(value, rel=0.01)
