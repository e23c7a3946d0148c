"""Initial margin by open interest: it rises with what all have open, and liquidates nobody."""

import pytest

from experiments.run import build, release
from experiments.scenario import find
from protocol import exchange
from protocol.errors import UnderMargined
from protocol.genesis import genesis
from protocol.ledger import WORLD, Reason
from protocol.margins.base import INITIAL, MAINTENANCE
from protocol.margins.cross import Cross
from protocol.margins.interest_scaled import InterestScaled, scaled
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market, World


@pytest.mark.parametrize(("interest", "share"), [(0.0, 0.2), (20e6, 0.2), (35e6, 0.6), (50e6, 1.0), (90e6, 1.0)])
def test_the_share_rises_in_a_straight_line_between_the_bounds(interest, share):
    assert scaled(0.2, interest, 20e6, 50e6) == pytest.approx(share)


def test_what_all_have_open_counts_from_the_next_block_and_maintenance_stays():
    margin = InterestScaled(Cross(initial=0.2, maintenance=0.1), lower=10_000.0, upper=50_000.0)
    market = Market(venue=VirtualAmm(liquidity=1e9), fee=0.0)
    state = genesis(World(exchanges=(Exchange(markets=(market,), margin=margin),)), {"ETH": 2_000.0})
    listing = state.listings[0][0]
    ten = int(10 * listing.size_scale)
    for name in ("one", "other"):
        account = state.ledger.open(name, 1)
        state.ledger.move(listing.house.token, WORLD, account, 10**10, Reason.GENESIS)
        exchange.deposit(state, listing.house, account, 5_000 * 10**6)
        if name == "one":
            exchange.trade(state, listing, account, ten)  # 20,000
            assert margin.rate(state, listing, INITIAL)[0] == 0.2
            state.time += 1.0
            exchange.close_block(state)
            assert margin.rate(state, listing, INITIAL)[0] == pytest.approx(0.4, rel=1e-3)
            assert margin.rate(state, listing, MAINTENANCE)[0] == 0.1
            assert margin.standing(state, listing.house, MAINTENANCE, account)[1] == pytest.approx(2_000.0, rel=1e-3)
    with pytest.raises(UnderMargined):  # 8,000 needed, and 4,000 by the inner rule
        exchange.trade(state, listing, account, ten)


def test_the_voted_mark_asks_more_than_the_inner_share_where_its_market_is_crowded():
    scenario = find("voted-mark")
    game = build(scenario)
    game.play()
    listing = game.state.listings[0][0]
    margin = game.state.exchange(listing.house).margin
    shares = margin.rate(game.state, listing, INITIAL)[0], margin.inner.rate(game.state, listing, INITIAL)[0]
    release(game)
    assert shares[0] > 2.0 * shares[1]


def test_bounds_that_do_not_rise_are_refused():
    with pytest.raises(ValueError, match="lower = 5.0: must be"):
        InterestScaled(lower=5.0, upper=5.0)
