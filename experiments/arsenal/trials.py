"""One run of the arsenal, and what is read off it: wealth by group, decisions, how honest trade went, when it was noticed.

A trial is a scenario with at most one attacker in its cast. Everything that is compared later is compared seed by seed, the
attacked run against the benign one under the same rules, so a trial keeps numbers by group and takes no differences itself.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.crowds.base import Crowd
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario

ATTACKER = "attacker"  # the label of whoever is seated to attack


class Trial(NamedTuple):
    """One run to be made. `alarms`: what each signal reached in the benign runs; () where that is what is asked."""

    attack: str  # name of its class; "" for nobody
    defence: str  # name of its class; "" for the rules as they are
    scenario: Scenario
    alarms: tuple[float, ...] = ()


class Result(NamedTuple):
    """What became of a trial. Cash in coins, times in seconds."""

    attack: str
    defence: str
    seed: int
    digest: str
    gains: dict[str, float]  # by group of accounts
    open_interest: float  # mean over blocks and markets of claims, one side
    volume: float
    slippage: float  # cash coins by which crowds traded off fair, per coin traded; nan where none did
    provider_return: float  # of a vault's share, or of what stood in pools; nan without either
    bad_debt: float
    attacked: int  # times it decided to
    declined: str  # the last reason to stay at home, if it never attacked
    estimate: float  # sum over its attacks of what it expected
    cost: float
    stake: float  # the largest it put at risk at once
    hoped: float  # the most that it came to expect of anything, also of what it left; nan: it came to no number
    held: float  # notional of all players' positions, mean
    capital: float  # margin posted, vaults and insurance behind that, mean
    signals: tuple[float, ...]  # largest value of each public signal
    noticed: float  # from the first attack to the first signal beyond its alarm; nan: never, or nothing to notice
    fees: float = 0.0  # cash coins of fees that crowds paid, per coin traded by them; nan where they traded nothing


def play(trial: Trial) -> Result:
    """Run it, and keep the numbers."""
    record = run(trial.scenario)
    row, events, blocks = record.metrics, record.events, record.blocks
    mine = events[np.array([str(who).split(".")[0] == ATTACKER for who in events["who"]], bool)]
    attacks = mine[mine["kind"] == "attack"]
    numbers = list(attacks["numbers"])
    refusals = [str(n.get("why", "")) for n in mine.loc[mine["kind"] == "attack declined", "numbers"]]
    hopes = [float(n["estimate"]) for n in mine["numbers"] if math.isfinite(n.get("estimate", math.nan))]
    watched = signals(record)
    return Result(
        attack=trial.attack,
        defence=trial.defence,
        seed=trial.scenario.seed,
        digest=record.digest,
        gains={key[5:]: float(value) for key, value in row.items() if key.startswith("gain.")},
        open_interest=_open_interest(blocks, trial.scenario),
        volume=_total(blocks, ".volume"),
        slippage=_slippage(blocks),
        provider_return=_provider_return(row),
        bad_debt=_sum_of(row, ".bad_debt"),
        attacked=len(attacks),
        declined=refusals[-1] if refusals and not len(attacks) else "",
        estimate=_sum(numbers, "estimate"),
        cost=_sum(numbers, "cost"),
        stake=max((float(n.get("stake", 0.0)) for n in numbers), default=0.0),
        hoped=max(hopes, default=math.nan),
        held=_sum_of(row, ".held"),
        capital=_sum_of(row, ".margin", ".vault_capital") + sum(e.insurance for e in trial.scenario.world.exchanges),
        signals=tuple(float(np.nanmax(series, initial=0.0)) for series in watched),
        noticed=_noticed(blocks["time"].to_numpy(), watched, trial.alarms, attacks["time"]),
        fees=_fees(record, trial.scenario),
    )


def _sum_of(row: dict[str, Any], *endings: str) -> float:
    return float(sum(value for key, value in row.items() if key.endswith(endings)))


def _sum(numbers: list[dict[str, Any]], name: str) -> float:
    return float(sum(float(n.get(name, 0.0)) for n in numbers))


def _open_interest(blocks: pd.DataFrame, scenario: Scenario) -> float:
    """Cash coins of open positions, longs and shorts halved, at fair; summed over markets, mean over blocks."""
    total = 0.0
    for exchange in scenario.world.exchanges:
        for market in exchange.markets:
            path = f"{exchange.name}.{market.name}"
            if f"{path}.open_long" in blocks:
                open_ = 0.5 * (blocks[f"{path}.open_long"] + blocks[f"{path}.open_short"])
                total += float(np.nanmean(open_ * blocks[f"{path}.fair"]))
    return total


def _slippage(blocks: pd.DataFrame) -> float:
    traded = _total(blocks, ".run_volume")
    return _total(blocks, ".run_off") / traded if traded > 0 else math.nan


def _fees(record: Record, scenario: Scenario) -> float:
    crowds = [role.label for role in scenario.cast if isinstance(role, Crowd)]
    flows, traded = record.flows, _total(record.blocks, ".run_volume")
    paid = float(flows.loc[(flows["reason"] == "fee") & flows["source"].isin(crowds), "cash"].sum())
    return paid / traded if traded > 0 else math.nan


def _total(blocks: pd.DataFrame, ending: str) -> float:
    """Sum over blocks of all columns whose names end so."""
    return float(blocks[[name for name in map(str, blocks) if name.endswith(ending)]].to_numpy().sum())


def _provider_return(row: dict[str, Any]) -> float:
    """Growth of a vault share at fair, mean over vaults; without one, what founders gained on what they had in pools."""
    found = [float(v) for key, v in row.items() if key.endswith(".return_on_vault") and math.isfinite(float(v))]
    if found:
        return float(np.mean(found))
    wealth, gain = float(row.get("wealth.founders", 0.0)), float(row.get("gain.founders", 0.0))
    return gain / (wealth - gain) if wealth - gain > 0 else math.nan


def signals(record: Record) -> list[np.ndarray[Any, Any]]:
    """What anybody may watch, block by block: index against mid in each market; what insurance, vault and till lost at once.

    Shapes [blocks]. Relative, so that one alarm serves any size.
    """
    blocks, found = record.blocks, []
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in map(str, blocks):
            if name.endswith(".index"):
                gap = np.abs(np.log(blocks[name].to_numpy() / blocks[name[:-5] + "mid"].to_numpy()))
                found.append(np.where(np.isfinite(gap), gap, np.nan))
            if name.endswith((".insurance", ".vault", ".custody")):
                level = blocks[name].to_numpy()
                fall = -np.diff(level, prepend=level[0]) / np.maximum(np.abs(level), 1.0)
                found.append(np.where(np.isfinite(fall), fall, np.nan))
            if name.endswith(".deficit"):
                found.append(np.diff(blocks[name].to_numpy(), prepend=0.0))
    return found


def _noticed(
    times: np.ndarray[Any, Any],
    watched: list[np.ndarray[Any, Any]],
    alarms: tuple[float, ...],
    attacks: pd.Series[float],
) -> float:
    """Seconds from the first attack to the first block in which a signal passes what it reached in any benign run."""
    if not alarms or not len(attacks):
        return math.nan
    since = float(attacks.iloc[0])
    loud = np.zeros(len(times), bool)
    for series, alarm in zip(watched, alarms, strict=True):
        loud |= np.nan_to_num(series, nan=-math.inf) > alarm * (1.0 + 1e-9) + 1e-12
    heard = times[loud & (times >= since)]
    return float(heard[0] - since) if len(heard) else math.nan
