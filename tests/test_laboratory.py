"""Sensitivity finds what it is known to be, and a search finds the best, is not flattered by it, and can be stopped."""

from __future__ import annotations

import contextlib
import math
import pickle
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments import cli, cluster, search
from experiments.axes.base import Bound
from experiments.axes.morris import Morris
from experiments.axes.saltelli import Saltelli
from experiments.codec import Mistakes
from experiments.scenario import Scenario, find
from experiments.sensitivity import attributed, kept, load_spec, screened, values
from experiments.sweeps import driver, stage
from experiments.sweeps.arena import Slice
from experiments.sweeps.rows import Cell, Job, Took
from experiments.sweeps.spec import Design

Out = pytest.CaptureFixture[str]
Measure = Callable[[Scenario, Any], tuple[str, dict[str, float]]]
BOUNDS = (
    Bound("duration", 10.0, 20.0, name="a"),
    Bound("patience", 10.0, 20.0, name="b"),
    Bound("seed", 0.0, 9.0, name="c"),
)


class Here:
    """A crew of one, who is this very process."""

    def __init__(self) -> None:
        self.executor = self

    def slots(self) -> int:
        return 1

    def submit(self, work: Any, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(work(*arguments))
        return future

    def done(self, running: Collection[Future[Any]]) -> set[Future[Any]]:
        return set(running)


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Measure], None]:
    """Sweeps are played here and now; call it with what a scenario comes to, to play nothing at all."""
    monkeypatch.chdir(tmp_path)

    def some(job: Job, points: bytes, cells: tuple[Cell, ...], _: float) -> Slice:
        sweep, found = pickle.loads(job.blob), pickle.loads(points)
        return Slice(
            [stage.attempt(sweep, found[cell.point], cell)[0] for cell in cells],
            {},
            Took(1e-3 * len(cells), 0.0),
        )

    @contextlib.contextmanager
    def on_call(*_: object) -> Iterator[Callable[[], Here]]:
        yield Here

    monkeypatch.setattr(driver, "play_some", some)
    monkeypatch.setattr(cluster, "on_call", on_call)
    return lambda measure: monkeypatch.setattr(stage, "measured", measure)


# Sensitivity


def test_morris_gives_the_slopes_of_a_plane() -> None:
    axis = Morris(BOUNDS, 12)
    found = screened(axis, axis.shares() @ np.array([3.0, -2.0, 0.0])).table.set_index("parameter")
    assert found["mu_star"].tolist() == pytest.approx([3.0, 2.0, 0.0])
    assert found["sigma"].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


@pytest.mark.parametrize(
    ("trajectories", "sizes"), [(4, [2, 3, 4]), (10, [2, 4, 5, 7, 10]), (32, [2, 3, 4, 6, 8, 11, 16, 23, 32])]
)
def test_morris_is_shown_to_settle_as_trajectories_are_added(trajectories: int, sizes: list[int]) -> None:
    axis = Morris(BOUNDS, trajectories)
    shares = axis.shares()
    found = screened(axis, shares @ np.array([3.0, -2.0, 0.0]) + 4.0 * shares[:, 0] * shares[:, 1])
    steps = found.convergence.groupby("trajectories")
    assert list(steps.groups) == sizes
    assert found.convergence.tail(3)["mu_star"].tolist() == found.table["mu_star"].tolist()
    if trajectories == 32:
        widths = steps["half_width"].mean()
        assert 0.0 < widths[32] < 0.6 * widths[4]


def test_sobol_indices_of_a_plane_and_of_a_product_are_the_closed_ones() -> None:
    axis = Saltelli(BOUNDS, 256)
    points = [zip(BOUNDS, level.changes.values(), strict=True) for level in axis.levels()]
    shares = np.array([[(x - bound.low) / (bound.high - bound.low) for bound, x in point] for point in points])
    plane = attributed(axis, shares @ np.array([3.0, -2.0, 0.0]))
    assert plane.table["first"].tolist() == pytest.approx([9 / 13, 4 / 13, 0.0], abs=0.03)
    assert plane.table["total"].tolist() == pytest.approx([9 / 13, 4 / 13, 0.0], abs=0.03)
    product = attributed(axis, (2.0 * shares[:, 0] - 1.0) * (2.0 * shares[:, 1] - 1.0)).table
    assert product["first"].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=0.1)  # neither does anything alone
    assert product["total"].tolist() == pytest.approx([1.0, 1.0, 0.0], abs=0.15)
    widths = plane.convergence.groupby("samples")["total_half_width"].mean()
    assert widths.index.tolist() == [4, 8, 16, 32, 64, 128, 256]
    assert widths.iloc[-1] < 0.5 * widths.iloc[1]


