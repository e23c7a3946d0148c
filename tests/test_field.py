"""The battlefield: what waits can be read as of one's own latency, fees can be raised, blocks sealed, chosen, or missing."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from agents.builders import builder
from agents.crowds.noise import NoiseCrowd
from agents.demand import OutsideDemand
from agents.game import Game
from agents.nature.gbm import GeometricBrownian
from agents.player import Player, Role
from agents.roles.builder import Builder
from agents.view import View
from protocol.blocks.fixed import Fixed
from protocol.blocks.outages import Outages
from protocol.chain import Built, Offer, seal
from protocol.mempool import RAISE, Mempool, Pending, orders
from protocol.orderings.builders_choice import BuildersChoice
from protocol.orderings.fifo import Fifo
from protocol.orderings.priority_fee import PriorityFee
from protocol.orderings.sealed import Sealed
from protocol.transactions import Spin, Trade
from protocol.world import Chain, World
from tests.test_chain import world as small_world

SEEN: list[Any] = []


@dataclasses.dataclass(frozen=True)
class Talker(Role):
    """Says something for block space, once a block."""

    gas: int = 50_000

    def act(self, me: Player, view: View) -> list[Any]:
        """Send."""
        return [me.send(Spin(me.account, self.gas))]


@dataclasses.dataclass(frozen=True)
class Reader(Role):
    """Writes down what it reads, and answers."""

    often: int = 1
    gas: int = 0

    def looks(self) -> int:
        """So often."""
        return self.often

    def act(self, me: Player, view: View) -> list[Any]:
        """Read, and answer if it has an answer."""
        waiting = view.mempool()
        SEEN.append((me.label, view.time, view.arrival, view.seal, waiting))
        return [me.send(Spin(me.account, self.gas))] if self.gas else []


def play(chain: Chain, *cast: Role, duration: float = 60.0, tick: float = 1.0, patience: float = 120.0) -> Game:
    SEEN.clear()
    game = Game(
        World(chains=(chain,)),
        cast,
        GeometricBrownian(tick=tick),
        [],
        seed=3,
        duration=duration,
        outside=OutsideDemand(load=0.0),
        patience=patience,
    )
    game.play()
    return game


def l2(interval: float = 12.0, **changes: Any) -> Chain:
    return Chain(blocks=Fixed(interval=interval), **changes)


# What can be read


@pytest.mark.parametrize(("interval", "tick"), [(12.0, 1.0), (0.25, 0.25)])
@pytest.mark.parametrize("latency", [0.0, 0.04, 0.2, 1.0, 30.0])
def test_a_reader_sees_what_had_arrived_as_long_ago_as_its_latency_and_nothing_later(interval, tick, latency):
    cast = Talker(latency=0.05), NoiseCrowd(count=50, activity=86_400.0 / interval), Reader(latency=latency, often=3)
    play(l2(interval), *cast, duration=20 * interval, tick=tick)
    arrivals = [item.arrival for *_, waiting in SEEN for item in waiting.singles]
    arrivals += [float(row["arrival"]) for *_, waiting in SEEN for row in waiting.rows]
    assert all(item.arrival <= time for _, time, _, _, waiting in SEEN for item in waiting.singles)
    assert all(row["arrival"] <= time for _, time, _, _, waiting in SEEN for row in waiting.rows)
    assert bool(arrivals) == (latency < 0.25)


def test_whoever_is_quick_enough_sees_a_transaction_of_this_block_whoever_speaks_first():
    play(l2(), Talker(latency=0.5), Reader(name="quick", latency=0.1), Reader(name="slow", latency=0.9))
    told = {name: [len(w.singles) for who, *_, w in SEEN if who.startswith(name)] for name in ("quick", "slow")}
    assert told == {"quick": [1] * 5, "slow": [0] * 5}


def test_an_answer_arrives_a_latency_after_the_look_and_those_who_look_later_see_it():
    play(l2(), Reader(name="a", latency=3.0, often=3, gas=21_000), Reader(name="b", latency=0.5), duration=12.0)
    looks = [(who, time, arrival) for who, time, arrival, *_ in SEEN]
    assert looks == [("a.0", 3.0, 6.0), ("a.0", 6.0, 9.0), ("a.0", 9.0, 12.0), ("b.0", 11.5, 12.0)]
    assert [len(waiting.singles) for *_, waiting in SEEN] == [0, 1, 2, 2]  # of its own two answers, and b of the same


def test_players_who_look_at_the_same_moment_do_not_see_each_others_answers():
    play(l2(), Reader(count=4, latency=0.0, gas=21_000))
    assert [len(waiting.singles) for *_, waiting in SEEN] == [0] * 20


def test_what_was_left_waiting_can_be_read_and_what_has_expired_cannot():
    full = l2(capacity=60_000.0)
    play(full, Talker(count=3, latency=0.5), Reader(latency=0.1), patience=30.0)
    assert [len(waiting.singles) for *_, waiting in SEEN] == [
        3,
        5,
        7,
        9,
        9,
    ]  # one served a block; after three, all expire


def test_nobody_reads_what_is_sealed():
    play(l2(ordering=Sealed(delay=1.0)), Talker(latency=0.5), Reader(latency=0.1))
    assert [len(waiting.singles) + len(waiting.rows) for *_, waiting in SEEN] == [0] * 5


def test_a_game_without_readers_is_the_game_it_was_and_a_silent_reader_moves_nobody():
    cast = NoiseCrowd(count=50, activity=500.0), Talker()
    alone, watched = play(l2(), *cast), play(l2(), *cast, Reader())
    assert alone.recorder.rows[:5].tobytes() == watched.recorder.rows[:5].tobytes()


# Block space, and bidding for it


def test_space_can_be_bought_and_what_pays_less_waits():
    crowded = play(l2(capacity=100_000.0), Talker(gas=100_000, tip=1e-6, latency=0.1), Talker(name="b", tip=1e-9))
    assert crowded.recorder.rows[4, crowded.recorder.columns.index("waiting")] == 5


@pytest.mark.parametrize("gas", [0, -1])
def test_space_of_no_size_is_refused(gas):
    with pytest.raises(ValueError, match=rf"gas = {gas}: must be 1 or more"):
        Spin(1, gas)


def sent(account: int, tip: float, arrival: float, slot: Any = None) -> Pending:
    return Pending(Spin(account, 21_000), tip, arrival, arrival + 60.0, slot)


def test_a_raise_replaces_ones_own_transaction_in_the_slot_and_nobody_elses():
    pool = Mempool()
    for item in (sent(7, 1.0, 1.0, "x"), sent(8, 1.0, 1.0, "x"), sent(7, 1.0 + RAISE, 2.0, "x"), sent(7, 0.1, 2.0)):
        pool.send(item)
    assert [(item.transaction.account, item.tip) for item in pool.seen(1.5).singles] == [(7, 1.0), (8, 1.0)]
    here, _ = pool.take(3.0)
    assert [(item.transaction.account, item.tip) for item in here] == [(8, 1.0), (7, 1.0 + RAISE), (7, 0.1)]


def test_a_raise_too_small_is_dropped():
    pool = Mempool()
    pool.send(sent(7, 1.0, 1.0, "x"))
    pool.send(sent(7, 1.0 + 0.9 * RAISE, 2.0, "x"))
    assert [item.tip for item in pool.take(3.0)[0]] == [1.0]


def test_jitter_delays_by_its_mean_from_the_players_own_dice_and_may_miss_the_block():
    plain = play(l2(), Talker(latency=0.5), duration=1_200.0)
    late = play(l2(), Talker(latency=0.5, jitter=6.0), duration=1_200.0)
    used = [game.recorder.rows[:100, game.recorder.columns.index("gas_used")] for game in (plain, late)]
    assert set(used[0]) == {50_000.0}
    assert set(used[1]) > {0.0, 50_000.0}
    again = play(l2(), Talker(latency=0.5, jitter=6.0), Talker(name="other", jitter=2.0), duration=1_200.0)
    arrivals = [
        [r.arrival for r in late.mempools[0].pending],
        [r.arrival for r in again.mempools[0].pending if r.transaction.account == late.players[0].account],
    ]
    assert arrivals[0] == arrivals[1]


@pytest.mark.parametrize("jitter", [-1.0, float("nan"), float("inf")])
def test_jitter_without_sense_is_refused(jitter):
    with pytest.raises(ValueError, match=rf"jitter = {jitter}: must be 0 or more seconds"):
        Talker(jitter=jitter)
    with pytest.raises(ValueError, match=r"jitter = 1.0: must be 0"):
        NoiseCrowd(jitter=1.0)


# Orderings


def test_under_sealed_orders_information_is_older_by_the_delay_and_nothing_executes_before_it():
    play(l2(ordering=Sealed(delay=5.0)), Reader(latency=0.5))
    assert [(time, arrival) for _, time, arrival, *_ in SEEN][:2] == [(6.5, 7.0), (18.5, 19.0)]
    pool = Mempool()
    pool.send(sent(1, 1.0, 8.0))
    pool.send(orders(small_world()[0].markets[0], np.array([2]), 1, np.nan, 0.0, 8.0, 99.0))
    assert [len(part) for part in pool.take(12.0, 5.0)] == [0, 0]
    assert [len(part) for part in pool.take(13.0, 5.0)] == [1, 1]


@pytest.mark.parametrize("delay", [-0.1, 60.0, float("nan")])
def test_a_delay_that_outlasts_patience_is_refused(delay):
    with pytest.raises(ValueError, match=rf"delay = {delay}: must be 0 to below 60 seconds"):
        Sealed(delay=delay)


def block_of(order: list[int], own: int = 0) -> list[int]:
    """Accounts served, of two singles and two rows, when a builder chooses so; its own have account 9."""
    state, trader = small_world(Chain(ordering=BuildersChoice()))
    listing, pool = state.listings[0][0], Mempool()
    for k in range(2):
        pool.send(Pending(Trade(listing, trader + k, 1_000), 1e-9, 1.0, 99.0))
    pool.send(orders(listing, trader + np.array([2, 3]), 1_000, np.nan, 1e-9, 1.0, 99.0))
    mine = tuple(Pending(Spin(trader + 4 + k, 21_000), 0.0, 12.0, 12.0) for k in range(own))
    served: list[int] = []

    class Listener:
        def before(self, state: Any) -> None:
            """Nothing."""

        def after(self, state: Any, seen: Any, verb: str, account: int, reverted: bool, outcome: Any) -> None:
            served.append(account - trader if account >= 0 else -1)

    seal(state, 0, pool, 12.0, witness=Listener(), builder=lambda offer: Built(mine, np.array(order, np.int64)))
    assert len(pool) == 4 - len([place for place in order if place < 4])
    return served[:-1]


def test_a_builder_orders_inserts_and_leaves_out():
    assert block_of([3, 1, 2, 0]) == [3, 1, 2, 0]
    assert block_of([4, 2, 5], own=2) == [4, 2, 5]
    assert block_of([]) == []


@pytest.mark.parametrize("order", [[0, 0], [-1], [5]])
def test_a_block_that_cannot_be_is_an_error(order):
    with pytest.raises(ValueError, match=r"order = .*: each of the 4 places at most once"):
        block_of(order)


@dataclasses.dataclass(frozen=True)
class Greedy(Builder):
    """Leaves everybody out."""

    capital: float = 1_000.0

    def build(self, me: Player, view: View, offer: Offer) -> Built:
        """An empty block."""
        SEEN.append(view.state.height)
        return Built((), np.empty(0, np.int64))


def test_builders_get_their_share_of_blocks_known_ahead_and_the_same_in_every_run():
    chain = l2(ordering=BuildersChoice())
    game = play(chain, Talker(), Greedy(share=0.3), duration=3_600.0)
    mine = [height for height in range(300) if builder(game, 0, height + 1) is not None]
    assert mine == SEEN
    assert 60 < len(mine) < 120
    assert any(b - a == 1 for a, b in zip(mine, mine[1:], strict=False))
    view = View(game, game.state, 0.0, 0, 0.0, 0.0)
    assert view.schedule(50) == [
        -1 if builder(game, 0, h) is None else game.players[1].account for h in range(301, 351)
    ]
    empty = game.recorder.rows[:300, game.recorder.columns.index("gas_used")] == 0
    assert np.flatnonzero(empty).tolist() == mine


def test_an_honest_builder_builds_what_nobody_would_have_built_otherwise():
    rows = [
        play(l2(ordering=ordering), Talker(tip=2e-9), NoiseCrowd(count=50, activity=2_000.0), *cast).recorder.rows[:5]
        for ordering, cast in ((PriorityFee(), ()), (BuildersChoice(), (Builder(share=1.0),)))
    ]
    assert rows[0].tobytes() == rows[1].tobytes()


def test_builders_who_share_more_than_there_is_or_nothing_are_refused():
    with pytest.raises(ValueError, match=r"share: builders have 1.2 of the blocks together"):
        play(l2(ordering=BuildersChoice()), Builder(share=0.6, count=2))
    with pytest.raises(ValueError, match=r"share = 0.5: Fifo leaves nothing to builders"):
        play(l2(ordering=Fifo()), Builder())
    for share in (0.0, 1.1, float("nan")):
        with pytest.raises(ValueError, match=rf"share = {share}: must be above 0 to 1"):
            Builder(share=share)


# Outages


def test_during_an_outage_no_block_is_sealed_and_what_waits_is_served_after_it():
    law = Outages(interval=2.0, every=120.0, lasting=60.0)
    game = play(Chain(blocks=law, ordering=Fifo()), Talker(), duration=7_200.0)
    times = game.recorder.rows[: game.recorder.blocks, 0]
    gaps = np.diff(times)
    down = gaps[gaps > 1.5 * law.shortest()] - law.shortest()
    assert 25 < len(down) < 60  # 7,200 seconds hold 40 rounds of 180 seconds
    assert 35 < down.mean() < 90
    assert game.recorder.rows[: game.recorder.blocks, game.recorder.columns.index("gas_used")].min() > 0
    again = play(Chain(blocks=law, ordering=Fifo()), Talker(), Reader(), duration=7_200.0)
    assert np.array_equal(times, again.recorder.rows[: again.recorder.blocks, 0])


@pytest.mark.parametrize(("field", "value"), [("every", 12.0), ("every", float("inf")), ("lasting", -1.0)])
def test_outages_that_cannot_be_are_refused(field, value):
    with pytest.raises(ValueError, match=rf"{field} = {value}: must be"):
        Outages(**{field: value})
