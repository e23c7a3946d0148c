"""The order book: who is served first, who is served at all, and that a failed order leaves no mark."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from protocol import exchange
from protocol.clearing import Batch
from protocol.errors import (
    AccountIsolated,
    BookFull,
    CrossesBook,
    DepthExceeded,
    NotAllowed,
    NothingToDo,
    OpenInterestCapped,
    Revert,
    SlippageExceeded,
    StalePrice,
    UnderMargined,
    UnknownOrder,
)
from protocol.genesis import genesis
from protocol.ledger import WORLD, Reason
from protocol.margins.cross import Cross
from protocol.margins.isolated import Isolated
from protocol.oracles.base import Oracle, Reading, Status
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, Market, World

COIN = 10**8
CASH = 10**6


@dataclass(frozen=True)
class Told(Oracle):
    """An index that the test sets."""

    def start(self, state, listing, at, price):
        state.put(at, price)

    def read(self, state, listing, at):
        value = state.tables[at]
        return Reading(value, state.time, 0.0, Status.FRESH if value > 0 else Status.MISSING)


PERP = Market(oracle=Told(), venue=OrderBook())


def build(market=PERP, players=6, coins=100_000, price=100.0, **parts):
    """A state with one book, and funded accounts."""
    state = genesis(World(exchanges=(Exchange(markets=(market,), **parts),)), {"ETH": price})
    first = state.ledger.open("players", players)
    for account in range(first, first + players):
        fund(state, account, coins)
    state.finalise()
    return state, state.listings[0][0], list(range(first, first + players))


def fund(state, account, coins):
    state.ledger.move(state.houses[0].token, WORLD, account, coins * CASH, Reason.GENESIS)
    exchange.deposit(state, state.houses[0], account, coins * CASH)


def held(state, listing, account):
    return int(state.ledger.balance[listing.size, account])


def shown(state, listing):
    return book_of(state, listing).depth(state, listing, 99)


def book_of(state, listing):
    return state.market(listing).venue


def take(state, listing, *orders):
    """A batch of (account, size) or (account, size, limit)."""
    rows = [(*order, math.nan)[:3] for order in orders]
    account, size, limit = zip(*rows, strict=True)
    batch = Batch(np.array(account, np.int64), np.array(size, np.int64), np.array(limit, np.float64))
    return exchange.fill(state, listing, batch)


# ---------------------------------------------------------------------- who is served first


def test_the_best_price_is_served_first_and_among_equals_the_oldest():
    state, listing, (a, b, c, taker, *_) = build()
    exchange.post(state, listing, a, -COIN, 101.0)
    exchange.post(state, listing, b, -COIN, 100.5)
    exchange.post(state, listing, c, -COIN, 100.5)

    exchange.trade(state, listing, taker, COIN)
    assert [held(state, listing, who) for who in (a, b, c)] == [0, -COIN, 0]
    exchange.trade(state, listing, taker, COIN)
    assert [held(state, listing, who) for who in (a, b, c)] == [0, -COIN, -COIN]
    exchange.trade(state, listing, taker, COIN)
    assert [held(state, listing, who) for who in (a, b, c)] == [-COIN, -COIN, -COIN]


def test_bids_are_served_from_the_highest_and_among_equals_the_oldest():
    state, listing, (a, b, c, taker, *_) = build()
    exchange.post(state, listing, a, COIN, 99.0)
    exchange.post(state, listing, b, COIN, 99.5)
    exchange.post(state, listing, c, COIN, 99.5)

    fill = exchange.trade(state, listing, taker, -COIN * 3 // 2)

    assert [held(state, listing, who) for who in (a, b, c)] == [0, COIN, COIN // 2]
    assert fill.owed == -99_500_000 * 3 // 2


def test_a_part_filled_order_keeps_its_place():
    state, listing, (a, b, taker, *_) = build()
    first = exchange.post(state, listing, a, -4 * COIN, 101.0)
    exchange.post(state, listing, b, -4 * COIN, 101.0)

    exchange.trade(state, listing, taker, COIN)
    exchange.trade(state, listing, taker, COIN)

    own = book_of(state, listing).resting(state, listing, a)
    assert (own.order.tolist(), own.price.tolist(), own.size.tolist()) == ([first], [101.0], [-2 * COIN])
    assert held(state, listing, b) == 0


def test_one_taker_walks_through_many_makers_at_their_own_prices():
    state, listing, (a, b, c, taker, *_) = build()
    for maker, price in ((a, 100.1), (b, 100.2), (c, 100.3)):
        exchange.post(state, listing, maker, -COIN, price)

    fill = exchange.trade(state, listing, taker, 5 * COIN // 2)

    assert fill.owed == 100_100_000 + 100_200_000 + 50_150_000
    assert shown(state, listing) == ([], [(pytest.approx(100.3), COIN // 2)])
    assert int(state.ledger.balance[listing.quote, taker]) == -fill.owed
    assert int(state.ledger.balance[listing.house.cash, taker]) == 100_000 * CASH - math.ceil(fill.owed * 0.0005)
    assert int(state.ledger.balance[listing.house.cash, a]) == 100_000 * CASH, "makers pay no fee"


def test_a_maker_who_closes_a_position_is_paid_its_gain_in_cash():
    state, listing, (a, b, *_) = build()
    exchange.post(state, listing, a, -4 * COIN, 100.0)
    exchange.trade(state, listing, b, 4 * COIN)
    exchange.post(state, listing, a, COIN, 98.0)
    exchange.trade(state, listing, b, -COIN)

    assert int(state.ledger.balance[listing.house.cash, a]) == 100_000 * CASH + 2 * CASH
    assert int(state.ledger.balance[listing.quote, a]) == 300 * CASH
    exchange.post(state, listing, a, 5 * COIN, 98.0)
    exchange.trade(state, listing, b, -5 * COIN)
    assert int(state.ledger.balance[listing.house.cash, a]) == 100_000 * CASH + 8 * CASH
    assert int(state.ledger.balance[listing.quote, a]) == -2 * 98 * CASH


def test_depth_adds_up_what_rests_at_each_price_best_first():
    state, listing, (a, b, *_) = build()
    for maker, size, price in (
        (a, 1, 99.0),
        (b, 2, 99.0),
        (a, 3, 98.0),
        (b, -4, 101.0),
        (a, -5, 102.0),
        (b, -6, 101.0),
    ):
        exchange.post(state, listing, maker, size * COIN, price)

    assert shown(state, listing) == ([(99.0, 3 * COIN), (98.0, 3 * COIN)], [(101.0, 10 * COIN), (102.0, 5 * COIN)])
    assert book_of(state, listing).depth(state, listing, 1) == ([(99.0, 3 * COIN)], [(101.0, 10 * COIN)])


def test_the_mid_lies_between_the_best_two_or_at_the_only_one_or_where_it_was():
    state, listing, (a, *_) = build()
    mid = lambda: book_of(state, listing).mid(state, listing)  # noqa: E731
    assert mid() == 100.0

    bid = exchange.post(state, listing, a, COIN, 98.0)
    assert mid() == pytest.approx(98.0)
    ask = exchange.post(state, listing, a, -COIN, 101.0)
    assert mid() == pytest.approx(99.5)
    exchange.cancel(state, listing, a, bid)
    assert mid() == pytest.approx(101.0)
    exchange.cancel(state, listing, a, ask)
    assert mid() == pytest.approx(101.0)


def test_a_price_between_two_ticks_goes_to_the_one_its_owner_would_not_regret():
    state, listing, (a, *_) = build(replace(PERP, venue=OrderBook(tick=0.5)))
    exchange.post(state, listing, a, COIN, 99.9)
    exchange.post(state, listing, a, -COIN, 100.1)

    assert shown(state, listing) == ([(99.5, COIN)], [(100.5, COIN)])


@pytest.mark.parametrize("cents", [7, 29, 10_029, 11_457])
def test_a_price_on_a_tick_stays_on_it_whatever_its_floats(cents):
    book = OrderBook()
    assert book.ticks(1, cents * 0.01) == book.ticks(-1, cents * 0.01) == book.ticks(-1, cents / 100) == cents


def test_cost_is_what_a_fill_then_owes():
    state, listing, (a, b, taker, *_) = build()
    for maker, price in ((a, 100.13), (b, 101.77), (a, 101.77)):
        exchange.post(state, listing, maker, -COIN // 3, price)
    sizes = np.array([COIN // 4, COIN // 3, COIN, COIN // 5])

    cost = book_of(state, listing).cost(state, listing, sizes)
    fills = take(state, listing, *((taker, size) for size in sizes))

    assert np.isnan(cost[2])
    assert fills.code[2] == DepthExceeded.code
    assert cost[[0, 1, 3]].tolist() == fills.owed[[0, 1, 3]].tolist()


# ---------------------------------------------------------------------- who is not served


def test_a_post_that_would_trade_is_refused():
    state, listing, (a, b, *_) = build()
    exchange.post(state, listing, a, -COIN, 101.0)
    exchange.post(state, listing, a, COIN, 99.0)

    for size, price in ((COIN, 101.0), (COIN, 105.0), (-COIN, 99.0), (-COIN, 90.0)):
        with pytest.raises(CrossesBook):
            exchange.post(state, listing, b, size, price)
    exchange.post(state, listing, b, COIN, 100.99)
    exchange.post(state, listing, b, -COIN, 101.0)


def test_a_taker_never_fills_its_own_order_which_is_cancelled():
    state, listing, (a, b, *_) = build()
    exchange.post(state, listing, a, -COIN, 100.5)
    later = exchange.post(state, listing, a, -COIN, 102.0)
    exchange.post(state, listing, b, -COIN, 101.0)

    fill = exchange.trade(state, listing, a, COIN)

    assert fill.owed == 101_000_000
    assert held(state, listing, b) == -COIN
    assert book_of(state, listing).resting(state, listing, a).order.tolist() == [later]


@pytest.mark.parametrize(("size", "sign"), [(COIN, 1), (-COIN, -1)])
def test_an_order_is_filled_wholly_within_its_limit_or_not_at_all(size, sign):
    state, listing, (a, b, taker, *_) = build()
    exchange.post(state, listing, a, -size // 2, 100.0 + sign * 0.29)
    exchange.post(state, listing, b, -size, 100.0 + sign * 1.0)
    before = state.digest()
    mark = state.mark()

    assert take(state, listing, (taker, size, 100.0 + sign * 0.99)).code.tolist() == [SlippageExceeded.code]
    assert take(state, listing, (taker, 2 * size)).code.tolist() == [DepthExceeded.code]
    assert state.digest() == before
    for limit, error, many in ((100.0 + sign * 0.99, SlippageExceeded, 1), (math.nan, DepthExceeded, 2)):
        with pytest.raises(error):
            exchange.trade(state, listing, taker, many * size, limit)
        state.rewind(mark)

    exchange.trade(state, listing, taker, size // 2, 100.0 + sign * 0.29)
    exchange.trade(state, listing, taker, size, 100.0 + sign * 1.0)
    assert shown(state, listing) == ([], [])


def test_a_failed_taker_gives_back_the_orders_it_cancelled_on_its_way():
    state, listing, (a, b, *_) = build()
    exchange.post(state, listing, a, -COIN, 100.5)
    exchange.post(state, listing, b, -COIN, 101.0)
    before = state.digest()

    assert take(state, listing, (a, 2 * COIN)).code.tolist() == [DepthExceeded.code]

    assert state.digest() == before
    assert take(state, listing, (b, COIN)).code.tolist() == [0]


def test_an_order_that_its_maker_cannot_carry_is_cancelled_and_passed_over():
    state, listing, (poor, rich, taker, *_) = build()
    exchange.post(state, listing, poor, -COIN, 100.5)
    kept = exchange.post(state, listing, poor, COIN, 99.0)
    exchange.post(state, listing, rich, -COIN, 101.0)
    exchange.withdraw(state, listing.house, poor, 100_000 * CASH - 5 * CASH)

    fill = exchange.trade(state, listing, taker, COIN)

    assert fill.owed == 101_000_000
    assert (held(state, listing, poor), held(state, listing, rich)) == (0, -COIN)
    assert book_of(state, listing).resting(state, listing, poor).order.tolist() == [kept]
    assert shown(state, listing)[1] == []


def test_a_maker_below_margin_may_still_be_filled_where_that_shrinks_its_position():
    state, listing, (a, b, c, taker, *_) = build(coins=20)
    exchange.post(state, listing, b, -COIN, 100.0)
    exchange.trade(state, listing, a, COIN)
    state.put(listing.path + ".oracle", 88.0)  # equity 20 - 12 - fee, below 10 % of 88
    exchange.post(state, listing, a, -COIN // 2, 90.0)
    with pytest.raises(UnderMargined):
        exchange.post(state, listing, a, COIN // 2, 80.0)
    with pytest.raises(UnderMargined):
        exchange.post(state, listing, a, -2 * COIN, 90.0)

    exchange.trade(state, listing, taker, COIN // 2)

    assert held(state, listing, a) == COIN // 2


def test_the_taker_needs_margin_and_room_under_the_cap():
    state, listing, (a, taker, *_) = build(replace(PERP, open_interest_cap=1_000.0))
    house = listing.house
    exchange.withdraw(state, house, taker, 99_990 * CASH)
    exchange.post(state, listing, a, -20 * COIN, 100.0)
    before = state.digest()

    assert take(state, listing, (taker, 2 * COIN)).code.tolist() == [UnderMargined.code]
    fund(state, taker, 10_000)
    mark = state.mark()
    with pytest.raises(OpenInterestCapped):
        exchange.trade(state, listing, taker, 11 * COIN)
    state.rewind(mark)
    exchange.trade(state, listing, taker, 10 * COIN)

    assert state.tables[listing.path + ".interest"].tolist() == [10 * COIN, 10 * COIN]
    assert state.digest() != before


# ---------------------------------------------------------------------- posting and cancelling


def test_a_post_needs_margin_for_all_its_owner_has_resting_on_that_side():
    state, listing, (a, *_) = build(coins=100)
    exchange.post(state, listing, a, 6 * COIN, 99.0)
    exchange.post(state, listing, a, 4 * COIN, 98.0)
    exchange.post(state, listing, a, -10 * COIN, 101.0)

    for size, price in ((1_000, 97.0), (-1_000, 102.0)):
        with pytest.raises(UnderMargined):
            exchange.post(state, listing, a, size, price)


def test_a_post_counts_the_position_it_would_add_to():
    state, listing, (a, b, *_) = build(coins=100)
    exchange.post(state, listing, b, -4 * COIN, 100.0)
    exchange.trade(state, listing, a, 4 * COIN)
    exchange.post(state, listing, a, 5 * COIN, 99.0)

    with pytest.raises(UnderMargined):
        exchange.post(state, listing, a, COIN, 99.0)
    exchange.post(state, listing, a, -13 * COIN, 101.0)
    with pytest.raises(UnderMargined):
        exchange.post(state, listing, a, -COIN, 101.0)


def test_an_isolated_account_posts_in_no_second_market():
    markets = (PERP, replace(PERP, name="BTC-PERP"))
    state = genesis(World(exchanges=(Exchange(markets=markets, margin=Isolated()),)), {"ETH": 100.0})
    a = state.ledger.open("players", 2)
    for account in (a, a + 1):
        fund(state, account, 1_000)
    one, other = state.listings[0]
    exchange.post(state, one, a, COIN, 100.0)
    exchange.trade(state, one, a + 1, -COIN)

    with pytest.raises(AccountIsolated):
        exchange.post(state, other, a, COIN, 100.0)
    exchange.post(state, one, a, COIN, 100.0)


def test_each_refusal_of_a_post_has_its_reason():
    state, listing, (a, *_) = build(replace(PERP, venue=OrderBook(slots=1)))
    for size, price in ((0, 100.0), (COIN, 0.001), (COIN, -1.0), (COIN, math.nan), (-COIN, math.inf)):
        with pytest.raises(NothingToDo):
            exchange.post(state, listing, a, size, price)
    for size, price in ((COIN, 4.99), (-COIN, 2000.01)):
        with pytest.raises(SlippageExceeded):
            exchange.post(state, listing, a, size, price)
    with pytest.raises(UnderMargined):
        exchange.post(state, listing, a, 10_001 * COIN, 100.0)
    state.put(listing.path + ".oracle", 0.0)
    with pytest.raises(StalePrice):
        exchange.post(state, listing, a, COIN, 99.0)
    state.put(listing.path + ".oracle", 100.0)
    exchange.post(state, listing, a, COIN, 99.0)
    with pytest.raises(BookFull):
        exchange.post(state, listing, a, COIN, 98.0)


def test_only_its_owner_cancels_an_order_and_only_once():
    state, listing, (a, b, *_) = build()
    order = exchange.post(state, listing, a, COIN, 99.0)

    with pytest.raises(NotAllowed):
        exchange.cancel(state, listing, b, order)
    exchange.cancel(state, listing, a, order)
    with pytest.raises(UnknownOrder):
        exchange.cancel(state, listing, a, order)
    assert exchange.post(state, listing, a, COIN, 99.0) > order, "numbers are never given twice"


def test_cancel_all_takes_an_accounts_orders_and_nobody_elses():
    state, listing, (a, b, *_) = build()
    for maker in (a, b, a):
        exchange.post(state, listing, maker, COIN, 99.0)
        exchange.post(state, listing, maker, -COIN, 101.0)

    assert exchange.cancel_all(state, listing, a) == 4
    assert exchange.cancel_all(state, listing, a) == 0
    assert shown(state, listing) == ([(99.0, COIN)], [(101.0, COIN)])


def test_where_there_is_no_book_nothing_can_rest():
    state, listing, (a, *_) = build(Market())
    for verb in (
        lambda: exchange.post(state, listing, a, COIN, 99.0),
        lambda: exchange.cancel(state, listing, a, 1),
        lambda: exchange.cancel_all(state, listing, a),
    ):
        with pytest.raises(NothingToDo):
            verb()


@pytest.mark.parametrize("wrong", [{"tick": 0.0}, {"tick": math.inf}, {"slots": 0}, {"reach": 1.0}])
def test_a_book_that_nothing_can_rest_on_cannot_be_built(wrong):
    with pytest.raises(ValueError, match="must be"):
        OrderBook(**wrong)


# ---------------------------------------------------------------------- liquidation


def test_a_liquidation_eats_the_book_as_anybody_would():
    state, listing, (a, b, c, keeper, *_) = build(coins=1_000)
    exchange.post(state, listing, b, -90 * COIN, 100.0)
    exchange.trade(state, listing, a, 90 * COIN)
    state.put(listing.path + ".oracle", 93.0)
    for maker, price in ((b, 92.0), (c, 91.0)):
        exchange.post(state, listing, maker, 50 * COIN, price)

    done = exchange.liquidate(state, listing, keeper, a)

    assert held(state, listing, a) == 0
    assert (held(state, listing, b), held(state, listing, c)) == (-40 * COIN, 40 * COIN)
    assert done.notional == (50 * 92 + 40 * 91) * CASH
    assert state.tables[listing.path + ".interest"].tolist() == [40 * COIN, 40 * COIN]
    assert shown(state, listing) == ([(91.0, 10 * COIN)], [])


def test_a_forced_sale_passes_over_makers_without_initial_margin_though_the_seller_need_not_have_it():
    state, listing, (a, b, poor, keeper, *_) = build(coins=1_000)
    exchange.post(state, listing, b, -90 * COIN, 100.0)
    exchange.trade(state, listing, a, 90 * COIN)
    exchange.post(state, listing, poor, 90 * COIN, 93.0)
    exchange.post(state, listing, b, 90 * COIN, 88.5)
    exchange.withdraw(state, listing.house, poor, 300 * CASH)  # 700 left: above maintenance, below initial
    state.put(listing.path + ".oracle", 93.0)

    done = exchange.liquidate(state, listing, keeper, a)

    assert done.notional == 90 * CASH * 177 // 2
    assert held(state, listing, poor) == 0
    assert done.deficit > 0
    assert sum(paid for _, paid in done.covered) == done.deficit


def test_without_depth_a_liquidation_waits():
    state, listing, (a, b, keeper, *_) = build(coins=1_000)
    exchange.post(state, listing, b, -90 * COIN, 100.0)
    exchange.trade(state, listing, a, 90 * COIN)
    state.put(listing.path + ".oracle", 93.0)

    mark, before = state.mark(), state.digest()
    with pytest.raises(DepthExceeded):
        exchange.liquidate(state, listing, keeper, a)
    state.rewind(mark)
    assert state.digest() == before


# ---------------------------------------------------------------------- against a reference, and in the long run


class Reference:
    """The plainest matcher there is: two lists, searched from the start for every fill."""

    def __init__(self, worth):
        self.orders, self.number, self.worth = [], 1, worth  # orders: [price, size left, owner, number]

    def post(self, owner, size, price):
        self.orders.append([price, size, owner, self.number])
        self.number += 1

    def take(self, owner, size, limit):
        """(maker, part, due) of each fill, or the reason there is none."""
        saved = [list(order) for order in self.orders]
        fills, left = [], size
        while left:
            against = [order for order in self.orders if order[1] * size < 0]
            if not against:
                self.orders = saved
                return DepthExceeded
            best = min(against, key=lambda order: (order[0] if size > 0 else -order[0], order[3]))
            if limit is not None and (best[0] > limit if size > 0 else best[0] < limit):
                self.orders = saved
                return SlippageExceeded
            if best[2] == owner:
                self.orders.remove(best)
                continue
            part = min(abs(left), abs(best[1])) * (1 if size > 0 else -1)
            fills.append((best[2], part, math.ceil(float(part) * best[0] * self.worth)))
            best[1] += part
            left -= part
            if best[1] == 0:
                self.orders.remove(best)
        return fills


def trades_since(state, listing, mark, taker):
    """(maker, part, due) of each fill in the journal, in turn."""
    moves = [move for move in state.ledger.moves_since(mark.moves).tolist() if move[4] == Reason.TRADE]
    parts = [(src, dst, units) for asset, src, dst, units, _ in moves if asset == listing.size]
    dues = [units if src == taker else -units for asset, src, dst, units, _ in moves if asset == listing.quote]
    return [
        (src, units, due) if dst == taker else (dst, -units, due)
        for (src, dst, units), due in zip(parts, dues, strict=True)
    ]


@pytest.mark.slow
def test_a_brute_force_matcher_finds_the_same_fills():
    state, listing, players = build(players=12, coins=10**7)
    reference = Reference(0.01 * listing.price_scale)
    dice = np.random.default_rng(20260101)
    seen = dict.fromkeys(("fills", "several", "deep", "slipped", "own", "cancelled", "crossed"), 0)
    for _ in range(3_000):
        who, size = int(dice.choice(players)), int(dice.integers(1, 5 * COIN)) * int(dice.choice([-1, 1]))
        kind, ticks = dice.random(), 10_000 + int(dice.integers(-40, 41))
        mark = state.mark()
        if kind < 0.55:
            ticks -= 25 * (1 if size > 0 else -1)
            try:
                exchange.post(state, listing, who, size, ticks / 100)
                reference.post(who, size, ticks)
            except CrossesBook:
                seen["crossed"] += 1
                assert any(order[1] * size < 0 and (order[0] - ticks) * size <= 0 for order in reference.orders)
        elif kind < 0.65 and reference.orders:
            order = reference.orders.pop(int(dice.integers(len(reference.orders))))
            exchange.cancel(state, listing, order[2], order[3])
            seen["cancelled"] += 1
        else:
            limit = ticks if kind < 0.8 else None
            size *= 2
            own = len([order for order in reference.orders if order[2] == who])
            expected = reference.take(who, size, limit)
            try:
                exchange.trade(state, listing, who, size, math.nan if limit is None else ticks / 100)
            except (DepthExceeded, SlippageExceeded) as error:
                assert type(error) is expected
                seen["deep" if expected is DepthExceeded else "slipped"] += 1
                state.rewind(mark)
            else:
                assert trades_since(state, listing, mark, who) == expected
                seen["fills"] += 1
                seen["several"] += len(expected) > 2
                seen["own"] += len([order for order in reference.orders if order[2] == who]) < own
        rows = {tuple(row) for row in state.tables[listing.path + ".book"].tolist()}
        assert rows == {tuple(order) for order in reference.orders}
        state.finalise()
    assert min(seen.values()) > 25, seen


def random_stream(state, listing, players, dice, steps, seen):
    """Orders, cancellations, moves of the index, withdrawals and liquidations, each whole or undone."""
    house = listing.house
    for step in range(steps):
        who, size = int(dice.choice(players)), int(dice.integers(1, 20 * COIN)) * int(dice.choice([-1, 1]))
        index = state.tables[listing.path + ".oracle"]
        kind, mark = dice.random(), state.mark()
        try:
            if kind < 0.45:
                away = -math.copysign(abs(dice.normal(0.0, 0.01)), size)
                exchange.post(state, listing, who, size, index * (1 + away))
                seen["post"] += 1
            elif kind < 0.5:
                seen["cancel_all"] += exchange.cancel_all(state, listing, who)
            elif kind < 0.8:
                limit = index * (1 + math.copysign(0.02, size)) if kind < 0.65 else math.nan
                exchange.trade(state, listing, who, 2 * size, limit)
                seen["trade"] += 1
            elif kind < 0.85:
                exchange.withdraw(state, house, who, int(dice.integers(1, 400)) * CASH)
                seen["withdraw"] += 1
            elif kind < 0.97:
                debtors = [player for player in players if held(state, listing, player)]
                exchange.liquidate(state, listing, players[0], int(dice.choice(debtors or players)))
                seen["liquidate"] += 1
            else:
                state.put(listing.path + ".oracle", 100.0 * math.exp(dice.normal(0.0, 0.1)))
                fund(state, who, 100)
        except Revert as revert:
            seen[type(revert).__name__] = seen.get(type(revert).__name__, 0) + 1
            state.rewind(mark)
        if step % 50 == 0:
            state.time += 600.0
            exchange.close_block(state)
        check_laws(state, listing)
    return seen


def check_laws(state, listing):
    balance = state.ledger.balance
    assert not balance.sum(axis=1).any(), "every row sums to zero"
    sizes, book = balance[listing.size], state.tables[listing.path + ".book"]
    assert sizes[listing.desk] == 0, "the venue itself holds nothing"
    longs, shorts = state.tables[listing.path + ".interest"]
    assert longs == shorts == sizes[sizes > 0].sum()
    bids = int((book[:, 1] > 0).sum())
    assert (book[:bids, 1] > 0).all()
    assert (book[bids:, 1] < 0).all()
    assert (np.diff(book[:, 0]) >= 0).all()
    assert not 0 < bids < len(book) or book[bids - 1, 0] < book[bids, 0], "bids stay below asks"


@pytest.mark.slow
def test_nothing_is_created_or_lost_in_a_long_random_stream_and_a_rewind_leaves_no_trace():
    state, listing, players = build(replace(PERP, venue=OrderBook(slots=24)), players=30, coins=400)
    dice = np.random.default_rng(7)
    seen = dict.fromkeys(("post", "cancel_all", "trade", "withdraw", "liquidate"), 0)
    random_stream(state, listing, players, dice, 2_000, seen)
    state.finalise()

    before, mark, time = state.digest(), state.mark(), state.time
    random_stream(state, listing, players, dice, 3_000, seen)
    assert state.digest() != before
    state.rewind(mark)
    state.time = time  # the chain's, not the journal's

    assert state.digest() == before
    reached = {"post", "cancel_all", "trade", "withdraw", "liquidate", "Healthy", "UnderMargined", "DepthExceeded"}
    reached |= {"SlippageExceeded", "CrossesBook", "BookFull"}
    assert not {name: seen.get(name, 0) for name in reached if seen.get(name, 0) <= 10}


def test_a_batch_is_its_orders_one_after_the_other():
    singles, listing, players = build(players=20, coins=2_000)
    dice = np.random.default_rng(3)
    for account in players:
        for side in (-1, 1):
            price = 100.0 - side * abs(dice.normal(0.0, 1.0))
            exchange.post(singles, listing, account, side * int(dice.integers(1, 40 * COIN)), price)
    for account in players[:5]:
        exchange.withdraw(singles, listing.house, account, 1_900 * CASH)
    batched = singles.save()
    orders = [
        (int(dice.choice(players)), int(dice.normal(0.0, 20 * COIN)), float(dice.choice([math.nan, 99.0, 101.0])))
        for _ in range(200)
    ]

    together = take(batched, listing, *orders, (players[0], 0))
    apart = [take(singles, listing, order) for order in [*orders, (players[0], 0)]]

    assert together.code.tolist() == [int(fills.code[0]) for fills in apart]
    assert together.owed.tolist() == [int(fills.owed[0]) for fills in apart]
    assert batched.digest() == singles.digest()
    reached = {0, UnderMargined.code, DepthExceeded.code, SlippageExceeded.code, NothingToDo.code}
    assert reached <= set(together.code.tolist())


def test_funding_is_settled_for_maker_and_taker_alike():
    state, listing, (a, b, *_) = build(margin=Cross())
    exchange.post(state, listing, a, -COIN, 100.0)
    exchange.trade(state, listing, b, COIN)
    state.put(listing.path + ".funding", np.array([2.0, 0.0, 0.0]))  # longs owe 2 cash coins a coin
    exchange.post(state, listing, a, -COIN, 100.0)
    before = state.ledger.balance[listing.house.cash].copy()

    exchange.trade(state, listing, b, COIN)

    got = state.ledger.balance[listing.house.cash] - before
    assert got[a] == 2 * CASH
    assert got[b] == -2 * CASH - 50_000
    for account, size in ((a, -2), (b, 2)):
        assert int(state.ledger.balance[listing.funding, account]) == size * 2 * CASH
