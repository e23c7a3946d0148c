"""The generations: each is the world of its bundled scenario, plays by the laws, and reaches what it is known for."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from machine import CASH, COIN, PRICE, exchange_for, open_world, tell

from agents.recorder import tally
from experiments.metrics import slippage
from experiments.record import Record
from experiments.run import run
from experiments.scenario import find
from experiments.studies.generations import MARKET, upkeep
from experiments.waits import Standing
from protocol import exchange
from protocol.generations import GENERATIONS
from protocol.liquidations.full import Full
from protocol.liquidations.margin_calls import MarginCalls
from protocol.venues.oracle_pool import OraclePool


@pytest.mark.parametrize("name", list(GENERATIONS))
def test_a_generation_is_the_world_of_its_bundled_scenario(name: str) -> None:
    assert find(f"gen-{name}").world == GENERATIONS[name]


@pytest.mark.parametrize("name", list(GENERATIONS))
def test_all_generations_meet_the_same_nature_crowd_and_attackers(name: str) -> None:
    mine, zero = find(f"gen-{name}"), find("gen-zero")
    shared = ("leveraged", "noise", "keeper", "pusher", "sniper")
    assert (mine.nature, mine.references, mine.duration) == (zero.nature, zero.references, zero.duration)
    assert [role for role in mine.cast if role.label in shared] == [role for role in zero.cast if role.label in shared]


def test_an_attack_on_an_index_needs_somebody_who_must_honour_it() -> None:
    record = run(dataclasses.replace(find("gen-fourth"), duration=900.0), check=True)
    kinds = record.events[record.events["who"].isin(["sniper.0", "pusher.0"])]["kind"]
    assert set(kinds) == {"attack declined"}
    assert abs(record.metrics["gain.sniper"]) + abs(record.metrics["gain.pusher"]) < 1e-6
    assert record.metrics["dex.ETH-PERP.fills"] > 50


def test_time_below_counts_from_the_first_block_below_to_the_block_that_ends_it_and_the_unfinished_until_now() -> None:
    state, (one, other, *_) = open_world(exchange_for(OraclePool(), liquidation=Full()), stake=10_000)
    listing, standing = state.listings[0][0], Standing()
    for trader in (one, other):
        exchange.trade(state, listing, trader, 45 * COIN)
    standing(state)
    assert math.isnan(standing.time_to_close())
    state.time = 10.0
    tell(state, PRICE * 0.93)
    standing(state)
    assert set(standing.since) == {one, other}
    state.time = 40.0
    exchange.deposit(state, state.houses[0], one, 20_000 * CASH)
    standing(state)
    assert standing.waits == [30.0]
    state.time = 100.0
    standing(state)
    assert standing.time_to_close() == pytest.approx((30.0 + 90.0) / 2)


def test_slippage_is_the_volume_weighted_distance_from_fair_of_every_fill() -> None:
    size, owed, code = np.array([100, -300, 50]), np.array([101, -294, 90]), np.array([0, 0, 3])
    assert tally(size, owed, code, 1.0)[3:] == (400.0, 7.0)
    blocks = pd.DataFrame({"m.run_volume": [400.0, 0.0, 600.0], "m.run_off": [7.0, 0.0, 3.0]})
    assert slippage(blocks, "m") == pytest.approx(0.01)
    assert math.isnan(slippage(blocks.iloc[1:2], "m"))


def test_an_oracle_pool_slips_by_its_half_spread_and_the_age_of_its_index_alone() -> None:
    record = run(dataclasses.replace(find("gen-third"), duration=1_800.0))
    slip, gap = slippage(record.blocks, "dex.ETH-PERP"), record.metrics["dex.ETH-PERP.latency_gap_rms"]
    assert 0.0002 < slip < 0.0002 + 0.001 + 3.0 * gap


def test_the_clearing_house_calls_and_sells_only_when_people_are_at_work() -> None:
    record = run(dataclasses.replace(find("gen-zero"), seed=2))
    rule = GENERATIONS["zero"].exchanges[0].liquidation
    assert isinstance(rule, MarginCalls)
    calls = record.events[record.events["kind"] == "auction started"]
    sold = record.events[record.events["kind"] == "liquidation"]
    assert len(calls) and len(sold)
    assert all(rule.calling(time) for time in calls["time"])
    assert all(numbers["rounds"] == 1 and numbers["since"] >= rule.delay for numbers in sold["numbers"])


def test_auctions_are_told_from_their_start_over_their_bids_to_who_took_the_lot() -> None:
    record = run(dataclasses.replace(find("black-thursday"), duration=6_000.0))
    told = {kind: rows["numbers"].tolist() for kind, rows in record.events.groupby("kind")}
    assert all(one["rounds"] >= 1 and one["reward"] >= 0 for one in told["auction started"])
    assert all(one["held"] >= 0 and math.isfinite(one["price"]) for one in told["bid stands"])
    assert any(one["held"] > 0 for one in told["bid stands"])
    assert all(one["taker"] and one["since"] > 0 and one["rounds"] >= 1 for one in told["liquidation"])


def test_upkeep_is_fees_and_slippage_gas_a_fill_refusals_and_how_far_the_mid_strays() -> None:
    blocks = pd.DataFrame(
        {f"{MARKET}.run_volume": [4e5, 6e5], f"{MARKET}.run_off": [700.0, 300.0], "gas_used": [2e6, 4e6]}
    )
    flows = pd.DataFrame(
        {"reason": ["fee", "fee", "gas"], "source": ["noise", "maker", "noise"], "cash": [500.0, 90.0, 70.0]}
    )
    numbers = {"fills": 30.0, "rejected": 10.0, "volume": 3e6, "mid_gap_rms": 0.002}
    named = {f"{MARKET}.{name}": value for name, value in numbers.items()}
    record = Record(find("gen-zero"), blocks, pd.DataFrame(), flows, named, "")
    assert upkeep(record) == pytest.approx({"cost": 0.0015, "gas": 2e5, "refused": 0.25, "served": 2.0, "stray": 0.002})


def test_the_figure_s_title_says_what_the_intervals_carry():
    from experiments.figures.generations import _title

    def rows(attack, waits):
        found = [("attack", f"g{k}", low, high) for k, (low, high) in enumerate(attack)]
        found += [("wait", f"g{k}", low, high) for k, (low, high) in waits.items()]
        return pd.DataFrame(found, columns=["measure", "generation", "low", "high"])

    names = ["g0", "g1", "g2"]
    told = _title(rows([(0.0, 0.0), (-1.0, 9.0), (1.0, 2.0)], {0: (5.0, 9.0), 2: (1.0, 2.0)}), names)
    assert told == "Attackers earn for sure in generation 2 only;\nclosing gets faster"
    told = _title(rows([(0.0, 0.0), (-1.0, 9.0), (0.0, 2.0)], {0: (5.0, 9.0), 2: (1.0, 6.0)}), names)
    assert told == "Attackers earn for sure in none;\nclosing does not always get faster"
