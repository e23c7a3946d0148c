"""Learners sit down in the game by PettingZoo's own rules, see no more than a view shows, and can learn to earn."""

import dataclasses
import warnings

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from examples import learn_to_bid
from experiments.codec import Mistakes
from experiments.learning.bidding import KeeperSeat
from experiments.learning.environment import Floor
from experiments.learning.floors import bidding, three_seats
from experiments.learning.pushing import PusherSeat
from experiments.run import run
from experiments.scenario import find

SHORT = 120.0  # seconds


def played(floor, seed, moves=None, blocks=10**9):
    """Observations and rewards of an episode; `moves`: by agent, what it always does (left out: as usual)."""
    seen, _ = floor.reset(seed=seed)
    usual = {player.label: player.role.usual for player in floor.game.players if player.label in floor.agents}
    actions = {agent: np.array((moves or {}).get(agent, usual[agent]), float) for agent in floor.agents}
    rows, paid = [seen], []
    while floor.agents and len(paid) < blocks:
        seen, rewards, *_ = floor.step(actions)
        rows.append(seen)
        paid.append(rewards)
    return rows, paid


@pytest.mark.parametrize("scenario", [three_seats(SHORT), bidding(duration=SHORT)], ids=lambda one: one.name)
def test_the_environment_passes_pettingzoos_own_tests(scenario):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        parallel_api_test(Floor(scenario), num_cycles=5)
        parallel_seed_test(lambda: Floor(scenario), num_cycles=5)


@pytest.mark.parametrize("scenario", [three_seats(SHORT), bidding(duration=SHORT)], ids=lambda one: one.name)
def test_an_episode_of_usual_moves_is_the_run_of_the_scenario(scenario):
    floor = Floor(scenario)
    _, paid = played(floor, 7)
    record = run(dataclasses.replace(scenario, seed=7))
    assert floor.digest() == record.digest
    assert len(paid) == record.metrics["blocks"]
    floor.close()


def test_rewards_sum_to_the_change_of_wealth_and_a_push_moves_the_index_the_attacker_sees():
    floor = Floor(three_seats(SHORT))
    begun = {agent: told["wealth"] for agent, told in floor.reset(seed=2)[1].items()}
    seen, paid = played(floor, 2, {"attacker.0": (1.0, 0.5)})
    for agent, start in begun.items():
        assert start + sum(rewards[agent] for rewards in paid) == pytest.approx(floor._worth[agent], abs=1e-6)
    index = np.array([row["attacker.0"][1] for row in seen if row])
    calm = np.array([row["attacker.0"][1] for row in played(floor, 2)[0] if row])
    assert index.max() > calm.max() + 5.0  # per cent
    assert max(row["attacker.0"][2] for row in seen if row) > 0.1  # it holds what it leans to
    floor.close()


def test_nobody_sees_fair(monkeypatch):
    """Another fair under the same mids and chain changes no observation before somebody trades on it."""
    first, _ = played(Floor(three_seats(SHORT)), 3, blocks=1)
    floor = Floor(three_seats(SHORT))
    floor.reset(seed=3)
    floor.game.fair[:] *= 1.5  # the mids are a copy
    again = floor._observed(floor._seats())
    assert all(np.array_equal(first[0][agent], again[agent]) for agent in first[0])
    floor.game.mids[:] *= 1.5
    assert not np.array_equal(first[0]["attacker.0"], floor._observed(floor._seats())["attacker.0"])


def test_who_bids_more_than_its_rival_wins_and_who_bids_less_pays_for_nothing():
    floor, earned = Floor(bidding(rival=0.3)), {}
    for bid in (0.1, 0.4, 1.0):
        earned[bid] = [sum(p["bidder.0"] for p in played(floor, seed, {"bidder.0": (bid,)})[1]) for seed in (1, 2)]
    assert min(earned[0.4]) > 0.0
    assert sum(earned[0.4]) > sum(earned[1.0])
    assert sum(earned[0.4]) > sum(earned[0.1])


def test_moves_out_of_bounds_are_brought_to_them():
    floor = Floor(three_seats(SHORT))
    floor.reset(seed=1)
    actions = {agent: np.full(floor.action_space(agent).shape, np.inf) for agent in floor.agents}
    floor.step(actions | {"maker.0": np.array([np.nan])})
    told = {label: player.memory["moves"] for label, player in floor._seats().items()}
    assert told == {"attacker.0": (1.0, 1.0), "bidder.0": (1.0,), "maker.0": (0.0,)}


def test_a_cast_without_seats_and_a_market_that_cannot_be_pushed_are_refused():
    with pytest.raises(Mistakes, match="nobody in 'oracle-push' has a seat"):
        Floor(find("oracle-push"))
    with pytest.raises(ValueError, match="needs one whose index a pool makes"):
        Floor(dataclasses.replace(find("maker-book"), cast=(PusherSeat(market="ETH-PERP"),))).reset()
    assert KeeperSeat().usual == (0.2,)


def test_the_example_learns_within_bounds_and_is_compared_on_paired_held_out_seeds(monkeypatch):
    for name, few in {"POPULATION": 3, "ELITE": 2, "SEEDS": 1}.items():
        monkeypatch.setattr(learn_to_bid, name, few)
    floor, said = Floor(bidding(duration=SHORT)), []
    seen, _ = floor.reset(seed=1)
    assert 0.0 < learn_to_bid.linear(np.array([0.0, 0.0, 0.0, -1.0]))(seen["bidder.0"]) < 0.5
    found = learn_to_bid.compared(floor, np.array([0.0, 0.0, 0.0, 9.0]), (10_001, 10_002))  # it bids nearly all
    assert set(found) == {"earned", "more than with a usual bid of 0.2", "more than with a random bid"}
    assert all(one.seeds == 2 for one in found.values())
    usual = [learn_to_bid.earned(floor, lambda _: 0.2, seed) for seed in (10_001, 10_002)]
    more = found["more than with a usual bid of 0.2"].mean
    assert found["earned"].mean == pytest.approx(np.mean(usual) + more)
    weights = learn_to_bid.learned(floor, 1, said.append)
    assert weights.shape == (4,) and not np.array_equal(weights, [0.0, 0.0, 0.0, -1.0])
    assert len(said) == 1 and "best of" in said[0]
    assert np.array_equal(weights, learn_to_bid.learned(floor, 1, said.append))
    assert said[0] == said[1]
