"""The two studies of margin: their quick versions say what their figures say, on the same draws each time."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from experiments.run import run
from experiments.scenario import find
from experiments.studies import margin_frontier, procyclicality
from experiments.studies.procyclicality import NATURES, liquidations


def test_looser_margin_carries_more_and_leaves_more_bad_debt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = dataclasses.replace(find("margined-pool"), duration=10_800.0)
    monkeypatch.setattr(margin_frontier, "find", {"margined-pool": half}.get)
    said = margin_frontier.main(tmp_path, workers=1, quick=True)
    points = pd.read_csv(tmp_path / "margin-frontier.csv")
    for _, group in points.groupby(["demand", "kept"]):
        ordered = group.sort_values("initial", ascending=False)
        assert ordered["leverage"].is_monotonic_increasing and ordered["debt"].is_monotonic_increasing
        loosest, tightest = ordered.iloc[-1], ordered.iloc[0]
        assert loosest["debt"] > 0.005 > 1e-4 > tightest["debt"]
        assert loosest["fees"] > tightest["fees"] > 0 > loosest["losses"]
    runs = pd.read_csv(tmp_path / "margin-frontier-runs.csv")
    assert (runs["fees"] + runs["losses"]).to_numpy() == pytest.approx((runs["vault"] - runs["rest"]).to_numpy())
    assert runs["digest"].nunique() > len(runs) // 2
    assert "paired by seed" in said
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".pdf", ".png"}


def test_the_scaling_calls_liquidations_that_its_twin_does_not(tmp_path: Path) -> None:
    said = procyclicality.main(tmp_path, workers=1, quick=True)
    arms = pd.read_csv(tmp_path / "procyclicality.csv")
    assert set(arms["arm"]) == {"fixed", "scaled", "flat"}
    scaled = arms[arms["arm"] == "scaled"]
    assert (scaled["factor"] > 1.1).all()
    assert (scaled["idle"] > 0).all() and (scaled["idle"] < scaled["called"]).all()
    assert (scaled["called"] <= scaled["liquidations"]).all()
    assert (scaled["liquidations_over_fixed"] > 0).all()
    assert (scaled["idle_volume"] < scaled["called_volume"]).all()
    assert "called by the scaling" in said


def test_natures_that_are_compared_have_the_same_jump_variance() -> None:
    bursts, lone = NATURES["bursts"], NATURES["lone jumps"]
    rates = float(bursts.rates()[0]), lone.intensity[0]  # type: ignore[attr-defined]
    assert rates[0] == pytest.approx(rates[1])
    assert bursts.jump_std == lone.jump_std  # type: ignore[attr-defined]


def test_the_scaled_crash_notes_what_each_account_had_above_the_margin_inside() -> None:
    record = run(find("scaled-crash"))
    calls = liquidations(record)
    assert len(calls) > 3
    assert calls["spare"].notna().all()
    assert (calls["spare"] >= 0).any()


def test_a_margin_with_nothing_inside_notes_nothing() -> None:
    calls = liquidations(run(find("leveraged-crash")))
    assert len(calls) > 3
    assert calls["spare"].isna().all()
