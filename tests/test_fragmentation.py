"""The study of split liquidity: its points are what they are named after, and an aggregator makes up for splitting."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from experiments.figures.fragmentation import draw
from experiments.run import build, release
from experiments.studies import fragmentation
from experiments.studies.fragmentation import MEASURES, ROUTINGS, Point

SEEDS = (1, 2)


def test_every_point_has_as_much_liquidity_however_it_is_split() -> None:
    for routing in ROUTINGS:
        for pools in fragmentation.POOLS:
            game = build(fragmentation.scenario(Point(routing, pools, 3)))
            token = game.house().token
            desks = [int(game.state.ledger.balance[token, listing.desk]) for listing in game.state.markets]
            assert len(desks) == pools
            assert sum(desks) == pytest.approx(fragmentation.LIQUIDITY * 1e6)
            assert {type(role.routing) for role in fragmentation.scenario(Point(routing, 2, 3)).cast} == {  # type: ignore[attr-defined]
                type(ROUTINGS[routing])
            }
            release(game)


def test_splitting_costs_those_who_do_not_compare_and_an_aggregator_makes_up_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Paired by seed: at home an order meets an eighth of the depth; over all pools it meets all of it, for gas."""
    monkeypatch.setattr(fragmentation, "DURATION", 400.0)
    home, best, split = ROUTINGS
    for seed in SEEDS:
        found = {
            (r, k): fragmentation.measure(Point(r, k, seed)) for r, k in ((home, 1), (home, 8), (best, 8), (split, 8))
        }
        whole = found[home, 1]["slippage"]
        assert found[home, 8]["slippage"] > 1.2 * found[best, 8]["slippage"] > 1.2 * found[split, 8]["slippage"]
        assert abs(found[split, 8]["slippage"] - whole) < 0.35 * whole
        assert found[home, 8]["apart"] > 2.0 * found[split, 8]["apart"] > 0.0 == found[home, 1]["apart"]
        assert found[home, 1]["gas"] < found[split, 8]["gas"] < 8.0 * found[home, 1]["gas"] + 1e-5


def test_runs_are_summed_up_paired_by_seed_and_drawn_alike_each_time(tmp_path: Path) -> None:
    runs = pd.DataFrame(
        {
            **Point(routing, pools, seed)._asdict(),
            **{name: size * (1.0 + place * pools + 0.1 * seed) for name, (_, _, size) in MEASURES.items()},
        }
        for place, routing in enumerate(ROUTINGS)
        for pools in (1, 8)
        for seed in (1, 2, 3)
    )
    table, steps = fragmentation.summary(runs), fragmentation.steps(runs)
    assert len(table) == 2 * len(ROUTINGS)
    one = steps[
        (steps["measure"] == "slippage") & (steps["of"] == "aggregated, 8") & (steps["over"] == "aggregated, 1")
    ]
    assert one["mean"].item() == pytest.approx(14.0)  # (1 + 2 * 8) - (1 + 2 * 1), whatever the seed
    assert one["seeds"].item() == 3
    first, again = draw(table, tmp_path / "a", "x"), draw(table, tmp_path / "b", "x")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