def test_an_analysis_of_the_same_outcomes_is_the_same_again_intervals_too() -> None:
    screen, attribution = Morris(BOUNDS, 4), Saltelli(BOUNDS, 8)
    dice = np.random.default_rng(1)
    outcomes = dice.normal(size=len(screen.levels())), dice.normal(size=len(attribution.levels()))
    for analysed, axis, values_ in ((screened, screen, outcomes[0]), (attributed, attribution, outcomes[1])):
        first, second = analysed(axis, values_), analysed(axis, values_)  # type: ignore[operator]
        pd.testing.assert_frame_equal(first.convergence, second.convergence)


def test_what_surely_does_not_matter_is_left_out_and_no_more_than_asked_is_kept() -> None:
    screen = pd.DataFrame(
        {"parameter": ["a", "b", "c"], "mu_star": [1.0, 0.04, 0.04], "half_width": [0.1, 0.02, 0.001]}
    )
    assert [bound.column for bound in kept(BOUNDS, screen, 5)] == ["a", "b"]
    assert [bound.column for bound in kept(BOUNDS, screen, 1)] == ["a"]


def test_points_without_a_value_and_values_that_never_differ_are_refused() -> None:
    columns = {"x": [1.0, 3.0, 4.0, 4.0], "y": 1.0, "z": [1.0, 2.0, math.nan, math.nan]}
    frame = pd.DataFrame({"point": [0, 0, 1, 1], "status": "ok", **columns})
    assert values(frame, "x").tolist() == [2.0, 4.0]
    assert values(frame, "x", "rank").tolist() == [0.0, 1.0]
    for column, words in (("y", "is 1 at every point"), ("z", "1 of 2 points have no value"), ("w", "no such number")):
        with pytest.raises(Mistakes, match=words):
            values(frame, column)


SENSITIVE = """
name = "s"
base = "stale-oracle"
of = "gain.sniper"
trajectories = 4
samples = 16
replicates = 2

[[bounds]]
path = "exchange.market.fee"
low = 0.0
high = 0.001

[[bounds]]
path = "cast.sniper.usage"
name = "usage"
low = 0.1
high = 0.9

[[bounds]]
path = "patience"
low = 60.0
high = 120.0
"""


def test_the_command_screens_attributes_and_draws(measured: Any, capsys: Out) -> None:
    def profit(scenario: Scenario, _: Any) -> tuple[str, dict[str, float]]:
        usage = next(role for role in scenario.cast if role.label == "sniper").usage  # type: ignore[attr-defined]
        return "", {"gain.sniper": 1e3 * usage - 1e6 * scenario.world.exchanges[0].markets[0].fee * usage}

    measured(profit)
    Path("s.toml").write_text(SENSITIVE, encoding="utf-8")
    assert cli.main(["sensitivity", "s.toml", "--out", "out"]) == 0
    out = capsys.readouterr().out
    assert "gain.sniper, cash coins: effects (Morris)" in out
    attribution = out.split("(Sobol)")[1]
    assert "usage" in attribution and "patience" not in attribution
    for name in ("sensitivity.pdf", "sensitivity.png", "screen.csv", "attribute.csv", "screen/complete.json"):
        assert (Path("out") / name).stat().st_size > 0


