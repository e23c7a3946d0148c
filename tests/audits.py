"""What tests of audits share: the weak protocol, and runs that are not played."""

from __future__ import annotations

import dataclasses
import pickle
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from experiments.arsenal.trials import Result, Trial
from experiments.audit import bench as bench_module
from experiments.audit import examining, hardening
from experiments.codec import dumps
from experiments.scenario import find

WEAK = dataclasses.replace(find("oracle-push"), duration=150.0)
WINDOW = "exchanges.dex.markets.ETH-PERP.oracle.window"

Earned = Callable[[Trial], float | None]
PLAIN: Mapping[str, Any] = {
    "open_interest": 1.0,
    "volume": 1.0,
    "slippage": 0.0,
    "provider_return": 0.0,
    "bad_debt": 0.0,
    "attacked": 1,
    "declined": "",
    "estimate": 1.0,
    "cost": 0.0,
    "stake": 0.0,
    "hoped": 1.0,
    "held": 1.0,
    "capital": 1.0,
    "signals": (),
    "noticed": 0.0,
}


def pretend(
    monkeypatch: pytest.MonkeyPatch, earned: Earned, numbers: Callable[[Trial], Mapping[str, Any]] = lambda _: {}
) -> None:
    """Play nothing: `earned` says what an attacker gets, None where the run goes wrong; `numbers`, what else is not as usual."""

    def attempt(_: Any, blob: bytes) -> list[Any]:
        trial: Trial = pickle.loads(blob)
        value = earned(trial)
        if value is None:
            return ["wrong", "it fails"]
        rest = {**PLAIN, **numbers(trial)}
        return ["ok", list(Result(trial.attack, "", trial.scenario.seed, "", {"attacker": value}, **rest))]

    monkeypatch.setattr(bench_module, "attempt", attempt)
    for module in (examining, hardening):
        monkeypatch.setattr(module, "trade_by_market", lambda _: {})


def noise(trial: Trial, salt: int = 0) -> float:
    """A standard normal of a run: another one for any other seed, rule or setting."""
    return float(np.random.default_rng([salt, zlib.crc32(dumps(trial.scenario, keep="changed").encode())]).normal())
