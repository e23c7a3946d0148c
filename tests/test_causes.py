"""Prices and liquidations are split by cause to the last coin, and looking changes nothing."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.nature.gbm import GeometricBrownian
from experiments.cascades.causes import FUNDING, OWN, PARAMETERS, Forced, Traded
from experiments.cascades.marks import NATURE, ORACLE, Mark
from experiments.cascades.tracing import Tracer
from experiments.run import build, play, run
from experiments.scenario import find
from protocol.oracles.base import read_index
from protocol.oracles.ema import Ema
from protocol.oracles.guarded import Guarded
from protocol.oracles.twap import ArithmeticTwap
from protocol.oracles.twap_geometric import GeometricTwap

ROUGH = dataclasses.replace(
    find("leveraged-crash"), nature=GeometricBrownian(volatility=(20.0,)), duration=1_800.0, seed=1
)


@pytest.fixture(scope="module")
def traced():
    tracer = Tracer()
    game = build(ROUGH, witness=tracer)
    tracer.seat(game)
    return play(game, ROUGH), tracer


deeds = st.lists(
    st.tuples(
        st.sampled_from(["nature", "trade", "arbitrage", "observe", "stand"]), st.floats(50.0, 200.0), st.integers(0, 3)
    ),
    max_size=40,
)


@given(deeds, st.sampled_from([0.0, 30.0, 600.0]))
def test_the_parts_of_mid_and_index_sum_to_them_whatever_happens(steps, window):
    mark = Mark(100.0, 100.0, 100.0, follows=True, window=window)
    for block, (kind, value, who) in enumerate(steps):
        more = {"trade": (who,), "arbitrage": (who,), "observe": (12.0 * block,)}.get(kind, ())
        getattr(mark, kind)(12.0 * block if kind == "stand" else value, *more)
        assert math.fsum(mark.of_mid.values()) == pytest.approx(mark.mid, abs=1e-9)
        assert math.fsum(mark.of_index.values()) == pytest.approx(mark.index, abs=1e-9)


def test_arbitrage_takes_displacement_from_everybody_in_proportion():
    mark = Mark(100.0, 100.0, 100.0, follows=True)
    mark.trade(102.0, "a")
    mark.trade(106.0, "b")
    before = dict(mark.of_mid)
    mark.arbitrage(math.sqrt(106.0 * 100.0), "arb")
    assert mark.of_mid["a"] == pytest.approx(before["a"] / 2)
    assert mark.of_mid["b"] == pytest.approx(before["b"] / 2)
    assert "arb" not in mark.of_mid


def test_what_arbitrage_does_beyond_fair_is_its_own():
    mark = Mark(100.0, 110.0, 110.0, follows=True)
    mark.arbitrage(95.0, "arb")
    assert mark.of_mid["arb"] == pytest.approx(math.log(95.0 / 100.0))


def test_a_lag_behind_fair_is_natures_and_is_gone_when_arbitrage_has_closed_it():
    mark = Mark(100.0, 100.0, 100.0, follows=True)
    mark.nature(120.0)
    assert mark.displacement == pytest.approx(math.log(100 / 120))
    mark.arbitrage(120.0, "arb")
    assert mark.of_mid == pytest.approx({NATURE: math.log(120.0)})


def test_an_index_takes_over_the_causes_of_the_mid_that_stood_by_the_share_of_its_way_that_it_goes():
    mark = Mark(100.0, 100.0, 100.0, follows=True)
    mark.trade(121.0, "push")
    mark.stand(0.0)
    mark.trade(90.0, "later")  # in the block in which it is read: too late
    mark.observe(110.0, 12.0)
    assert mark.of_index["push"] == pytest.approx(math.log(1.1))
    assert "later" not in mark.of_index
    mark.observe(130.0, 12.0)  # beyond the mid: no venue tells it so
    assert mark.of_index[ORACLE] == pytest.approx(math.log(130 / 110))


def test_a_live_index_takes_over_what_the_mid_is_now():
    mark = Mark(100.0, 100.0, 100.0, follows=True)
    mark.trade(121.0, "push")
    mark.observe(121.0, 0.0, live=True)
    assert mark.of_index["push"] == pytest.approx(math.log(1.21))


def test_in_the_mean_of_a_window_a_push_is_whose_it_was_for_as_long_as_it_counts_and_nobodys_after():
    mark, window, push = Mark(100.0, 100.0, 100.0, follows=True, window=60.0), 60.0, math.log(1.21)
    mark.trade(121.0, "push")
    mark.stand(12.0)
    mark.trade(100.0, "push")  # taken back after 24 seconds
    mark.stand(36.0)
    for time, held in ((48.0, 24.0 / 48.0), (72.0, 24.0 / window), (84.0, 12.0 / window), (96.0, 0.0)):
        mark.observe(100.0 * math.exp(push * held), time)  # of logs, as a geometric mean's
        assert mark.of_index.get("push", 0.0) == pytest.approx(push * held)
        assert mark.of_index.get(ORACLE, 0.0) == pytest.approx(0.0, abs=1e-12)
        assert math.fsum(mark.of_index.values()) == pytest.approx(mark.index, abs=1e-12)


def _marks(oracle):
    """Parts of a mark at the end of each block in which somebody trades a thin curve up and down, and the mark itself."""
    tracer = Tracer()
    market = dataclasses.replace(ROUGH.world.exchanges[0].markets[0], oracle=oracle)
    exchange = dataclasses.replace(ROUGH.world.exchanges[0], markets=(market,))
    scenario = dataclasses.replace(
        ROUGH, world=dataclasses.replace(ROUGH.world, exchanges=(exchange,)), duration=1_200.0
    )
    game = build(scenario, witness=tracer)
    tracer.seat(game)
    play(game, scenario)
    return [next(iter(page.quotes.values())) for page in tracer.prices.history]


@pytest.mark.parametrize(
    ("oracle", "left"),
    [
        (Ema(half_life=60.0), 1e-9),
        (GeometricTwap(window=120.0), 1e-8),
        (Guarded(inner=GeometricTwap(window=120.0), max_move=10.0), 1e-8),
        (ArithmeticTwap(window=120.0), 2e-3),
    ],
    ids=["ema", "geometric", "guarded", "arithmetic"],
)
def test_an_average_leaves_nothing_for_the_oracle_itself_but_what_a_mean_is_above_a_mean_of_logs(oracle, left):
    quotes = _marks(oracle)
    assert max(abs(quote.parts.get(ORACLE, 0.0)) for quote in quotes) < left
    assert len({one for quote in quotes for one in quote.parts}) > 2  # and there was something to tell
    assert max(abs(math.fsum(quote.parts.values()) - math.log(quote.price)) for quote in quotes) < 1e-9


def test_an_index_that_reads_no_venue_moves_by_nature_alone():
    mark = Mark(100.0, 100.0, 100.0, follows=False)
    mark.trade(150.0, "push")
    mark.stand(0.0)
    mark.observe(120.0, 12.0)
    assert mark.of_index == pytest.approx({NATURE: math.log(120.0)})


def test_within_a_block_a_mark_is_known_by_cause_as_it_is_read_there():
    """Time has passed since the last block: an average has moved, and who is closed now is explained by where it stands now."""
    tracer, gaps = Tracer(), []
    before = tracer.before

    def looking(state):
        seen = before(state)
        for listing, mark in tracer.prices.marks.items():
            gaps.append(abs(math.fsum(mark.of_index.values()) - math.log(read_index(state, listing).value)))
        return seen

    tracer.before = looking
    game = build(dataclasses.replace(ROUGH, duration=600.0), witness=tracer)
    tracer.seat(game)
    game.play()
    assert len(gaps) > 100
    assert max(gaps) < 1e-9


def test_looking_changes_nothing(traced):
    assert traced[0].digest == run(ROUGH).digest


def test_every_liquidation_is_explained_and_told_as_it_was_recorded(traced):
    record, tracer = traced
    told = record.events[record.events["kind"] == "liquidation"]
    assert len(tracer.why) == len(told) > 20
    assert [one.time for one in tracer.why] == told["time"].tolist()
    assert [one.number for one in tracer.why] == list(range(len(told)))
    assert sum(one.deficit for one in tracer.why) == pytest.approx(record.metrics["dex.deficit"])


def test_what_is_left_for_own_trades_is_nothing_for_who_did_not_trade(traced):
    """The price's part is the requirement's and the equity's at exact prices, so nothing else can be left."""
    _, tracer = traced
    quiet = [one for one in tracer.why if one.time - one.healthy <= 12.0]
    assert quiet
    assert all(abs(one.since_healthy.get(OWN, 0.0)) < 1e-6 * abs(one.fall) for one in quiet)
    assert all(abs(one.since_healthy.get(PARAMETERS, 0.0)) < 1e-6 * abs(one.fall) for one in quiet)


