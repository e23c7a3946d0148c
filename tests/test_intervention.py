"""One liquidation taken out: the twin is the same up to it, its account is spared, and shares are held against what is missing."""

import dataclasses
import math

import pytest

from experiments.cascades.causes import SEIZURE, Forced, Why
from experiments.cascades.episodes import told
from experiments.cascades.intervention import Deleted, attributed, chosen, deletions, spared, validated
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
