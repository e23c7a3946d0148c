"""The paths that a protocol is examined under: calm, stressed, and, where bars were recorded, real.

A scenario's own nature is kept for what it is: a plain diffusion is its calm, anything wilder its stress, a replay its real path.
What is missing is made from it, with the same assets, opening prices and grid. Stress is conditional: it asks what a bad day
does, not how often one comes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from agents.nature.base import Nature
from agents.nature.gbm import GeometricBrownian
from agents.nature.jumps import JumpDiffusion
from agents.nature.klines import load
from agents.nature.replay import Replay
from experiments.codec import Mistakes
from experiments.scenario import Scenario
from experiments.wishes import replaying
from protocol.units import SECONDS_PER_YEAR

USUAL = 0.7  # annual volatility where nature states none
WILDER = 2.0  # times the volatility of the calm path
JUMPS = 2.0  # expected in a run under stress
JUMP_MEAN, JUMP_STD = -0.04, 0.04  # of a jump in log fair


class PricePath(NamedTuple):
    """A nature to play under, and what it is in a few words."""

    name: str  # calm, stressed, real
    about: str
    nature: Nature

    def of(self, scenario: Scenario) -> Scenario:
        """The scenario under this path."""
        return dataclasses.replace(scenario, nature=self.nature)


def paths(scenario: Scenario, klines: Sequence[Path]) -> tuple[PricePath, ...]:
    """Calm and stressed, and real where there is a record. Raises Mistakes for klines that cannot be read."""
    if isinstance(scenario.nature, Replay):
        files = klines or [Path(file) for file in scenario.nature.files]
        if not files:
            raise Mistakes([f"{scenario.name}: nature replays recorded bars; say which with --klines FILE"])
        scenario = replaying(scenario, files)  # or what is wrong with the files
    own = scenario.nature
    calm, stressed = _calm(own), _stressed(own, scenario.duration)
    found = [
        PricePath("calm", _words(calm, own), calm),
        PricePath("stressed", _words(stressed, own), stressed),
    ]
    if klines or (isinstance(own, Replay) and own.files):
        found.append(_real(scenario, klines))
    return tuple(found)


def _words(nature: Nature, own: Nature) -> str:
    if nature == own:
        return f"as in the scenario ({type(nature).__name__})"
    if isinstance(nature, JumpDiffusion):
        return f"volatility {nature.volatility[0]:.2g} a year and {JUMPS:g} jumps a run, each {JUMP_MEAN:.0%} +- {JUMP_STD:.0%}"
    return f"diffusion at {vars(nature)['volatility'][0]:.2g} a year"


def _start(own: Nature) -> tuple[float, ...]:
    """Opening prices, also of a replay that opens as recorded."""
    if own.start or not isinstance(own, Replay):
        return own.start
    bars = [load(file) for file in own.files]
    return tuple(float(one.prices[one.index(own.begin), 0]) for one in bars)


def _shared(own: Nature) -> dict[str, Any]:
    """What a made path has of the scenario's own: assets, opening prices, grid, volatility, correlation."""
    return {
        "assets": own.assets,
        "start": _start(own),
        "tick": own.tick,
        "volatility": getattr(own, "volatility", (USUAL,)),
        "correlation": getattr(own, "correlation", 0.0),
    }


def _calm(own: Nature) -> Nature:
    return own if isinstance(own, GeometricBrownian) else GeometricBrownian(**_shared(own))


def _stressed(own: Nature, duration: float) -> Nature:
    if not isinstance(own, GeometricBrownian | Replay):
        return own
    shared = _shared(own)
    wild = tuple(WILDER * x for x in shared["volatility"])
    common = JUMPS * SECONDS_PER_YEAR / duration
    return JumpDiffusion(
        **shared | {"volatility": wild}, intensity=(0.0,), common=common, jump_mean=JUMP_MEAN, jump_std=JUMP_STD
    )


def _real(scenario: Scenario, klines: Sequence[Path]) -> PricePath:
    """The record from where it moves most within a run, scaled to the opening prices of the scenario."""
    own = scenario.nature
    if not klines:
        return PricePath("real", "as in the scenario (Replay)", own)
    nature = replaying(scenario, [file.resolve() for file in klines]).nature
    assert isinstance(nature, Replay), "what replaying makes"
    bars = load(nature.files[0])
    width = min(len(bars.opened), math.ceil((scenario.duration + nature.tick) / bars.length))
    high = np.lib.stride_tricks.sliding_window_view(bars.prices[:, 1], width).max(axis=1)
    low = np.lib.stride_tricks.sliding_window_view(bars.prices[:, 2], width).min(axis=1)
    begin = int(np.argmax(high / low))
    nature = dataclasses.replace(nature, start=own.start, begin=begin)
    names = ", ".join(file.name for file in klines)
    moved = high[begin] / low[begin] - 1.0
    return PricePath("real", f"{names} from bar {begin} on, where it ranges most in a run ({moved:.1%})", nature)
