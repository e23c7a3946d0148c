"""Reporters that fail: what each fault makes of a report, when it begins and ends, and what a median makes of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agents.demand import OutsideDemand
from agents.faults.base import Fault
from agents.faults.bribed import Bribed
from agents.faults.floored import Floored
from agents.faults.lazy import Lazy
from agents.faults.offline import Offline
from agents.faults.scaled import Scaled
from agents.faults.slow import Slow
from agents.faults.stuck import Stuck
from agents.game import Game
from agents.nature.gbm import GeometricBrownian
from agents.nature.reference import ReferenceVenue
from agents.player import Bribe, Role
from agents.publishing import HORIZON, LEAST, USUAL, confidence
from agents.roles.reporter import Reporter
from experiments.codec import dumps, loads, variants
from experiments.overrides import vary
from experiments.run import run
from experiments.scenario import Scenario, find
from protocol.blocks.fixed import Fixed
from protocol.oracles.median import Median
from protocol.world import Chain, Exchange, Market, World

FAULTS = variants(Fault)
RULES = Median(reporters=3, quorum=2, deviation=0.001, heartbeat=60.0, max_age=120.0)


def play(*cast: Role, rules: Median = RULES, duration: float = 600.0) -> Game:
    """A game without anybody but those."""
    market = Market(oracle=rules)
    world = World(chains=(Chain(blocks=Fixed(interval=2.0)),), exchanges=(Exchange(markets=(market,)),))
    nature = GeometricBrownian(volatility=(1.0,))
    game = Game(world, cast, nature, [ReferenceVenue()], seed=1, duration=duration, outside=OutsideDemand(load=0.0))
    game.play()
    return game


def posts(game: Game) -> list[tuple[float, float]]:
    """(seconds, value) of the reports that went through."""
    return [(event.time, event.numbers["value"]) for event in game.recorder.events if event.kind == "oracle update"]


def alone(fault: Fault) -> list[tuple[float, float]]:
    """What a single reporter with one fault posts."""
    rules = replace(RULES, reporters=1, quorum=1)
    return posts(play(Reporter(count=1, noise=0.0, faults=(fault,)), rules=rules))


@pytest.mark.parametrize("kind", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_built_without_arguments_travels_in_a_file_and_refuses_times_without_sense(kind):
    scenario = Scenario(cast=(Reporter(faults=(kind(onset=5.0, duration=7.0),)),))
    assert loads(Scenario, dumps(scenario)) == scenario
    assert kind().holds(0.0)
    assert [kind(onset=5.0, duration=7.0).holds(time) for time in (4.9, 5.0, 11.9, 12.0)] == [False, True, True, False]
    for field, value in (("onset", -1.0), ("duration", 0.0), ("onset", math.nan)):
        with pytest.raises(ValueError, match=rf"{field} = {value}: must be "):
            kind(**{field: value})


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (Scaled, "factor", 0.0),
        (Floored, "floor", -1.0),
        (Slow, "delay", 0.0),
        (Lazy, "every", -1.0),
        (Bribed, "price", -1.0),
    ],
)
def test_a_fault_refuses_settings_without_sense(kind, field, value):
    with pytest.raises(ValueError, match=rf"{field} = {value}: must be "):
        kind(**{field: value})


def test_a_stuck_feed_repeats_itself_until_it_recovers():
    said = alone(Stuck(onset=100.0, duration=300.0))
    stuck = {value for time, value in said if 102.0 < time <= 400.0}
    assert len(stuck) == 1
    assert len({value for time, value in said if time > 402.0}) > 1


def test_a_scaled_feed_is_off_by_its_factor_and_a_median_of_three_does_not_mind():
    honest, bent = alone(Scaled(onset=1e9)), alone(Scaled(factor=1_000.0))
    assert bent[0][1] == pytest.approx(1_000.0 * honest[0][1], rel=0.01)
    game = play(Reporter(count=2), Reporter(name="broken", count=1, faults=(Scaled(),)))
    index = game.recorder.rows[: game.recorder.blocks, game.recorder.columns.index("dex.ETH-PERP.index")]
    assert np.abs(np.log(index / game.fair[0, 0])).max() < 0.05


def test_a_floored_feed_does_not_go_below_its_floor():
    fair = play().fair[:600, 0]
    floor = float(np.median(fair))
    values = [value for _, value in alone(Floored(floor=floor))]
    assert min(values) == floor < max(values)


def test_an_offline_reporter_leaves_the_index_to_the_others_or_stale():
    assert alone(Offline()) == []
    market = play(Reporter(count=3, faults=(Offline(onset=200.0),))).state
    assert market.tables["dex.ETH-PERP.oracle"][:, 2].max() <= 202.0


def test_a_slow_feed_says_what_was_true_before():
    fair = play().fair[:, 0]
    for time, value in alone(Slow(delay=40.0)):
        assert min(abs(value / fair[max(0, int(time) - back)] - 1.0) for back in range(38, 48)) < 1e-12 or time < 50.0


def test_a_lazy_reporter_copies_and_seldom():
    game = play(Reporter(count=2), Reporter(name="idler", count=1, faults=(Lazy(every=200.0),)))
    assert len(posts(play(Reporter(count=3)))) > len(posts(game))
    times = [time for time, _ in alone(Lazy(every=200.0))]
    assert times
    assert min(np.diff(times), default=1e9) >= 200.0


def test_a_bribe_is_paid_in_full_by_the_ledger_and_kept_until_it_ends():
    game = play(duration=2.0)
    assert game.seat(10**6) is None
    seller = Reporter(count=3, noise=0.0, capital=1_000.0, faults=(Bribed(price=50.0, onset=100.0),))
    honest = Reporter(count=0)
    assert seller.asks(99.0) == math.inf
    assert seller.asks(100.0) == 50.0
    assert honest.asks(0.0) == math.inf

    market = Market(oracle=RULES)
    world = World(chains=(Chain(blocks=Fixed(interval=2.0)),), exchanges=(Exchange(markets=(market,)),))
    game = Game(
        world,
        (seller, Reporter(name="buyer", count=0)),
        GeometricBrownian(volatility=(0.5,)),
        [ReferenceVenue()],
        seed=1,
        duration=400.0,
        outside=OutsideDemand(load=0.0),
    )
    buyer, ledger, house = game.players[0], game.state.ledger, game.house()
    while game.state.time < 110.0:
        game.step()
    before = ledger.balance[house.token].copy()
    for payee, cash in ((game.players[1].account, 49.0), (game.players[2].account, 50.0), (10**6, 1e3)):
        game._take(buyer, Bribe(buyer.account, payee, cash, 1.1, 110.0, 0.0, 200.0), 110.0)
    moved = (ledger.balance[house.token] - before)[[player.account for player in game.players]]
    assert moved.tolist() == [-50_000_000, 0, 50_000_000]
    assert [event.kind for event in game.recorder.events if event.kind.startswith("bribe")] == [
        "bribe refused",
        "bribe",
        "bribe refused",
    ]
    game.play()
    table = game.state.tables["dex.ETH-PERP.oracle"]
    assert table[:, 1].max() / table[:, 1].min() < 1.01  # the deal has ended
    highest = max(event.numbers["value"] for event in game.recorder.events if event.kind == "oracle update")
    assert highest == pytest.approx(1.1 * game.fair[:400, 0].mean(), rel=0.02)


def test_the_confidence_of_a_publisher_follows_volatility():
    rng = np.random.default_rng(1)
    moves = rng.standard_normal(60)
    calm, wild = (2_000.0 * np.exp(np.cumsum(size * moves)) for size in (1e-4, 4e-4))
    assert confidence(wild, 1.0) == pytest.approx(4.0 * confidence(calm, 1.0))
    assert confidence(calm, 1.0) == pytest.approx(1e-4 * math.sqrt(HORIZON), rel=0.3)
    assert confidence(np.full(60, 2_000.0), 1.0) == LEAST
    assert confidence(calm[:5], 1.0) == USUAL


def test_a_median_of_five_bears_a_stuck_a_scaled_and_a_lazy_one_and_breaks_when_the_scaled_are_three() -> None:
    scenario = find("failing-reporters")
    borne = run(scenario)
    assert borne.metrics["dex.ETH-PERP.latency_gap_worst"] < 0.01
    assert borne.metrics["dex.liquidations"] == 0.0
    more = vary(vary(scenario, "cast.scaled.count", 3), "cast.stuck.count", 0)
    broken = run(vary(more, "cast.lazy.count", 0))
    assert broken.metrics["dex.ETH-PERP.latency_gap_worst"] == pytest.approx(math.log(1_000.0), rel=0.01)
    assert broken.metrics["gain.founders"] == pytest.approx(-10_000_000.0)  # longs take all there is
