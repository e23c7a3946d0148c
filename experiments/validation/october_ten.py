"""The crash of 10 October 2025 over ten assets, against what is known of one exchange on that day (published-results B16).

The path that is replayed holds the day's cascade already, so neither the fall nor its size is a result; what the exchange's rules
make of it is. Ratios are compared, not amounts. Turnover was seen on one seed while leverage was settled: it is a calibration,
held here so that it stays one. Within a bar of fifteen minutes the path is drawn: that the first deleveraging came 61.7 s after the
first liquidation, that 11,279 came in one second, or in which minute anything happened, is out of reach. That no account is
deleveraged for another asset, and that all who are deleveraged were in profit, are rules here and so no results either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from agents.nature.replay import Replay
from experiments.overrides import varied, vary
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured, Miss, Range, recorded
from protocol.losses.insurance import Insurance

SUBJECT = "10 October 2025 over ten assets"
SOURCE = "Hyperliquid, ConejoCapital/HyperMultiAssetedADL and arXiv:2512.01112v3"
MAJORS = ("BTC", "ETH", "SOL")
SEEDS = {Effort.QUICK: 1, Effort.FULL: 5}
QUICK = {
    "nature.begin": "2025-10-10T21:00",
    "duration": 1_500.0,
    "cast.leveraged.count": 200,
    "cast.leveraged.activity": 400.0,
}
COVERED = (
    "penalties fill the insurance faster than bad debt empties it; on that day no such fund stood before the winners"
)
QUOTING = "forced sales find a pool that always quotes, so that fewer accounts are bankrupt before they are sold"
BASKETS = "depth and baskets go by the day's trade before, of which the three had 76 % of the ten's"


class Day(NamedTuple):
    """Cash coins, of all markets."""

    liquidated: float
    deleveraged: float  # notional closed against winners
    majors: float  # liquidated in MAJORS
    brought: float  # what the cross-margined traders came with


def scenario(seed: int, effort: Effort) -> Scenario:
    """The bundled `october-2025-ten` on the recorded bars; quick: fewer traders, from 21:00 on. Raises Missing."""
    found = replace(find("october-2025-ten"), seed=seed)
    assert isinstance(found.nature, Replay)
    files = tuple(str(recorded("data", f"{asset}USDT-15m-2025-10-06.csv")) for asset in found.nature.assets)
    found = replace(found, nature=replace(found.nature, files=files))
    return varied(found, QUICK) if effort is Effort.QUICK else found


def uninsured(setting: Scenario) -> Scenario:
    """Without a fund that bears anything (penalties would fill an empty one)."""
    rest = tuple(loss for loss in setting.world.exchanges[0].losses if not isinstance(loss, Insurance))
    return vary(setting, "exchange.losses", rest)


@cache
def day(seed: int, effort: Effort, insured: bool) -> Day:
    """Play it, with the insurance that it has, or without."""
    setting = scenario(seed, effort)
    setting = setting if insured else uninsured(setting)
    return told_of(setting, run(setting))


def told_of(setting: Scenario, record: Record) -> Day:
    """What came of it."""
    told = record.events
    forced = told.loc[told["kind"] == "liquidation", "numbers"].tolist()
    crowd = next(role for role in setting.cast if role.label == "leveraged")
    return Day(
        sum(one["notional"] for one in forced),
        sum(one["notional"] * one["deleveraged"] / abs(one["size"]) for one in forced if one["size"]),
        sum(one["notional"] for one in forced if one["market"].split(".")[1].removesuffix("-PERP") in MAJORS),
        crowd.count * crowd.capital,
    )


def over_seeds(effort: Effort, insured: bool, ratio: Callable[[Day], float]) -> Measured:
    """A ratio of that day, over seeds."""
    found = estimate([ratio(day(seed, effort, insured)) for seed in range(1, SEEDS[effort] + 1)])
    return Measured(found.mean, found.low, found.high, SEEDS[effort])


def claims() -> tuple[Claim, ...]:
    """Ratios of that day."""
    return (
        Claim(
            "B16-turnover",
            "liquidated, as a multiple of all equity (published: 70 minutes before; here: 45)",
            SOURCE,
            1.08,
            0.5,
            lambda effort: over_seeds(effort, True, lambda one: one.liquidated / one.brought),
            1.0,
            calibrated="leverage was settled while one seed's was seen",
        ),
        Claim(
            "B16-deleveraged",
            "deleveraged, as a share of liquidated (published: .382; .30 to .45 accepted)",
            SOURCE,
            Range(0.30, 0.45),
            0.0,
            lambda effort: over_seeds(effort, True, lambda one: one.deleveraged / one.liquidated),
            miss=Miss(COVERED, 0.0, 0.05),
        ),
        Claim(
            "B16-deleveraged-uninsured",
            "the same where no fund stands before it",
            SOURCE,
            Range(0.30, 0.45),
            0.0,
            lambda effort: over_seeds(effort, False, lambda one: one.deleveraged / one.liquidated),
            miss=Miss(QUOTING, 0.02, 0.2, quick=(0.0, 0.25)),
        ),
        Claim(
            "B16-majors",
            "share of BTC, ETH and SOL (published: in what was deleveraged, of 162; here: in what was liquidated, of ten)",
            SOURCE,
            0.644,
            0.1,
            lambda effort: over_seeds(effort, True, lambda one: one.majors / one.liquidated),
            miss=Miss(BASKETS, 0.76, 0.9, quick=(0.76, 0.95)),
        ),
    )