def test_falls_are_falls_and_begin_at_health(traced):
    _, tracer = traced
    for one in tracer.why:
        assert one.fall < 0
        assert one.entry <= one.healthy <= one.time
        assert math.fsum(one.since_healthy.values()) == pytest.approx(one.fall)


def test_forced_sales_are_parents_of_later_ones_with_shares_that_sum_to_no_more_than_one(traced):
    _, tracer = traced
    found = [(one.number, one.parents()) for one in tracer.why]
    assert any(parents for _, parents in found)
    for number, parents in found:
        assert all(parent < number for parent in parents)
        assert 0.0 <= sum(parents.values()) <= 1.0 + 1e-12


def test_funding_fees_and_trades_of_groups_are_among_the_causes(traced):
    causes = {cause for one in traced[1].why for cause in one.since_entry}
    assert {NATURE, FUNDING} <= causes
    assert any(isinstance(cause, Traded) and cause.group == "leveraged" for cause in causes)
    assert any(isinstance(cause, Forced) for cause in causes)


def test_without_price_impact_no_liquidation_is_a_parent():
    deep = dataclasses.replace(ROUGH, duration=900.0)
    world = deep.world
    market = dataclasses.replace(
        world.exchanges[0].markets[0], venue=dataclasses.replace(world.exchanges[0].markets[0].venue, liquidity=1e15)
    )
    exchange = dataclasses.replace(world.exchanges[0], markets=(market,))
    deep = dataclasses.replace(deep, world=dataclasses.replace(world, exchanges=(exchange,)))
    tracer = Tracer()
    game = build(deep, witness=tracer)
    tracer.seat(game)
    play(game, deep)
    shares = [sum(one.parents().values()) for one in tracer.why]
    assert max(shares, default=0.0) < 1e-3
    assert np.isfinite(shares).all()
