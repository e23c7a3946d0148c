"""Study: which parameters of protocol, attacker and market the profit of a push depends on. The command `sensitivity`."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from pathlib import Path

from experiments.axes.base import Bound
from experiments.codec import dumps
from experiments.commands.sensitivity import sensitivity
from experiments.parallel import Workers, processes
from experiments.scenario import find
from experiments.sensitivity import Sensitivity

NAME = "push-sensitivity"
QUESTION = "What does the profit of pushing a TWAP depend on?"

BOUNDS = (
    Bound("exchange.markets.ETH-PERP.oracle.window", 12.0, 600.0, "log", "TWAP window"),
    Bound("exchange.markets.ETH-USD.venue.liquidity", 1e6, 3e7, "log", "pool depth"),
    Bound("exchange.markets.ETH-PERP.open_interest_cap", 1e5, 5e6, "log", "open-interest cap"),
    Bound("exchange.markets.ETH-PERP.fee", 0.0, 0.003, name="fee"),
    Bound("exchange.margin.initial", 0.06, 0.5, name="initial margin"),
    Bound("nature.volatility.0", 0.2, 1.5, name="volatility"),
)


def asked(quick: bool) -> Sensitivity:
    """Half an hour of `oracle-push` at each point. Ranks, since most settings earn nothing and a few millions."""
    return Sensitivity(
        name=NAME,
        about=QUESTION,
        base=dataclasses.replace(find("oracle-push"), duration=1_800.0),
        bounds=BOUNDS,
        measure="rank",
        trajectories=4 if quick else 16,
        samples=4 if quick else 64,
        replicates=1 if quick else 2,
    )


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Screen, attribute, draw; returns what the command says."""
    out.mkdir(parents=True, exist_ok=True)
    spec = out / f"{NAME}.toml"
    spec.write_text(dumps(asked(quick)), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        sensitivity(spec, out=out / NAME, workers=processes(workers))
    return f"{QUESTION}\n\n{said.getvalue()}"
