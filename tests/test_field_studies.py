"""The studies of order and block space: each point is a scenario that can be played, and each table can be drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from agents.attacks.flow_hunter import FlowHunter
from experiments.run import build, release
from experiments.studies import keepers_under_congestion, private_flow, sniping_rent
from protocol.orderings.sealed import Sealed

POINTS = {
    keepers_under_congestion: [
        keepers_under_congestion.Point(rule, 1e-3, 1) for rule in keepers_under_congestion.RULES
    ],
    private_flow: [private_flow.Point(kind, 0.5, 1) for kind in private_flow.KINDS],
    sniping_rent: [sniping_rent.Point(rule, 1) for rule in sniping_rent.RULES],
}
MEASURED: dict[Any, dict[str, float]] = {
    keepers_under_congestion: {"gas": 400.0, "standing": 2e4, "debt": 1e3, "liquidated": 1e5},
    private_flow: {"loss": 20.0, "profit": 15.0, "right": 0.5, "foreseen": 0.4},
    sniping_rent: {"quicker": 900.0, "second": 100.0, "fees": 50.0, "taken": 1_050.0},
}


@pytest.mark.parametrize("study", POINTS, ids=lambda study: study.NAME)
def test_every_kind_of_point_is_a_game_that_can_be_played(study):
    for point in POINTS[study]:
        game = build(study.scenario(point))
        game.step()
        release(game)


def test_the_points_differ_in_what_they_are_named_after():
    hidden = private_flow.scenario(private_flow.Point("sealed, inferred from fills", 0.5, 3))
    assert isinstance(hidden.world.chains[0].ordering, Sealed)
    assert [type(role) for role in hidden.cast if role.label == "attacker"] == [FlowHunter]
    assert [role.scatter for role in hidden.cast if role.label == "large"] == [0.5]
    assert hidden.seed == 3
    gas = [keepers_under_congestion.price(value) for value in keepers_under_congestion.VALUES]
    assert gas == sorted(gas)


@pytest.mark.parametrize("study", POINTS, ids=lambda study: study.NAME)
def test_runs_are_summed_up_with_intervals_and_drawn_alike_each_time(study, tmp_path: Path):
    runs = [
        {**point._replace(seed=seed)._asdict(), **{k: v * (1.0 + 0.1 * seed) for k, v in MEASURED[study].items()}}
        for point in POINTS[study]
        for seed in (1, 2, 3)
    ]
    if study is keepers_under_congestion:
        runs = [{**run, "gas": 400.0} for run in runs]
    table = study.summary(pd.DataFrame(runs))
    assert len(table) == len(POINTS[study])
    assert set(table["seeds"]) == {3}
    what = "loss" if study is private_flow else next(iter(set(MEASURED[study]) - {"gas"}))
    assert (table[f"{what}_low"] < table[what]).all()
    assert (table[what] < table[f"{what}_high"]).all()
    first, second = (study.draw(table, tmp_path / name, "figure") for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
