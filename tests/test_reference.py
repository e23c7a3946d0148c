"""A reference venue has finite depth that heals, and no round trip through it ever profits."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize

from agents.nature.reference import ReferenceMarket, ReferenceVenue
from agents.streams import Streams

FAIR = 2000.0
STREAMS = Streams(11)


def market(**parameters):
    return ReferenceMarket(ReferenceVenue(**parameters))


class Lopsided(ReferenceMarket):
    """A planted bug: sells move the mid half as much as buys."""

    def trade(self, fair, size):
        if size > 0:
            return super().trade(fair, size)
        return 2 * super().trade(fair, size / 2)


def cost(venue, sizes, waits, fairs, kind=ReferenceMarket):
    """Cash that a schedule of trades costs, started from rest."""
    place = kind(venue)
    paid = 0.0
    for size, wait, fair in zip(sizes, waits, fairs, strict=True):
        place.relax(wait)
        paid += place.trade(fair, size)
    return paid


def cheapest_round_trip(venue, trades, kind=ReferenceMarket):
    """The least cost, in depths, that an optimiser finds over the sizes and the times of trades that sum to nothing."""
    unit = venue.depth / FAIR  # the size that displaces the log mid by 1

    def loss(free):
        moves, waits = free[: trades - 1], 60 * free[trades - 1 :] ** 2
        return cost(venue, [*(moves * unit), -moves.sum() * unit], waits, [FAIR] * trades, kind) / venue.depth

    starts = [STREAMS.normal(f"start.{trades}", attempt, 2 * trades - 1) for attempt in range(4)]
    bounds = [(-2.0, 2.0)] * (2 * trades - 1)
    return min(minimize(loss, x, method="L-BFGS-B", bounds=bounds, options={"maxiter": 60}).fun for x in starts)


@pytest.mark.parametrize("spread", [0.0, 0.0002])
@pytest.mark.parametrize("trades", [2, 3, 6])
def test_an_optimiser_finds_no_round_trip_that_profits(spread, trades):
    """Alfonsi and Schied (2010): exponential resilience admits no price manipulation."""
    least = cheapest_round_trip(ReferenceVenue(spread=spread), trades)

    assert least > -1e-12
    assert least < 1e-4  # it did search: the best it found is to do next to nothing


def test_the_optimiser_profits_from_a_book_with_a_planted_bug():
    assert cheapest_round_trip(ReferenceVenue(), 2, Lopsided) < -0.1


def test_random_round_trips_of_every_size_and_rhythm_cost_money_even_without_a_spread():
    venue = ReferenceVenue(spread=0.0)
    for trial in range(300):
        moves = STREAMS.normal("moves", trial, 8) * 10.0 ** (trial % 5 - 3)
        sizes = (moves - moves.mean()) * venue.depth / FAIR
        waits = -60.0 * np.log(STREAMS.uniform("waits", trial, 8))
        assert cost(venue, sizes, waits, [FAIR] * 8) > 0


def test_round_trips_that_follow_a_martingale_fair_lose_on_average():
    """The strategy knows the past of fair: it bets on its continuing, or against, and closes at the end."""
    venue = ReferenceVenue(spread=0.0)
    step, rounds = 0.02, 8
    for bet in (-0.1, 0.1):
        costs = []
        for signs in range(2**rounds):  # every path of a binomial martingale: the expectation is exact
            up, down = math.expm1(step), -math.expm1(-step)
            probability, fair, held, fairs, sizes = 1.0, FAIR, 0.0, [FAIR], [0.0]
            for k in range(rounds):
                rose = signs >> k & 1
                probability *= (down if rose else up) / (up + down)
                fair *= math.exp(step if rose else -step)
                size = (bet if rose else -bet) * venue.depth / fair if k < rounds - 1 else -held
                held += size
                fairs.append(fair)
                sizes.append(size)
            costs.append(probability * cost(venue, sizes, [20.0] * len(sizes), fairs))
        assert sum(costs) > 0


def test_a_market_order_pays_every_price_on_its_way():
    place = market(spread=0.0)
    place.displacement = 0.02
    unit = FAIR / place.venue.depth
    for size in (-300.0, -1.0, 2.0, 500.0):
        integral, _ = quad(lambda q: FAIR * math.exp(0.02 + q * unit), 0.0, size)
        assert place.quote(FAIR, size) == pytest.approx(integral, rel=1e-10)


def test_depth_is_the_value_at_fair_that_displaces_the_log_mid_by_one():
    place = market(depth=5e6)

    place.trade(FAIR, 50_000 / FAIR)

    assert place.mid(FAIR) == pytest.approx(FAIR * math.exp(0.01))


def test_quoting_changes_nothing_and_trading_costs_what_was_quoted():
    place = market()
    quoted = place.quote(FAIR, 40.0)

    assert place.mid(FAIR) == FAIR
    assert place.trade(FAIR, 40.0) == quoted
    assert place.mid(FAIR) > FAIR


def test_splitting_an_order_without_waiting_changes_neither_cost_nor_price():
    whole, split = market(), market()

    paid = whole.trade(FAIR, 120.0)

    assert sum(split.trade(FAIR, size) for size in (20.0, 70.0, 30.0)) == pytest.approx(paid, rel=1e-12)
    assert split.displacement == pytest.approx(whole.displacement, rel=1e-12)


def test_splitting_an_order_over_time_is_cheaper():
    venue = ReferenceVenue()

    assert cost(venue, [50.0, 50.0], [0.0, 60.0], [FAIR] * 2) < cost(venue, [100.0], [0.0], [FAIR])


def test_there_and_back_at_once_costs_the_spread_and_leaves_no_trace():
    place = market(spread=0.001)
    paid = place.trade(FAIR, 10.0)
    received = -place.trade(FAIR, -10.0)

    assert paid - received == pytest.approx(0.001 * (paid + received) / 2)
    assert place.displacement == pytest.approx(0.0, abs=1e-15)


def test_displacement_halves_in_a_half_life_however_the_time_is_cut():
    whole, cut = market(half_life=60.0), market(half_life=60.0)
    whole.displacement = cut.displacement = 0.08

    whole.relax(60.0)
    for _ in range(240):
        cut.relax(0.25)

    assert whole.displacement == pytest.approx(0.04)
    assert cut.displacement == pytest.approx(0.04)


def test_the_mid_follows_fair_at_its_displacement():
    place = market()
    place.trade(FAIR, 25.0)

    assert place.mid(1000.0) / 1000.0 == pytest.approx(place.mid(FAIR) / FAIR)


@pytest.mark.parametrize("target", [1500.0, 1999.0, 2600.0])
def test_size_to_leaves_the_mid_where_it_was_aimed(target):
    place = market()
    place.displacement = -0.03

    place.trade(FAIR, place.size_to(FAIR, target))

    assert place.mid(FAIR) == pytest.approx(target)


def test_an_order_beyond_reach_is_quoted_as_infinite_and_refused():
    place = market()

    assert place.quote(FAIR, 1e9) == math.inf
    with pytest.raises(ValueError, match="size="):
        place.trade(FAIR, 1e9)
    with pytest.raises(ValueError, match="size="):
        place.trade(FAIR, math.nan)
    assert place.displacement == 0.0
    assert -place.quote(FAIR, -1e9) < place.venue.depth  # selling without end never empties more than the bids hold


@pytest.mark.parametrize(
    ("field", "value"),
    [("asset", ""), ("name", ""), ("depth", 0.0), ("half_life", -1.0), ("spread", 2.0), ("weight", math.nan)],
)
def test_a_senseless_venue_cannot_be_built(field, value):
    with pytest.raises(ValueError, match=f"{field}="):
        ReferenceVenue(**{field: value})
