"""What every rate promises, whatever its rule: found by walking the family's package."""

from __future__ import annotations

import math

import pytest

from experiments.codec import variants
from protocol.rates.base import Rate

RATES = list(variants(Rate).values())


@pytest.mark.parametrize("kind", RATES)
def test_a_rate_is_finite_never_negative_and_never_falls_as_the_till_empties(kind: type[Rate]) -> None:
    rates = [kind().yearly(part / 1_000) for part in range(1_001)]
    assert all(math.isfinite(rate) and rate >= 0 for rate in rates)
    assert rates == sorted(rates)


@pytest.mark.parametrize("kind", RATES)
def test_a_rate_is_the_same_value_twice_and_may_be_asked_beyond_one(kind: type[Rate]) -> None:
    assert kind() == kind()
    assert kind().yearly(1.2) >= kind().yearly(1.0)


def test_there_is_a_rate() -> None:
    assert RATES
