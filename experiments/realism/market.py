"""The simulated market, seen as a recorded one: bars of its mid and volume, and what large orders do to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.roles.large_trader import LargeTrader
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario
from protocol.ledger import Floats

BAR = 3_600.0  # seconds


def bars(record: Record, length: float = BAR) -> tuple[Floats, Floats]:
    """Log returns of the first market's mid from close to close, and its volume, cash coins. Shapes [bars - 1]."""
    market = next(column for column in record.blocks.columns if column.endswith(".mid"))[: -len(".mid")]
    bar = (record.blocks["time"] // length).astype(int)
    closes = record.blocks.groupby(bar)[f"{market}.mid"].last().to_numpy(float)
    volumes = (record.blocks[f"{market}.volume"] * record.blocks[f"{market}.mid"]).groupby(bar).sum().to_numpy(float)
    whole = int(record.blocks["time"].iloc[-1] // length)
    return np.diff(np.log(closes[:whole])), volumes[1:whole]


class Order(NamedTuple):
    """A large order that was worked: `size` in cash coins, `moved` the log mid its way from before it to its last slice."""

    size: float
    moved: float


def with_large(scenario: Scenario, notional: float, *, slices: int = 12) -> Scenario:
    """The scenario with somebody who works orders of `notional` cash coins, a slice a block, and rests for twice as long."""
    interval = scenario.world.chains[0].blocks.interval
    large = LargeTrader(
        name="large",
        capital=20.0 * notional,
        base=0.0,
        notional=notional,
        slices=slices,
        pause=interval,
        rest=2.0 * slices * interval,
        slippage=0.5,
    )
    return replace(scenario, cast=(*scenario.cast, large))


def orders(record: Record, slices: int) -> list[Order]:
    """Every large order of a run that was worked to its end."""
    market = next(column for column in record.blocks.columns if column.endswith(".mid"))[: -len(".mid")]
    times, mids = record.blocks["time"].to_numpy(float), np.log(record.blocks[f"{market}.mid"].to_numpy(float))
    events = record.events[record.events["who"].str.startswith("large")]
    found = []
    begun: dict[str, Any] | None = None
    for time, kind, numbers in zip(events["time"], events["kind"], events["numbers"], strict=True):
        if kind == "parent order":
            begun = {"time": time, "side": numbers["side"], "notional": numbers["notional"], "filled": 0}
        elif kind == "slice" and begun is not None:
            begun["filled"] += 1
            if begun["filled"] == slices:
                before = int(np.searchsorted(times, begun["time"], side="right")) - 1
                after = int(np.searchsorted(times, time, side="right")) - 1
                found.append(Order(begun["notional"], begun["side"] * float(mids[after] - mids[max(before, 0)])))
    return found


def impact(scenario: Scenario, sizes: tuple[float, ...], seed: int, slices: int = 12) -> pd.DataFrame:
    """Every large order of one run a size."""
    return pd.DataFrame(
        [
            order._asdict()
            for size in sizes
            for order in orders(run(replace(with_large(scenario, size, slices=slices), seed=seed)), slices)
        ]
    )


def exponent(table: pd.DataFrame) -> float:
    """The power of size with which the mean move grows, over a table of orders; nan where a mean move is not above nought."""
    means = table.groupby("size")["moved"].mean()
    if (means <= 0).any() or len(means) < 2:
        return float("nan")
    return float(np.polyfit(np.log(means.index.to_numpy(float)), np.log(means.to_numpy(float)), 1)[0])
