"""Oracles around oracles: an average of reports, and a vote of several."""

import pytest

from protocol.errors import ReportRejected
from protocol.exchange import close_block, report
from protocol.genesis import genesis
from protocol.oracles.base import Oracle, Report, Status, read_index
from protocol.oracles.ema import Ema
from protocol.oracles.median import Median
from protocol.oracles.median_of import MedianOf
from protocol.oracles.smoothed import Smoothed
from protocol.oracles.spot import Spot
from protocol.oracles.twap import ArithmeticTwap
from protocol.state import State
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, Market, World

START = 2_000.0
ONE = Median(reporters=1, quorum=1, max_age=100_000.0)


def game(oracle: Oracle) -> State:
    """A book whose index is `oracle`'s."""
    return genesis(World(exchanges=(Exchange(markets=(Market(oracle=oracle, venue=OrderBook()),)),)), {"ETH": START})


def seal(state: State, time: float) -> float:
    """The index at the end of a block."""
    state.time = time
    close_block(state)
    return read_index(state, state.listings[0][0]).value


def register(state: State, oracle: Median, at: str) -> int:
    """A reporter's account."""
    account = state.ledger.open("reporter", 1)
    oracle.register(state, state.listings[0][0], state.listings[0][0].path + ".oracle" + at, account)
    return account


def test_an_average_of_reports_goes_half_of_the_way_in_a_half_life() -> None:
    state = game(Smoothed(ONE, half_life=100.0))
    account = register(state, ONE, ".inner")
    assert seal(state, 10.0) == START
    report(state, state.listings[0][0], Report(account, 2.0 * START, 10.0))
    assert seal(state, 20.0) == pytest.approx(START)  # what is seen at a block's end weighs from then on
    assert seal(state, 120.0) == pytest.approx(1.5 * START)
    assert seal(state, 220.0) == pytest.approx(1.75 * START)


def test_an_average_passes_on_that_what_it_averages_is_stale() -> None:
    state = game(Smoothed(Median(reporters=1, quorum=1, heartbeat=60.0, max_age=60.0)))
    register(state, ONE, ".inner")
    assert seal(state, 200.0) == START
    assert read_index(state, state.listings[0][0]).status != Status.FRESH


def test_two_of_three_that_read_one_book_follow_it_and_one_alone_is_outvoted() -> None:
    feeds = (ONE, Ema(half_life=1e9), Spot())
    state = game(MedianOf(feeds))
    listing = state.listings[0][0]
    seal(state, 10.0)
    state.put(listing.path + ".last", 3.0 * START)  # the book's mid, swept
    assert seal(state, 20.0) == pytest.approx(START)
    swept = game(MedianOf((ONE, Ema(half_life=1.0), Spot())))
    seal(swept, 10.0)
    swept.put(swept.listings[0][0].path + ".last", 3.0 * START)
    seal(swept, 20.0)
    assert seal(swept, 60.0) == pytest.approx(3.0 * START)


def test_a_vote_hands_reports_to_who_takes_them_and_refuses_them_where_nobody_does() -> None:
    voting = MedianOf((ArithmeticTwap(), ONE, ArithmeticTwap(window=60.0)))
    state = game(voting)
    account = register(state, ONE, ".1")
    report(state, state.listings[0][0], Report(account, 2.0 * START, 0.0))
    assert ONE.read(state, state.listings[0][0], state.listings[0][0].path + ".oracle.1").value == 2.0 * START
    with pytest.raises(ReportRejected):
        report(game(MedianOf()), state.listings[0][0], Report(account, 2.0 * START, 0.0))


def test_where_half_or_fewer_are_fresh_the_vote_is_as_bad_as_the_worst() -> None:
    old = Median(reporters=1, quorum=1, heartbeat=60.0, max_age=60.0)
    state = game(MedianOf((old, Median(reporters=1, quorum=1, heartbeat=50.0, max_age=50.0), Ema())))
    seal(state, 30.0)
    assert read_index(state, state.listings[0][0]).status == Status.FRESH
    seal(state, 200.0)
    assert read_index(state, state.listings[0][0]).status != Status.FRESH


@pytest.mark.parametrize(
    ("kind", "settings", "why"), [(Smoothed, {"half_life": 0.0}, "half_life = 0.0"), (MedianOf, {"of": ()}, "of = ()")]
)
def test_settings_that_make_no_oracle_are_refused(kind, settings, why) -> None:
    with pytest.raises(ValueError, match="must be") as told:
        kind(**settings)
    assert why in str(told.value)
