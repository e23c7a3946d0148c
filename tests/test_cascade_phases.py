"""The study of leverage and depth: one push of the pool, and what it lets be estimated where nobody falls by himself."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.run import run
from experiments.studies.cascade_phases import ONSET, PATH, SHARE, Point, distance, measure, scenario

DEEP = Point(9.0, 1.6e8, 1)


def test_the_trigger_moves_the_pool_once_by_its_share_of_the_way_to_liquidation() -> None:
    asked = scenario(DEEP)
    alone = dataclasses.replace(asked, cast=tuple(role for role in asked.cast if role.label == "trigger"))
    record = run(alone)
    mid = record.blocks[f"{PATH}.mid"]
    assert mid.iloc[-1] / mid.iloc[0] == pytest.approx(1.0 - SHARE * distance(DEEP.leverage), rel=1e-3)
    (order,) = record.events[record.events["kind"] == "slice"].itertuples()
    assert order.time >= ONSET


def test_below_the_line_a_liquidation_sets_off_as_many_more_as_theory_says() -> None:
    found = measure(DEEP)
    assert found["liquidations"] >= 20
    assert found["theory"] < 0.6
    assert found["root"] == pytest.approx(found["theory"], abs=0.15)


def test_nobody_is_liquidated_there_whom_the_trigger_has_not_come_near() -> None:
    asked = scenario(DEEP)
    record = run(dataclasses.replace(asked, cast=tuple(role for role in asked.cast if role.label != "trigger")))
    assert not (record.events["kind"] == "liquidation").any()
