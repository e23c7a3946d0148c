"""Every claim holds in its quick form, and a claim that cannot be met is seen to be missed."""

import dataclasses

import pytest

from experiments import cli
from experiments.codec import Mistakes
from experiments.validation import table
from experiments.validation.base import Effort, Missing, exactly

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
        if not (claim.miss or claim.met(ours, Effort.QUICK)):
            missed.append((claim.id, claim.published, ours))
    assert not missed


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_names_its_source_and_how_far_off_it_may_be(claim):
    assert claim.source
    assert claim.what
    assert claim.tolerance >= 0


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
    with pytest.raises(Mistakes, match="no claim and no subject"):
        table.asked(["A99"])


def test_the_command_prints_the_table_and_fails_on_a_miss(capsys, monkeypatch):
    assert cli.main(["validate", "--only", "A1.4-after", "--quick", "--workers", "1"]) == 0
    assert "| A1.4-after |" in capsys.readouterr().out
    missed = {"A1.4-after": ("pools", dataclasses.replace(table.all_claims()["A1.4-after"][1], published=1.0))}
    monkeypatch.setattr(table, "all_claims", lambda: missed)
    assert cli.main(["validate", "--only", "A1.4-after", "--quick", "--workers", "1"]) == 1
    assert "missed" in capsys.readouterr().out
