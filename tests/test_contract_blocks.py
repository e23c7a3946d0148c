"""What every block law promises: time goes on, on average by the interval."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from experiments.codec import variants
from protocol.blocks.base import BlockLaw

CASES = [pytest.param(kind, id=name) for name, kind in variants(BlockLaw).items()]


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("uniform", [5e-324, 1e-300, 1e-9, 0.5, 1 - 1e-9, 1 - 2**-53])
def test_waits_are_positive_and_finite(kind: type[Any], uniform: float) -> None:
    assert 0 < kind().wait(uniform) < 1e6


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("interval", [0.25, 12.0, 600.0])
def test_the_mean_wait_is_the_interval(kind: type[Any], interval: float) -> None:
    law, step = kind(interval=interval), 5e-4
    depth = np.arange(
        0.5 * step, 40.0, step
    )  # of the draw e^-depth: rare draws are looked at as closely as common ones
    mean = sum(law.wait(math.exp(-x)) * math.exp(-x) * step for x in depth.tolist())
    assert mean == pytest.approx(interval, rel=1e-4)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("interval", [0.0, -1.0, float("nan")])
def test_an_interval_that_is_none_is_refused(kind: type[Any], interval: float) -> None:
    with pytest.raises(ValueError, match="interval"):
        kind(interval=interval)


@pytest.mark.parametrize("kind", CASES)
def test_the_draw_decides_exactly_where_a_law_says_so(kind: type[Any]) -> None:
    waits = {kind().wait(uniform) for uniform in (1e-9, 1e-6, 0.5)}
    assert (len(waits) > 1) is kind.chance