def test_mistakes_of_a_sensitivity_are_lines(measured: Any, capsys: Out) -> None:
    text = SENSITIVE.replace("samples = 16", "samples = 12").replace("trajectories = 4", "trajectories = 1")
    Path("s.toml").write_text(text.replace("exchange.market.fee", "exchange.market.fea"), encoding="utf-8")
    assert cli.main(["sensitivity", "s.toml"]) == 2
    err = capsys.readouterr().err
    assert "samples = 12: must be a power of two" in err and "trajectories = 1: must be 2 or more" in err
    Path("s.toml").write_text(SENSITIVE.replace("exchange.market.fee", "exchange.market.fea"), encoding="utf-8")
    assert cli.main(["sensitivity", "s.toml"]) == 2
    assert "did you mean fee?" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "examples").glob("*.toml")), ids=lambda p: p.stem)
def test_the_examples_are_specifications_without_mistakes(path: Path) -> None:
    from experiments.sweeps.spec import load

    if path.stem.startswith("sweep"):
        assert len(load(path).points) > 1
    else:
        assert len(load_spec(path)[1].points) > 1


# Search

PEAK = 0.3


def noisy(scenario: Scenario, _: Any) -> tuple[str, dict[str, float]]:
    """A profit with its peak at a usage of 0.3 and a share of 0.6, in noise that differs by parameters and seed."""
    role: Any = next(role for role in scenario.cast if role.label == "sniper")
    dice = np.random.default_rng([scenario.seed, int(1e6 * role.usage), int(1e6 * role.bid_share)])
    return "", {
        "gain.sniper": -1e4 * ((role.usage - PEAK) ** 2 + (role.bid_share - 0.6) ** 2) + dice.normal(0.0, 300.0)
    }


def searched(home: Path, budget: int = 128, stop: int = 999, **options: Any) -> search.Found:
    base, role = search.attacker(find("stale-oracle"), "sniper")
    bounds = search.space(base, role, ("usage=0.05:1", "bid_share=0:0.9"))
    plays = 0

    def play(design: Design, folder: Path) -> None:
        nonlocal plays
        plays += 1
        if plays > stop:
            raise KeyboardInterrupt
        driver.play(design, folder, hands=Here)  # type: ignore[arg-type]

    return search.search(base, role, bounds, play, home, budget=budget, seeds=4, held_out=16, **options)


@pytest.mark.parametrize("sampler", ["cmaes", "tpe"])
def test_the_search_finds_the_peak_and_its_report_is_not_flattered(measured: Any, sampler: Any) -> None:
    measured(noisy)
    found = searched(Path("out"), budget=384, sampler=sampler)
    assert found.best.parameters["usage"] == pytest.approx(PEAK, abs=0.15)
    assert found.best.parameters["bid_share"] == pytest.approx(0.6, abs=0.15)
    assert found.best.worth > found.held.mean  # the winner's curse
    true = -1e4 * ((found.best.parameters["usage"] - PEAK) ** 2 + (found.best.parameters["bid_share"] - 0.6) ** 2)
    assert found.held.low - 100 <= true <= found.held.high + 100
    assert found.better.estimate.low > 0.0
    sniper: Any = next(role for role in found.scenario.cast if role.label == "sniper")
    assert sniper.usage == found.best.parameters["usage"]
    assert found.trials[0].parameters == {"usage": 0.5, "bid_share": 0.1}  # as the scenario has it


def test_a_search_that_is_stopped_goes_on_to_the_same_and_further_with_more_budget(measured: Any) -> None:
    measured(noisy)
    whole = searched(Path("whole"))
    with pytest.raises(KeyboardInterrupt):
        searched(Path("out"), stop=3)
    assert searched(Path("out")) == whole
    further = searched(Path("whole"), budget=160)
    assert further.trials[: len(whole.trials)] == whole.trials
    assert len(further.trials) == 40


def test_the_search_never_sees_a_held_out_seed(measured: Any) -> None:
    measured(noisy)
    searched(Path("out"), budget=64)
    from experiments.results import load

    inside = {seed for home in Path("out").glob("generation-*") for seed in load(home)["seed"]}
    assert inside == {1, 2, 3, 4}
    assert inside.isdisjoint(load("out/held-out-of-0002")["seed"])


