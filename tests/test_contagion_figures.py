"""Figures and tables of contagion go below nothing nowhere, hide no disc, cut off no bar, tell no share without its seeds."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.cascades import report
from experiments.cascades.amplification import ALL, Amplified
from experiments.cascades.causes import Forced, Why
from experiments.cascades.episodes import Told, largest
from experiments.cascades.trees import clusters
from experiments.figures import (
    amplification,
    bridge_finality,
    cascade_phases,
    cascade_shape,
    cascade_tree,
    channels,
    waterfall,
)
from experiments.scenario import find
from experiments.statistics import Difference, Estimate
from experiments.studies import channels as studied


@pytest.fixture
def drawn(monkeypatch):
    """Figures in place of files."""
    kept = []
    for module in (amplification, cascade_phases, cascade_shape, cascade_tree, waterfall):
        monkeypatch.setattr(module, "save", lambda figure, *_, **__: kept.append(figure) or ["drawn"])
    return kept


def one(channel, through, low, high, p=0.01, whole=1e6):
    alone = Estimate(whole, whole, whole, 10)
    cut = Estimate(whole - through, whole - through, whole - through, 10)
    return Amplified(channel, "written_off", alone, cut, Difference(Estimate(through, low, high, 10), p), p)


SUBSTITUTES = [one(name, 1e6, 9e5, 1.1e6) for name in ("oracle", "collateral", ALL)]


def test_channels_that_stand_in_for_one_another_are_drawn_from_a_common_zero(drawn, tmp_path):
    amplification.draw(SUBSTITUTES, "written_off", "written off, cash coins", tmp_path, "any")
    bars = drawn[0].axes[0].patches
    assert len(bars) == 4
    assert [bar.get_y() for bar in bars] == [0.0] * 4
    assert [bar.get_height() for bar in bars] == pytest.approx([1_000.0] * 4)
    assert amplification.title(SUBSTITUTES) == "100 % goes through oracle as through collateral"


def test_a_channel_is_told_to_carry_or_to_spare_only_where_its_interval_leaves_zero_out():
    looks = [amplification.look(one("price", *ends)) for ends in ((1e5, 5e4, 2e5), (-1e5, -2e5, -5e4), (1e5, -1, 3e5))]
    assert looks == ["carried by it", "spared by it", "interval holds 0"]
    assert amplification.title([one("price", 1e5, -1.0, 3e5)]) == "No single channel is told to carry it"


def test_steps_hang_from_one_another_down_to_what_is_left(drawn, tmp_path):
    def level(mean):
        return Estimate(mean, mean, mean, 10)

    ends = (1e6, 4e5, 5e5, 1e5)  # the second step adds
    steps = [
        Amplified(name, "written_off", level(a), level(b), Difference(Estimate(a - b, a - b, a - b, 10), 0.01), 0.01)
        for name, a, b in zip(("price", "losses", "oracle"), ends, ends[1:], strict=False)
    ]
    waterfall.draw(steps, "written_off", "written off, cash coins", tmp_path, "any")
    first, *bars, last = drawn[0].axes[0].patches
    assert (first.get_height(), last.get_height()) == (1_000.0, 100.0)
    assert [sorted((bar.get_y(), bar.get_y() + bar.get_height())) for bar in bars] == [
        [400.0, 1_000.0],
        [400.0, 500.0],
        [100.0, 500.0],
    ]
    assert waterfall.title(steps) == "With every channel cut 10 % is left"


# Trees and shapes


def closures(*parents, times, market="beta.X"):
    rows = []
    for number, (parent, time) in enumerate(zip(parents, times, strict=True)):
        cause = {"nature": -1.0} if parent < 0 else {Forced(parent): -1.0}
        rows.append(Why(number, time, number, "a", market, 1.0, 10.0 + number, 0.0, 0.0, 0.0, -1.0, cause, cause))
    return rows


def run_of(why, seconds=400, **prices):
    """A run on alpha and beta, with what was closed in it."""
    times = np.arange(0.0, seconds, 10.0)
    names = {f"{name}.X.{price}": 100.0 for name in ("alpha", "beta") for price in ("fair", "mid", "index")}
    blocks = pd.DataFrame({"time": times, "height": np.arange(len(times))} | names).assign(**prices)
    events = pd.DataFrame(columns=["time", "who", "kind", "numbers"])
    scenario = dataclasses.replace(find("fire-sale"))
    return Told(SimpleNamespace(blocks=blocks, events=events, scenario=scenario, digest="0" * 64), why)


def test_a_family_of_one_moment_has_no_tree(drawn, tmp_path):
    at_once = run_of(closures(-1, 0, times=(100.0, 100.0)))
    assert cascade_tree.draw(at_once, largest(at_once.why), tmp_path, "tree") == []
    later = run_of(closures(-1, 0, times=(100.0, 130.0)))
    assert cascade_tree.draw(later, largest(later.why), tmp_path, "tree") != []
    assert drawn[0].axes[0].get_title(loc="left").endswith("1 generation")


def test_no_disc_of_a_tree_hides_one_of_another_line():
    rng = np.random.default_rng(5)
    parents = np.array([-1, *(int(rng.integers(0, child)) for child in range(1, 60))])
    members = list(range(60))
    across = cascade_tree.diameters({k: float(cash) for k, cash in enumerate(rng.pareto(1.0, 60) + 0.01)})
    height = cascade_tree.rows(parents, members, across)
    below = {k: {k} for k in members}
    for child in range(59, 0, -1):
        below[int(parents[child])] |= below[child]
    for k in members:
        for other in range(k + 1, 60):
            if other not in below[k]:
                assert abs(height[k] - height[other]) >= 0.5 * (across[k] + across[other]) - 1e-9


def test_discs_of_one_moment_stand_beside_each_other_though_one_set_off_the_other(drawn, tmp_path):
    chain = run_of(closures(-1, 0, 1, 1, times=(100.0, 112.0, 112.0, 130.0)))
    cascade_tree.draw(chain, largest(chain.why), tmp_path, "tree")
    (discs,) = drawn[0].axes[0].collections
    (_, a), (_, b) = [place for place in discs.get_offsets() if place[0] == 12.0]
    wide = np.sqrt(discs.get_sizes())
    assert abs(a - b) >= 0.5 * (wide[1] + wide[2])


def test_a_shape_shows_the_market_that_was_pushed_beside_the_one_that_was_closed_and_leaves_room_over_its_bars(
    drawn, tmp_path
):
    pushed = np.where(np.arange(40) == 9, 500.0, 100.0)
    attacked = run_of(closures(-1, 0, times=(100.0, 100.0)), **{"alpha.X.index": pushed})
    cascade_shape.draw(attacked, largest(attacked.why), tmp_path, "shape")
    above, between, below = drawn[0].axes
    assert [axis.get_ylabel().split("\n")[0] for axis in (above, between)] == ["alpha.X", "beta.X"]
    highest = max(bar.get_y() + bar.get_height() for bar in below.containers[-1])
    assert below.get_ylim()[1] > 1.05 * highest


def test_a_seizure_of_what_has_no_market_is_drawn_with_the_market_that_strayed(drawn, tmp_path):
    seized = run_of(closures(-1, 0, times=(100.0, 130.0), market="beta.alpha.share"))
    assert cascade_shape.draw(seized, largest(seized.why), tmp_path, "shape") == ["drawn"]
    assert len(drawn[0].axes) == 2


# Shares


def test_shares_are_means_over_runs_with_their_interval_and_seeds():
    found = report.of_whole([{"venue": 90.0, "insurance": 10.0}, {"venue": 1.0, "insurance": 3.0}, {}])
    assert list(found) == ["venue", "insurance"]
    assert found["venue"].mean == pytest.approx(0.5 * (0.9 + 0.25))
    assert found["venue"].seeds == 2  # in the third there was nothing to share
    assert 0.0 <= found["venue"].low < found["venue"].mean < found["venue"].high <= 1.0
    cash = report.by_run([{"venue": 90.0}, {"insurance": 3.0}])
    assert cash["insurance"] == report.estimate([0.0, 3.0])


def test_a_ratio_without_an_error_is_left_out_and_causes_are_told_with_their_seeds(capsys):
    times = (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 300.0)
    runs = [run_of(closures(*([-1] * 7), times=times)) for _ in range(2)]
    quiet = [runs[0], run_of([])]
    for those in (runs, quiet):
        report.show(report.Contagion(find("fire-sale"), those, [clusters(run.why) for run in those], [], [], [], []))
        told = capsys.readouterr().out
        assert "nan" not in told
        assert f"(n={sum(bool(run.why) for run in those)})" in told
    assert "branching ratio, overall" in told
    assert "aftermath" not in told  # one liquidation, of one run: nothing to take an error of


# The study of channels


def runs_of(channel, whole, cut):
    arms = {"as it is": whole, "cut": cut}
    rows = [(channel, arm, seed, value) for arm, values in arms.items() for seed, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["channel", "arm", "seed", "value"])


def test_more_harm_is_up_whether_it_is_more_liquidated_or_less_traded():
    lost, done = [10.0, 11.0, 12.0, 10.5, 11.5, 9.0, 10.0, 12.0], [100.0, 90.0, 95.0, 99.0, 101.0, 98.0, 97.0, 96.0]
    rows = studied.table(pd.concat([runs_of("price", done, lost), runs_of("makers", lost, done)])).set_index("channel")
    assert rows.loc["makers", "share"] == pytest.approx(rows.loc["price", "share"]) == pytest.approx(0.89, abs=0.01)
    assert (rows["share_low"] < rows["share"]).all() and (rows["share"] < rows["share_high"]).all()
    assert rows.loc["makers", "through"] < 0 < rows.loc["price", "through"]
    assert rows.loc["makers", "harm"] == "trade lost"


def test_a_channel_is_coloured_by_p_after_holm_not_by_its_interval():
    looks = [channels.look(*found) for found in ((0.03, 0.125), (0.9, 0.01), (-0.1, 0.01))]
    assert looks == ["not told from 0", "does harm", "spares"]


# The plane of leverage and depth


def test_the_critical_line_is_the_estimate_as_it_is_and_shades_are_what_was_closed(drawn, tmp_path):
    rows = [
        {"leverage": y, "depth": x, "seeds": 5, "liquidated": y / x, "size": 3.0, "theory": 1.0 / x}
        | {f"root{end}": root for end in ("", "_low", "_high")}
        for y in (4.0, 8.0)
        for x, root in ((0.5, 0.5), (1.0, 2.0), (2.0, 0.5))  # it falls again where the pool is thinnest
    ]
    cascade_phases.draw(pd.DataFrame(rows), tmp_path, "any")
    plane = drawn[0].axes[0]
    mesh, estimate = plane.collections[:2]
    assert np.asarray(mesh.get_array()).ravel() == pytest.approx([8.0, 4.0, 2.0, 16.0, 8.0, 4.0])
    x = np.concatenate([path.vertices[:, 0] for path in estimate.get_paths()])
    assert x.min() < 1.0 < x.max()


def test_its_title_claims_of_what_lies_beyond_the_line_only_what_all_of_it_shows():
    root = np.array([[0.5, 1.2], [1.1, 1.3]])
    assert cascade_phases.title(np.array([[0.1, 1.1], [2.0, 3.0]]), root).startswith("Beyond the line")
    assert not cascade_phases.title(np.array([[0.1, 0.9], [2.0, 3.0]]), root).startswith("Beyond the line")


# The study of a bridge's depth


def test_a_figure_of_two_panels_says_how_many_seeds_each_has(monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr(bridge_finality, "save", lambda _figure, _out, _name, note, _: told.append(note) or [])
    chance = pd.DataFrame({"depth": [0, 6], "share": [0.5, 0.0], "low": [0.2, 0.0], "high": [0.8, 0.3], "seeds": 12})
    borne = pd.DataFrame({"counted": ["market", "par"], "seeds": [7, 6], "a": -1.0, "a_low": -2.0, "a_high": 0.0})
    bridge_finality.draw(chance, borne, {"a": "lenders"}, tmp_path, "any")
    assert told == ["seeds a point: 12 left; right those where it happened, 6 to 7"]
