"""Every claim holds in its quick form, and a claim that cannot be met is seen to be missed."""

import dataclasses
import math

import pytest

from experiments import cli
from experiments.codec import Mistakes
from experiments.validation import table
from experiments.validation.base import Effort, Measured, Missing, Range, exactly, in_words

SUBJECTS = {name: subject for name, (subject, _) in table.all_claims().items()}
KNOWN = {name: claim for name, (_, claim) in table.all_claims().items()}
CLAIMS = [pytest.param(claim, id=name) for name, claim in KNOWN.items()]
PLAYED = [name for name, subject in SUBJECTS.items() if subject != "history"]  # that: test_incidents
GROUPS = [
    pytest.param(group, id=f"{SUBJECTS[group[0]]}-{KNOWN[group[0]].runs or group[0]}")
    for group in table.together(PLAYED)
]


@pytest.mark.parametrize("group", GROUPS)
def test_a_claim_is_met_within_its_tolerance_or_the_miss_is_explained(group):
    """Claims of the same runs in one test, so that one process plays them once."""
    missed = []
    for claim in map(KNOWN.__getitem__, group):
        try:
            ours = claim.measure(Effort.QUICK)
        except Missing as missing:
            pytest.skip(str(missing))
        assert ours.low <= ours.value <= ours.high
        if claim.verdict(ours, Effort.QUICK) == "missed":
            missed.append((claim.id, claim.published, ours))
    assert not missed


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_names_its_source_and_how_far_off_it_may_be(claim):
    assert claim.source
    assert claim.what
    assert claim.tolerance >= 0


SMALL = {
    "A6-played-borel-3-0.3",
    "A6-played-borel-3-0.6",
    "A10-stale-5s-10bp-100",
}  # less than what chance moves the quick form by


def test_nothing_at_all_meets_no_claim_of_something_not_even_in_the_quick_form():
    zero = Measured(0.0, 0.0, 0.0)
    asked = [claim for claim in KNOWN.values() if not isinstance(claim.published, Range) and claim.published]
    assert {claim.id for claim in asked if claim.verdict(zero, Effort.QUICK) != "missed"} == SMALL
    assert not [claim.id for claim in asked if claim.verdict(zero, Effort.FULL) == "met"]


def measuring(claim, value, low=math.nan, high=math.nan):
    """The verdict on a number, in full."""
    return claim.verdict(Measured(value, *((value, value) if math.isnan(low) else (low, high))), Effort.FULL)


@pytest.mark.parametrize("claim", [one for one in CLAIMS if KNOWN[one.id].miss])
def test_a_miss_that_is_known_says_where_it_lies_and_elsewhere_it_is_one_like_any_other(claim):
    middle, wide = (claim.miss.low + claim.miss.high) / 2.0, claim.miss.high - claim.miss.low
    assert claim.miss.why
    assert 0.0 < wide < math.inf
    assert measuring(claim, middle) in {"explained", "met"}
    assert measuring(claim, 1e6) == measuring(claim, -1e6) == "missed"
    assert measuring(claim, math.nan) == "missed"


def test_an_interval_that_the_tolerance_does_not_hold_leaves_a_claim_undecided_in_full():
    claim = KNOWN["A1.4-after"]
    claim = dataclasses.replace(claim, published=10.0, tolerance=1.0, quick_tolerance=math.nan)
    assert measuring(claim, 10.5, 10.2, 10.8) == "met"
    assert measuring(claim, 10.5, 9.9, 11.1) == "undecided"
    assert measuring(claim, 11.5, 10.5, 12.5) == "missed"
    assert claim.verdict(Measured(10.5, 9.9, 11.1, 3), Effort.QUICK) == "met"


def test_what_is_published_may_be_a_range():
    half = dataclasses.replace(KNOWN["A1.4-after"], published=Range(high=50.0), tolerance=0.0)
    assert [measuring(half, value) for value in (-1e9, 50.0, 50.1)] == ["met", "met", "missed"]
    between = dataclasses.replace(half, published=Range(30.0, 45.0), tolerance=1.0)
    assert [measuring(between, value) for value in (28.9, 29.0, 46.0, 46.1)] == ["missed", "met", "met", "missed"]
    told = [in_words(one) for one in (half.published, between.published, Range(low=90.0), 0.5)]
    assert told == ["at most 50", "30 to 45", "at least 90", "0.5"]


def test_a_result_beyond_the_tolerance_or_no_number_is_missed():
    claim = dataclasses.replace(table.all_claims()["A1.4-after"][1], measure=lambda _: exactly(2_756.0))
    assert not claim.met(claim.measure(Effort.QUICK), Effort.QUICK)
    assert not claim.met(exactly(float("nan")), Effort.QUICK)


def test_what_is_not_here_is_skipped_and_a_miss_is_told(monkeypatch):
    def absent(_):
        raise Missing("recorded is not here")

    real = table.all_claims()["A1.4-after"][1]
    for measure, verdict in ((absent, "skipped"), (lambda _: exactly(1.0), "missed")):
        fake = {"X": ("pools", dataclasses.replace(real, measure=measure))}
        monkeypatch.setattr(table, "all_claims", lambda fake=fake: fake)
        assert table.judge(("X", Effort.QUICK)).verdict == verdict


def test_claims_are_asked_for_by_id_by_beginning_or_by_subject():
    assert set(table.asked(["A1.4"])) == set(table.asked(["pools"]))
    assert {name.partition(".")[0] for name in table.asked(["A1"])} == {"A1"}  # and neither A10 nor A11
    assert {"B16-", "B16b", "B16i"} <= {name[:4] for name in table.asked(["B16"])}
    with pytest.raises(Mistakes, match="no claim and no subject") as refused:
        table.asked(["A99"])
    assert len(str(refused.value)) < 600  # subjects, and not every claim


def test_the_command_prints_the_table_and_fails_on_a_miss(capsys, monkeypatch):
    assert cli.main(["validate", "--only", "A1.4-after", "--quick", "--workers", "1"]) == 0
    assert "| A1.4-after |" in capsys.readouterr().out
    missed = {"A1.4-after": ("pools", dataclasses.replace(table.all_claims()["A1.4-after"][1], published=1.0))}
    monkeypatch.setattr(table, "all_claims", lambda: missed)
    assert cli.main(["validate", "--only", "A1.4-after", "--quick", "--workers", "1"]) == 1
    assert "missed" in capsys.readouterr().out
