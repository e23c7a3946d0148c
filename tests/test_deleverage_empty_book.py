"""Winners are closed out where nobody is left to sell to: only of who is worth less than nothing."""

import pytest

from protocol import exchange
from protocol.errors import DepthExceeded
from protocol.genesis import genesis
from protocol.ledger import WORLD, Reason
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.oracles.base import Report
from protocol.oracles.median import Median
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, Market, World

ORACLE = Median(reporters=1, quorum=1)


@pytest.fixture
def game():
    """A long and a short of ten coins, each with its tenth, on a book that is empty since."""
    market = Market(oracle=ORACLE, venue=OrderBook(), fee=0.0)
    rules = Exchange(markets=(market,), losses=(Insurance(), Deleverage()), insurance=0.0)
    state = genesis(World(exchanges=(rules,)), {"ETH": 2_000.0})
    listing = state.listings[0][0]
    who = {}
    for name in ("long", "short", "keeper", "reporter"):
        who[name] = state.ledger.open(name, 1)
        state.ledger.move(listing.house.token, WORLD, who[name], 10**10, Reason.GENESIS)
        exchange.deposit(state, listing.house, who[name], 2_100 * 10**6)
    ORACLE.register(state, listing, listing.path + ".oracle", who["reporter"])
    coins = int(10 * listing.size_scale)
    exchange.post(state, listing, who["short"], -coins, 2_000.0)
    exchange.trade(state, listing, who["long"], coins)
    return state, listing, who, coins


def tell(state, listing, who, value):
    state.time += 1.0
    exchange.report(state, listing, Report(who["reporter"], value, state.time))


def test_who_is_bankrupt_is_closed_against_the_winner_where_the_book_is_empty(game):
    state, listing, who, coins = game
    tell(state, listing, who, 1_700.0)
    done = exchange.liquidate(state, listing, who["keeper"], who["long"])
    assert done.deleveraged == coins
    assert state.ledger.balance[listing.size, who["long"]] == 0
    assert state.ledger.balance[listing.size, who["short"]] == 0


def test_who_is_only_below_maintenance_waits_for_somebody_to_sell_to(game):
    state, listing, who, _ = game
    tell(state, listing, who, 1_850.0)
    with pytest.raises(DepthExceeded):
        exchange.liquidate(state, listing, who["keeper"], who["long"])
