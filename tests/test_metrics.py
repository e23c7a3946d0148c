"""Wealth is conserved by the closing, and gains leave out what was brought in from outside."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from experiments.metrics import half_life
from experiments.record import tables
from experiments.run import build, run
from experiments.scenario import find
from experiments.wealth import wealth
from protocol.ledger import WORLD, Reason
from tests.test_determinism import scenario


def test_wealth_of_all_is_what_the_world_has_put_in() -> None:
    game = build(dataclasses.replace(scenario(), duration=6_000.0))
    game.play()
    ledger, house, listing = game.state.ledger, game.house(), game.listing()
    put_in = -ledger.balance[house.token, WORLD] / house.cash_scale
    put_in += -ledger.balance[listing.base, WORLD] / listing.size_scale * game.fair_now("ETH")
    total, _ = wealth(game, game.state)
    assert float(total.sum()) == pytest.approx(put_in, rel=1e-9)


def test_flows_add_up_to_the_change_of_every_groups_cash() -> None:
    game = build(scenario())
    house = game.house()
    rows = [house.token, house.cash]

    def cash() -> dict[str, float]:
        units = game.state.ledger.balance[rows].sum(axis=0)
        sums = np.bincount(game.state.ledger.group, weights=units)
        return dict(zip(game.state.ledger.groups, sums / house.cash_scale, strict=True))

    before = cash()
    game.play()
    _, _, flows = tables(game)
    inflow, outflow = flows.groupby("target")["cash"].sum(), flows.groupby("source")["cash"].sum()
    for group, start in before.items():
        change = float(inflow.get(group, 0.0) - outflow.get(group, 0.0))
        assert change == pytest.approx(cash()[group] - start, abs=1e-5), group


def test_what_is_brought_in_is_no_gain() -> None:
    record = run(dataclasses.replace(scenario(), duration=6_000.0))
    brought = record.flows.query("reason == 'reentry' and target == 'leveraged'")["cash"].sum()
    assert brought > 0, "nobody came back with a new stake: the test reaches nothing"
    parts = sum(value for key, value in record.metrics.items() if key.startswith("gain."))
    gas = record.flows.query("reason == 'gas'")["cash"].sum()
    assert parts == pytest.approx(-gas, abs=1e-3)


def test_half_life_of_a_known_decay() -> None:
    gap = 0.5 ** (np.arange(50) / 10.0)
    assert half_life(gap, np.arange(50) * 2.0) == pytest.approx(20.0)
    assert math.isnan(half_life(np.zeros(10), np.arange(10.0)))


def test_every_reason_has_a_name_in_the_flow_table() -> None:
    assert len({reason.name.lower() for reason in Reason}) == len(Reason)


def test_the_latency_gap_is_told_as_a_distribution_of_error_and_of_age() -> None:
    record = run(dataclasses.replace(find("stale-oracle"), duration=1_200.0))
    path, row = "dex.ETH-PERP", record.metrics
    gap = np.abs(np.log(record.blocks[f"{path}.fair"] / record.blocks[f"{path}.index"]))
    for quantile in (50, 95, 99):
        assert row[f"{path}.latency_gap_p{quantile}"] == pytest.approx(np.quantile(gap, quantile / 100))
    assert 0.0 < row[f"{path}.latency_gap_p50"] < row[f"{path}.latency_gap_p99"] <= row[f"{path}.latency_gap_worst"]
    assert row[f"{path}.index_age_p50"] <= row[f"{path}.index_age_p95"]
