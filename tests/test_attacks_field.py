"""Attacks on order and block space: each pays under a weak rule, and stays at home or harms nobody under a strong one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest
from arsenal import pair, told

from agents.attacks.block_stuffer import BlockStuffer
from agents.attacks.flow_hunter import FlowHunter
from agents.attacks.oracle_push import OraclePush
from agents.attacks.owned_push import OwnedPush
from agents.attacks.quote_sniper import QuoteSniper
from agents.attacks.sandwich import Sandwich
from agents.attacks.update_runner import UpdateRunner
from agents.roles.large_trader import LargeTrader
from experiments.defences.base import Defence
from experiments.defences.least_bid import LeastBid
from experiments.defences.longer_window import LongerWindow
from experiments.defences.rising_base_fee import RisingBaseFee
from experiments.defences.sealed_orders import SealedOrders
from experiments.overrides import vary
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.twins import Pair

SEEDS = range(1, 4)


def defended(scenario: Scenario, defence: Defence) -> Scenario:
    world = defence.applied(scenario.world)
    assert world is not None
    return dataclasses.replace(scenario, world=world)


def volume(record: Record) -> float:
    return float(record.blocks[[name for name in record.blocks if name.endswith(".volume")]].to_numpy().sum())


def harmless(pairs: list[Pair], weak: list[Pair], least: float) -> None:
    """Nothing gained, nobody hurt, and honest trade goes on as it did without the attacker and the rule."""
    for strong, before in zip(pairs, weak, strict=True):
        assert strong.gain("attacker") <= least
        others = [loss for name, loss in strong.losses().items() if name not in ("attacker", "custody", "clearing")]
        assert min(others) > -max(least, 1.0)
        assert volume(strong.run) > 0.8 * volume(before.twin)


# The sandwich


@pytest.fixture(scope="module")
def open_flow() -> list[Pair]:
    return pair(dataclasses.replace(find("public-flow"), duration=1_200.0), "attacker", SEEDS)


def test_a_sandwich_earns_where_orders_are_public_and_the_large_trader_pays(open_flow):
    for one in open_flow:
        assert one.gain("attacker") > 1_000.0
        assert one.losses()["large"] < -1_000.0
        estimated = sum(numbers["estimate"] for numbers in told(one.run, "attack"))
        assert sum(numbers["realised"] for numbers in told(one.run, "attack over")) == pytest.approx(estimated, rel=0.3)


def test_sealed_orders_leave_nothing_to_a_sandwich(open_flow):
    scenario = defended(dataclasses.replace(find("public-flow"), duration=1_200.0), SealedOrders())
    harmless(pair(scenario, "attacker", SEEDS), open_flow, Sandwich().least_profit)


def test_a_limit_without_slack_takes_a_large_trader_out_of_a_sandwichs_reach(open_flow):
    tight = vary(dataclasses.replace(find("public-flow"), duration=1_200.0), "cast.large.slippage", 2e-4)
    for one, loose in zip(pair(tight, "attacker", SEEDS), open_flow, strict=True):
        assert abs(one.losses()["large"]) < 0.1 * abs(loose.losses()["large"])


def test_a_queue_that_no_fee_overtakes_is_left_alone():
    scenario = vary(dataclasses.replace(find("public-flow"), duration=600.0), "chain.ordering", {"kind": "Fifo"})
    (one,) = pair(scenario, "attacker", [1])
    assert told(one.run, "attack") == []
    assert told(one.run, "attack declined")[0]["why"] == "no fee buys the place before another"


def test_a_builder_takes_the_places_round_its_victim_without_paying_for_them(open_flow):
    scenario = vary(
        dataclasses.replace(find("public-flow"), duration=1_200.0), "chain.ordering", {"kind": "BuildersChoice"}
    )
    scenario = vary(scenario, "cast.attacker.share", 1.0)
    for one, bidder in zip(pair(scenario, "attacker", SEEDS), open_flow, strict=True):
        assert one.gain("attacker") > 0.9 * bidder.gain("attacker")  # it sees all that has come by the seal


# Running ahead of updates


@pytest.fixture(scope="module")
def open_updates() -> list[Pair]:
    return pair(find("open-updates"), "attacker", SEEDS)


def test_running_ahead_of_updates_pays_where_they_can_be_read_and_the_vault_pays_for_it(open_updates):
    for one in open_updates:
        assert one.gain("attacker") > 1_000.0
        assert one.losses()["founders"] == pytest.approx(-one.gain("attacker"), rel=0.01)
        assert one.gain("attacker") == pytest.approx(sum(n["estimate"] for n in told(one.run, "attack")), rel=0.2)


def test_sealed_updates_cannot_be_run_ahead_of(open_updates):
    scenario = defended(find("open-updates"), SealedOrders())
    harmless(pair(scenario, "attacker", SEEDS), open_updates, UpdateRunner().least_profit)


def test_a_fee_above_the_step_of_an_update_keeps_its_runner_at_home(open_updates):
    scenario = vary(find("open-updates"), "exchange.market.fee", 0.003)
    strong = pair(scenario, "attacker", SEEDS)
    assert all(told(one.run, "attack") == [] for one in strong)
    harmless(strong, open_updates, UpdateRunner().least_profit)


def test_a_runner_too_slow_to_read_the_update_in_time_finds_nothing(open_updates):
    (one,) = pair(vary(find("open-updates"), "cast.attacker.latency", 3.0), "attacker", [1])
    assert one.gain("attacker") < 0.2 * open_updates[0].gain("attacker")


# Stuffing blocks


@pytest.fixture(scope="module")
def auctions() -> list[Pair]:
    return pair(find("stuffed-auctions"), "attacker", SEEDS)


def test_stuffing_blocks_wins_auctions_for_nothing_and_insurance_pays(auctions):
    for one in auctions:
        assert one.gain("attacker") > 10_000.0
        assert one.losses()["insurance"] < -10_000.0
        assert told(one.run, "attack")[0]["estimate"] > told(one.run, "attack")[0]["cost"]


def test_a_base_fee_that_rises_keeps_the_stuffer_at_home(auctions):
    strong = pair(defended(find("stuffed-auctions"), RisingBaseFee()), "attacker", SEEDS)
    assert all(told(one.run, "attack") == [] for one in strong)
    harmless(strong, auctions, BlockStuffer().least_profit)


def test_a_least_bid_takes_nearly_all_of_it(auctions):
    (one,) = pair(defended(find("stuffed-auctions"), LeastBid()), "attacker", [1])
    assert one.gain("attacker") < 0.02 * auctions[0].gain("attacker")


def test_rivals_who_pay_for_their_place_keep_the_stuffer_at_home(auctions):
    (one,) = pair(vary(find("stuffed-auctions"), "cast.bots.bid_share", 0.2), "attacker", [1])
    assert one.gain("attacker") <= BlockStuffer().least_profit


# Pushing through blocks of its own


@pytest.fixture(scope="module")
def owned() -> list[Pair]:
    return pair(dataclasses.replace(find("owned-blocks"), duration=3_600.0), "attacker", SEEDS)


def test_consecutive_blocks_of_its_own_make_a_push_pay_that_arbitrageurs_would_make_dear(owned):
    base = owned[0].run.scenario
    plain = OraclePush(name="attacker", market="ETH-PERP", capital=10_000_000.0)
    cast = tuple(plain if role.label == "attacker" else role for role in base.cast)
    for one, without_blocks in zip(owned, pair(dataclasses.replace(base, cast=cast), "attacker", SEEDS), strict=True):
        assert one.gain("attacker") > 10_000.0
        assert one.gain("attacker") > 5.0 * without_blocks.gain("attacker")
        assert told(one.run, "attack over")[0]["realised"] > 0.5 * told(one.run, "attack")[0]["estimate"]


@pytest.mark.parametrize("defence", [LongerWindow(), SealedOrders()])
def test_a_window_longer_than_any_run_and_orders_no_builder_reads_keep_the_pusher_at_home(owned, defence):
    strong = pair(defended(owned[0].run.scenario, defence), "attacker", SEEDS)
    assert all(told(one.run, "attack") == [] for one in strong)
    harmless(strong, owned, OwnedPush().least_profit)


# Inference from settled fills


def hunted(ordering: dict[str, object], scatter: float) -> list[Pair]:
    base = find("public-flow")
    cast = tuple(FlowHunter(name="attacker", base=300.0) if r.label == "attacker" else r for r in base.cast)
    base = dataclasses.replace(base, cast=cast, duration=1_800.0)
    base = vary(vary(base, "chain.ordering", ordering), "cast.large.scatter", scatter)
    return pair(base, "attacker", SEEDS)


def test_steady_slices_are_foreseen_under_sealed_orders_and_pauses_drawn_anew_hide_most_of_them():
    sealed = {"kind": "Sealed", "delay": 1.0}
    steady, scattered = hunted(sealed, 0.0), hunted(sealed, 1.0)
    assert all(one.gain("attacker") > 0.0 for one in steady)
    assert sum(one.losses()["large"] for one in steady) < 0.0
    foreseen = [sum(sum(n["hit"] for n in told(one.run, "guess")) for one in pairs) for pairs in (steady, scattered)]
    earned = [sum(one.gain("attacker") for one in pairs) for pairs in (steady, scattered)]
    assert foreseen[1] < 0.4 * foreseen[0]
    assert earned[1] < 0.2 * earned[0]


def test_where_chance_decides_a_hunter_cannot_be_early_and_late():
    (one, *_) = hunted({"kind": "Shuffled"}, 0.0)
    assert told(one.run, "attack declined")[0]["why"] == "nobody can count on a place"
    assert one.gain("attacker") == 0.0


# Sniping quotes


def sniped(seeds: Iterable[int] = SEEDS, **changes: object) -> list[Pair]:
    scenario = dataclasses.replace(find("sniped-book"), duration=900.0)
    for path, value in changes.items():
        scenario = vary(scenario, path.replace("__", "."), value)
    return pair(scenario, "attacker", seeds)


@pytest.fixture(scope="module")
def quotes() -> list[Pair]:
    return sniped()


def test_the_quicker_takes_what_its_makers_have_not_withdrawn_and_the_slower_comes_too_late(quotes):
    assert all(one.gain("attacker") > 0.0 for one in quotes)
    slow = sniped(cast__attacker__latency=0.4)
    assert sum(one.gain("attacker") for one in slow) < 0.0 < sum(one.gain("attacker") for one in quotes)


def test_a_batch_auction_leaves_nothing_to_snipe_and_a_sniper_learns_it(quotes):
    batch = sniped([1], exchange__market__venue={"kind": "BatchAuction", "interval": 6.0})
    assert all(one.gain("attacker") <= QuoteSniper().least_profit for one in batch)
    assert all(volume(one.run) > 0.8 * volume(before.twin) for one, before in zip(batch, quotes, strict=False))


# All of them


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (Sandwich, "usage", 0.0),
        (Sandwich, "most", 0),
        (Sandwich, "share", 1.5),
        (UpdateRunner, "usage", 1.5),
        (BlockStuffer, "purse", 1.0),
        (BlockStuffer, "cost", 1.0),
        (BlockStuffer, "unwind", 0.0),
        (BlockStuffer, "most", 0),
        (FlowHunter, "usage", 0.0),
        (FlowHunter, "large", 0.0),
        (FlowHunter, "run", 1),
        (FlowHunter, "push", 1.0),
        (FlowHunter, "trials", -1),
        (QuoteSniper, "edge", 1.0),
        (QuoteSniper, "lot", 0.0),
        (QuoteSniper, "most_share", 1.0),
        (QuoteSniper, "rounds", -1),
        (LargeTrader, "slices", 0),
        (LargeTrader, "scatter", 1.5),
        (LargeTrader, "slippage", 1.0),
        (LargeTrader, "pause", 0.0),
        (LargeTrader, "onset", -1.0),
        (LargeTrader, "buys", 1.5),
        (OwnedPush, "share", 0.0),
        (OwnedPush, "shortest", 1),
    ],
)
def test_settings_without_sense_are_refused(kind, field, value):
    with pytest.raises(ValueError, match=rf"{field} = {value}: must be"):
        kind(**{field: value})


def test_whoever_runs_ahead_of_updates_stays_at_home_where_orders_are_filled_at_a_later_index():
    """His trade is a request there, which owes nothing yet: no number to divide a gain by."""
    hardened = find("oracle-push-hardened")
    attack = dataclasses.replace(UpdateRunner(), name="attacker", market="ETH-PERP")
    played = run(dataclasses.replace(hardened, cast=(*hardened.cast[:-1], attack), duration=240.0))
    assert not (played.events["kind"] == "attack").any() and played.metrics["gain.attacker"] == 0.0
