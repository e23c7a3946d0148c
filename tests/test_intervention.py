"""One liquidation taken out: the twin is the same up to it, its account is spared, and shares are held against what is missing."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest

from experiments import cli
from experiments.cascades.causes import SEIZURE, Forced, Why
from experiments.cascades.episodes import told
from experiments.cascades.intervention import WHILE, Deleted, attributed, chosen, deletions, spared, validated
from experiments.cascades.marks import NATURE
from experiments.scenario import find

FIRE = dataclasses.replace(find("fire-sale"), seed=2)


def one(number, account, time, notional, **parents):
    causes = {Forced(int(name[1:])): -share for name, share in parents.items()}
    causes[NATURE] = -(1.0 - sum(parents.values()))
    return Why(number, time, account, "a", "dex.X", 1.0, notional, 0.0, 0.0, 0.0, -1.0, causes, causes)


def test_what_is_attributed_goes_down_the_generations_by_shares_and_leaves_its_own_account_and_later_ones_out():
    run = [
        one(0, 10, 0.0, 100.0),
        one(1, 11, 1.0, 40.0, n0=0.5),
        one(2, 12, 2.0, 60.0, n0=0.25, n1=0.5),
        one(3, 10, 3.0, 1_000.0, n0=1.0),
        one(4, 13, 99.0, 1_000.0, n0=1.0),
    ]
    assert attributed(run, 0, 50.0) == pytest.approx(0.5 * 40.0 + (0.25 + 0.5 * 0.5) * 60.0)
    assert attributed(run, 2, 50.0) == 0.0


def test_those_to_take_out_are_chosen_by_place():
    assert chosen([], 5) == []
    run = [one(number, 10, float(number), 1.0) for number in range(100)]
    assert chosen(run, 3) == [16, 50, 83]
    assert chosen(run[:2], 5) == [0, 1]
    seized = [dataclasses.replace(run[0], kind=SEIZURE), *run[1:]]
    assert chosen(seized[:3], 5) == [1, 2]  # a seizure cannot be put off


@pytest.fixture(scope="module")
def burning():
    return told(FIRE)


def test_the_twin_is_the_same_up_to_the_one_taken_out_and_spares_its_account_for_the_while(burning):
    number = len(burning.why) // 2
    this = burning.why[number]
    twin = told(spared(FIRE, this, 120.0))
    assert [why for why in twin.why if why.time < this.time] == [why for why in burning.why if why.time < this.time]
    during = [why.account for why in twin.why if this.time <= why.time < this.time + 120.0]
    assert this.account not in during


def test_deletions_are_compared_pair_by_pair(burning):
    found = deletions([burning], each=2, seconds=60.0, workers=1)
    assert len(found) == 2
    assert all(one.attributed >= 0.0 and math.isfinite(one.caused) for one in found)
    both = validated([Deleted(1, 0, 4.0, 1.0), Deleted(1, 1, 6.0, 5.0), Deleted(2, 1, 7.0, 9.0)])
    assert (both.attributed.mean, both.caused.mean, both.error.estimate.mean) == (6.0, 6.0, 0.0)
    assert both.error.estimate.seeds == 2


def branched(seed, ratio=0.6, families=60):
    """A controlled cascade, and for each of some of its closures what is gone with it: its descendants within the while."""
    rng = np.random.default_rng((9, seed))
    parents, times = [-1] * families, np.cumsum(rng.exponential(10.0, families)).tolist()
    for number in itertools.count():
        if number == len(parents):
            break
        for _ in range(rng.poisson(ratio)):
            parents.append(number)
            times.append(times[number] + rng.exponential(1.0))
    order = np.argsort(times, kind="stable").tolist()
    place = {old: new for new, old in enumerate(order)}
    run = []
    for new, old in enumerate(order):
        parent = parents[old]
        run.append(one(new, new, times[old], 100.0, **({} if parent < 0 else {f"n{place[parent]}": 1.0})))
    return run


def lost_with(run, number, seconds):
    """Notional of the descendants of one closure within the while: what would not have been."""
    gone = {number}
    for why in run[number + 1 :]:
        if gone & why.parents().keys() and why.time < run[number].time + seconds:
            gone.add(why.number)
    return 100.0 * (len(gone) - 1)


def misled(run, blind):
    """The run with a planted error of attribution: each closure laid on the one before it, or on none."""
    wrong = []
    for why in run:
        causes = {Forced(why.number - 1): why.fall} if why.number and not blind else {NATURE: why.fall}
        wrong.append(dataclasses.replace(why, since_healthy=causes))
    return wrong


def test_where_the_truth_is_known_attribution_meets_it_and_a_planted_error_is_seen():
    right, wrong, blind = [], [], []
    for seed in range(1, 9):
        run = branched(seed)
        for number in chosen(run, 10):
            caused = lost_with(run, number, 30.0)
            for found, told_as in ((right, run), (wrong, misled(run, False)), (blind, misled(run, True))):
                found.append(Deleted(seed, number, attributed(told_as, number, 30.0), caused))
    met = validated(right)
    assert met.error.estimate.mean == pytest.approx(0.0, abs=1e-9)
    assert met.correlation.value == pytest.approx(1.0)
    assert met.correlation.low > 0.99
    assert met.correlation.liquidations == 80
    for planted, sign in ((wrong, 1.0), (blind, -1.0)):
        seen = validated(planted)
        assert seen.error.p < 0.05
        assert sign * seen.error.estimate.mean > 0
    assert validated(wrong).correlation.high < 0.9
    assert math.isnan(validated(blind).correlation.value)
    assert "none" in str(validated(blind).correlation)


def test_a_planted_error_of_attribution_is_seen_by_taking_liquidations_out_of_the_game():
    runs = {seed: told(dataclasses.replace(find("fire-sale"), duration=1_700.0, seed=seed)) for seed in range(1, 7)}
    found = deletions(list(runs.values()), each=4, workers=1)
    planted = [
        each._replace(attributed=attributed(misled(runs[each.seed].why, False), each.number, WHILE)) for each in found
    ]
    seen, met = validated(planted), validated(found)
    assert seen.error.p < 0.05
    assert seen.error.estimate.low > met.error.estimate.high
    assert abs(met.error.estimate.mean) < 0.25 * seen.error.estimate.mean
    assert met.correlation.liquidations == len(found) == 24


def test_the_while_is_asked_for_and_what_is_found_is_printed_and_written(tmp_path, capsys):
    out = tmp_path / "out"
    asked = ["contagion", "fire-sale", "--duration", "1500", "--seeds", "2", "--deletions", "2", "--workers", "1"]
    assert cli.main([*asked, "--while", "45", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "within 45 s" in printed
    assert "correlation, one by one" in printed
    found = json.loads((out / "contagion.json").read_text())["validated"]
    assert found["seconds"] == 45.0
    assert found["correlation"]["liquidations"] == 4
    assert {"attributed", "missing", "difference"} < set(found)
    assert cli.main([*asked, "--while", "0"]) == 2
    assert "--while 0.0: must be above 0 seconds" in capsys.readouterr().err