def test_candidates_that_cannot_be_played_are_passed_over(measured: Any) -> None:
    def fragile(scenario: Scenario, record: Any) -> tuple[str, dict[str, float]]:
        role: Any = next(role for role in scenario.cast if role.label == "sniper")
        if role.usage > 0.6:
            raise ZeroDivisionError
        return noisy(scenario, record)

    measured(fragile)
    found = searched(Path("out"), budget=128)
    assert any(math.isnan(trial.worth) for trial in found.trials)
    assert found.best.parameters["usage"] <= 0.6


def test_a_search_of_the_game_itself_runs_from_the_command_line(measured: Any, capsys: Out) -> None:
    from experiments.codec import dumps
    from experiments.overrides import vary

    Path("short.toml").write_text(dumps(vary(find("stale-oracle"), "duration", 120.0)), encoding="utf-8")
    command = ["search", "short.toml", "--attack", "sniper", "--budget", "16", "--seeds", "2", "--held-out", "2"]
    assert cli.main([*command, "--over", "usage=0.05:1", "--out", "out"]) == 0
    out = capsys.readouterr().out
    assert "best, on held-out seeds:" in out and "flattered by the search" in out
    assert find("out/best.toml").cast[-1].label == "sniper"
    assert Path("out/search.png").stat().st_size > 0
    assert cli.main(command[:-4] + ["--seeds", "3", "--over", "usage=0.05:1", "--out", "out"]) == 2
    assert "holds the results of another sweep" in capsys.readouterr().err


def test_without_a_word_the_space_is_what_the_role_allows_around_what_it_is() -> None:
    base, role = search.attacker(find("stale-oracle"), "sniper")
    bounds = {bound.name: bound for bound in search.space(base, role, ())}
    assert "capital" not in bounds and "latency" not in bounds
    assert (bounds["hold"].low, bounds["hold"].high, bounds["hold"].scale) == (720.0, 72_000.0, "log")
    assert bounds["usage"].low == pytest.approx(0.05)
    assert 0.99 < bounds["usage"].high <= 1.0
    joined, push = search.attacker(find("oracle-push"), "attacker")
    whole = {bound.name: bound for bound in search.space(joined, push, ())}["most_blocks"]
    assert whole.scale == "whole" and whole.low >= 1


def test_a_kind_of_attacker_that_is_not_in_the_cast_joins_it() -> None:
    base, role = search.attacker(find("oracle-push"), "StaleSniper")
    assert role.label == "stalesniper" and base.cast[-1] == role


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--attack", "snipper"], "did you mean sniper?"),
        (["--attack", "sniper", "--over", "usag=0:1"], "did you mean usage?"),
        (["--attack", "sniper", "--over", "usage=1:1"], "an empty range"),
        (["--attack", "sniper", "--over", "usage=0.1:2"], "usage = 2.0: must be above 0 to 1"),
        (["--attack", "sniper", "--over", "usage"], "must be FIELD=LOW:HIGH"),
        (["--attack", "sniper", "--over", "usage=0.1:1:cubic"], "must be FIELD=LOW:HIGH"),
        (["--attack", "sniper", "--over", "usage=0.1:1", "--over", "usage=0.2:1"], "given twice"),
        (["--attack", "sniper", "--budget", "0"], "--budget 0"),
        (["--attack", "sniper", "--seconds", "0"], "--seconds 0"),
        (["--attack", "sniper", "--held-out", "1"], "--held-out 1"),
    ],
)
def test_a_mistake_of_a_search_is_one_line(measured: Any, capsys: Out, arguments: list[str], words: str) -> None:
    assert cli.main(["search", "stale-oracle", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert sum(words in line for line in lines) == 1, lines
    assert not Path("results").exists()


def test_a_search_figure_says_whether_the_search_had_converged() -> None:
    from experiments.figures.search import _settled

    runs = np.arange(4, 44, 4)
    assert _settled(np.array([1.0, 1, 1, 1, 1, 10, 10, 10, 10, 10]), runs).endswith("not converged)")
    assert _settled(np.full(10, -5.0), runs).endswith("not converged)")
    assert "(its best grew by 5 % in the second half)" in _settled(
        np.array([1.0] * 3 + [100.0] * 5 + [105.0] * 2), runs
    )
