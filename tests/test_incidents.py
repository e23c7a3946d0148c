"""Incidents: each is replayed whole, graded on what was not put in, and undone by its cures."""

import dataclasses
import json

import pytest

from agents.streams import Streams
from experiments import cli
from experiments.incidents import report
from experiments.incidents.base import ADVERSARY, HISTORY, find, follow, incidents, missing, played
from experiments.incidents.script import Script, Step
from experiments.incidents.waypoints import Waypoints
from experiments.validation.base import Effort

EVERY = [pytest.param(name, one, id=name) for name, one in incidents().items()]


@pytest.mark.parametrize(("name", "one"), EVERY)
def test_an_incident_cites_its_inputs_and_says_which_were_tuned(name, one):
    assert one.source
    assert one.grades
    assert one.cures, "nothing would have stopped it"
    for given in one.inputs:
        assert given.source, given
    assert {HISTORY, ADVERSARY}.isdisjoint(one.cures)


@pytest.mark.parametrize(("name", "one"), EVERY)
def test_what_happened_goes_through_is_graded_and_each_cure_leaves_the_attacker_less(name, one):
    """In one test, so that one process plays it once."""
    if absent := missing(one):
        pytest.skip(absent)
    courses = played(name, 1)
    assert courses[HISTORY].refused == ""
    if one.attacked:
        for cure in one.cures:
            assert courses[cure].gain() < courses[HISTORY].gain(), cure
    for claim in report.claims_of(name):
        ours = claim.measure(Effort.QUICK)
        assert claim.verdict(ours, Effort.QUICK) != "missed", (claim.id, claim.published, ours)
    for grade in (grade for grade in one.grades if grade.calibrated):
        ours = report.measured(name, grade.id, report.seeds_of(one, Effort.QUICK))
        assert report.claim_of(name, grade).within(ours.value, Effort.QUICK), (grade.id, ours)


def test_a_script_ends_where_a_deed_is_refused_and_says_why():
    one = find("bzx-1")
    solvent = played("bzx-1", 1)["solvent"]
    assert "UnderMargined" in solvent.refused
    assert solvent.gain() == 0.0
    assert one.cures["solvent"].what


def test_a_deed_that_fails_on_the_chain_alone_is_told():
    """It could be simulated, and another of the same block was in its way."""
    scenario = find("bzx-1").scenario()

    def twice(desk):
        some = desk.coins_for("WBTC-ETH", 4_000.0, exchange="uniswap")
        return [desk.trade("WBTC-ETH", some, exchange="uniswap")] * 2

    cast = tuple(
        Script(exchange="uniswap", capital=4_400.0, steps=(Step(60.0, "twice", twice),))
        if isinstance(role, Script)
        else role
        for role in scenario.cast
    )
    course = follow(
        dataclasses.replace(scenario, cast=cast, duration=100.0), lambda books: {"mid": books.mid(exchange="uniswap")}
    )
    assert "trade failed" in course.refused


def test_grades_are_claims_of_the_table_of_validation():
    ids = [claim.id for name in incidents() for claim in report.claims_of(name)]
    assert len(ids) == len(set(ids))
    assert "B1-profit" in ids


def test_what_is_calibrated_is_shown_and_no_claim_and_what_follows_from_the_inputs_says_so(monkeypatch):
    one = find("bzx-1")
    short, left, *_ = one.grades
    changed = (
        dataclasses.replace(short, calibrated="chosen for it", published=0.0),
        dataclasses.replace(left, follows="this and that"),
    )
    monkeypatch.setattr(report, "find", lambda name: dataclasses.replace(one, grades=changed))
    assert [claim.id for claim in report.claims_of("bzx-1")] == ["B1-left"]
    first, second = report.graded("bzx-1", [1], workers=1).lines
    assert (first.verdict, first.why) == ("calibrated", "chosen for it")
    assert "follows from the inputs: this and that" in second.what
    assert second.verdict == "met"


def test_an_incident_that_hangs_on_an_input_nobody_recorded_is_not_graded_on_what_that_decides():
    ids = [claim.id for name in ("black-thursday", "collateral-depeg", "popcat") for claim in report.claims_of(name)]
    assert ids == ["B4-slow", "B4-dutch", "B16b-cure", "B15b-fall", "B15b-cure"]
    tuned = {given.name for given in find("black-thursday").inputs if given.tuned}
    assert {"blocks", "volatility between those", "prices at which they fall below"} <= tuned


def test_the_command_lists_prints_and_writes(capsys, tmp_path):
    assert cli.main(["incident"]) == 0
    assert "bzx-1" in capsys.readouterr().out
    assert cli.main(["incident", "bzx-1", "--json", "--workers", "1", "--out", str(tmp_path / "out")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {grade["verdict"] for grade in told["grades"]} == {"met"}
    assert (tmp_path / "out" / "incident-bzx-1.png").exists()


@pytest.mark.parametrize(
    "wrong", [["bzx"], ["bzx-1", "--seeds", "0"], ["bzx-1", "--workers", "0"], ["bzx-1", "--out", __file__]]
)
def test_a_mistake_is_one_line_and_writes_nothing(wrong, capsys):
    assert cli.main(["incident", *wrong]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_an_incident_whose_record_is_not_here_says_so_in_one_line(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("experiments.validation.base.SHARED", tmp_path.parent / "nowhere")
    monkeypatch.setattr("experiments.validation.base.ROOT", tmp_path.parent / "checkout")
    assert cli.main(["incident", "october-2025"]) == 2
    told = capsys.readouterr().err.strip()
    assert len(told.splitlines()) == 1
    assert "is not here" in told


def test_waypoints_wander_between_their_points_and_are_at_them_with_every_seed():
    line = ((0.0, 100.0), (600.0, 50.0), (900.0, 80.0))
    nature = Waypoints(assets=("ETH",), start=(100.0,), points=(line,), tick=10.0, volatility=3.0)
    first, second = (nature.path(Streams(seed), 120)[:, 0] for seed in (1, 2))
    for path in (first, second):
        for time, price in line:
            assert path[int(time / 10.0)] == pytest.approx(price, rel=1e-12)
        assert path[90:] == pytest.approx(80.0)
    assert abs(first[30] / second[30] - 1.0) > 1e-4
