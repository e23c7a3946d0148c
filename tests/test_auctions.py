"""Auctions: their curves are the contracts' own, and on the machine they start, are taken, go stale, and end as they should."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from machine import CASH, COIN, PRICE, Told, Witness, exchange_for, market_for, open_world, quote_book, tell

from experiments.validation import maker_clip
from experiments.validation.base import Missing
from experiments.validation.clearing_times import crashed
from experiments.validation.replays import tally
from protocol import errors, exchange
from protocol.access import Credentialed
from protocol.funding.unfunded import Unfunded
from protocol.instruments.base import Instrument
from protocol.instruments.future import Future
from protocol.instruments.option import Option
from protocol.ledger import Reason
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.base import Liquidation
from protocol.liquidations.cases import case_of
from protocol.liquidations.curves import (
    Exponential,
    Linear,
    Stairstep,
    exponential,
    linear,
    power,
    stairstep,
)
from protocol.liquidations.dutch import Dutch
from protocol.liquidations.english import English
from protocol.liquidations.full import Full
from protocol.liquidations.graded import Graded, Step
from protocol.liquidations.lots import lot_of, part_to_restore
from protocol.liquidations.routes import AtOracle, ThroughVenue, ToBackstop
from protocol.liquidations.staged import Staged, insolvent_bid, kept_share
from protocol.margins.base import Threshold
from protocol.oracles.base import read_mark
from protocol.state import House, Listing, State
from protocol.surface import Surface
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market

RAY, WAD = 10**27, 10**18


# ---------------------------------------------------------------------- curves, as published


def test_the_exponential_of_the_repositorys_tests_halves_every_quarter_of_an_hour() -> None:
    cut = 999230132966 * 10**15
    assert power(cut, 900, RAY) == pytest.approx(RAY // 2, rel=1e-9)
    assert exponential(1_000.0, 900, 0.999230132966, 1.0) == pytest.approx(500.0, rel=1e-9)
    assert Exponential().share(1_800.0) == pytest.approx(0.25, rel=1e-9)


def test_the_linear_decrease_of_the_repositorys_tests() -> None:
    """tau 3,600, top 1,000: 900 after 360 s, 500 after 1,800 s."""
    assert [linear(1_000 * RAY, t, 3_600, RAY) for t in (0, 360, 1_800, 3_600)] == [
        1_000 * RAY,
        900 * RAY,
        500 * RAY,
        0,
    ]
    assert [linear(1_000.0, t, 3_600, 1.0) for t in (0, 360, 1_800, 3_601)] == [1_000.0, 900.0, 500.0, 0.0]
    assert Linear(3_600).share(360.9) == 0.9  # whole seconds, as on chain


def test_stairs_of_one_percent_every_ninety_seconds_stand_at_8179_after_half_an_hour() -> None:
    assert math.floor(stairstep(1.0, 1_800, 0.99, 90, 1.0) * 1e4) == 8_179
    assert stairstep(RAY, 1_800, 99 * RAY // 100, 90, RAY) // 10**23 == 8_179
    assert Stairstep().share(1_889.0) == Stairstep().share(1_800.0) == pytest.approx(0.99**20, rel=1e-14)


@pytest.mark.parametrize("curve", [Linear(), Stairstep(), Exponential()], ids=lambda c: type(c).__name__)
def test_a_curve_starts_at_the_top_and_only_falls(curve: Any) -> None:
    shares = [curve.share(float(t)) for t in range(0, 7_200, 7)]
    assert shares[0] == 1.0
    assert all(0.0 <= later <= earlier for earlier, later in zip(shares, shares[1:], strict=False))


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (Linear, "tau", 0),
        (Stairstep, "cut", 1.0),
        (Stairstep, "step", 0),
        (Exponential, "cut", 0.0),
        (Dutch, "buf", 0.9),
        (Dutch, "tail", 0.0),
        (Dutch, "cusp", 1.0),
        (Dutch, "tip", -1.0),
        (Dutch, "halt", 0.0),
        (Staged, "cutoff", 1.1),
        (Staged, "slow", 0.0),
        (English, "beg", 1.0),
        (English, "tau", 1.0),
        (English, "floor", 2.0),
        (Graded, "steps", (Step(0.9),)),
        (Graded, "steps", (Step(1.0, 0.5), Step(0.5, 0.25))),
        (Graded, "routes", ()),
        (Step, "close", 0.0),
        (Backstop, "health", 1.5),
        (Backstop, "after", -1.0),
        (Backstop, "inner", Backstop()),
        (ThroughVenue, "reward", 1.0),
        (AtOracle, "spread", -0.1),
        (ToBackstop, "keep", 1.1),
    ],
)
def test_a_senseless_rule_cannot_be_built(kind: type[Any], field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{field} = "):
        kind(**{field: value})


# ---------------------------------------------------------------------- the recorded contract


def test_every_recorded_auction_has_the_price_the_slice_and_the_state_that_the_formulas_give() -> None:
    try:
        steps = list(maker_clip.replay())
    except Missing as missing:
        pytest.skip(str(missing))
    found = tally(steps)
    assert found.off == []
    assert found.exact == found.graded == 910
    taken = [step for step in steps if step.action == "take" and step.left["revert"] == ""]
    assert len(taken) >= 15
    assert sum(step.left["event.lot"] > 0 and step.left["event.tab"] > 0 for step in taken) > 0  # in part
    assert sum(step.left.get("revert") == "Clipper/no-partial-purchase" for step in steps) == 7  # where dust is left
    assert sum(bool(step.left[name]) for step in steps for name in step.left if name.endswith(".stale")) > 30


# ---------------------------------------------------------------------- on the machine


def wait(state: State, seconds: float, price: float) -> None:
    state.time += seconds
    tell(state, price)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("curve", [Linear(3_600), Stairstep(), Exponential()], ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("cost", [0.0, 7.0, 40.0])
def test_keepers_with_a_cost_clear_an_auction_at_the_first_second_that_pays(side: int, curve: Any, cost: float) -> None:
    """A keeper with cost c takes at the first step at which the price is at most the market's less c: exactly then."""
    rule = Dutch(curve=curve, buf=1.2)
    state, listing, (debtor, keeper, *_) = crashed(rule, side=side)
    market = PRICE * (1 - side * 0.07)
    exchange.bark(state, listing, keeper, debtor)
    limit = market - side * cost
    expected = next(t for t in range(8_400) if 1.2 * curve.share(float(t)) * market <= market - cost)
    witness = Witness(state)
    for second in range(expected + 1):
        done = witness.does(exchange.take, keeper, listing, keeper, debtor, 10**15, limit)
        if second < expected:
            assert isinstance(done, errors.SlippageExceeded)
            wait(state, 1.0, market)
    assert isinstance(done, exchange.Liquidated)
    assert (state.time, done.opened, done.started) == (expected, 0.0, 0.0)
    assert done.price == pytest.approx(market * (1 + side * (1.2 * curve.share(float(expected)) - 1)), rel=1e-12)


def test_the_time_at_which_stairs_reach_a_calm_market_is_the_closed_form() -> None:
    """t* = step ln(buf) / -ln(cut), rounded up to a whole step."""
    rule = Dutch()
    state, listing, (debtor, keeper, *_) = crashed(rule)
    exchange.bark(state, listing, keeper, debtor)
    lot, case = lot_of(state, listing, debtor), case_of(state, listing, debtor)
    assert lot is not None
    assert case is not None
    crossing = 90 * math.ceil(math.log(1.2) / -math.log(0.99))
    assert rule.asks(state, lot, case, crossing - 1.0) > lot.price >= rule.asks(state, lot, case, crossing)


def test_an_auction_sells_what_lets_its_owner_stand_again_and_no_more() -> None:
    state, listing, (debtor, keeper, *_) = crashed(Dutch(penalty=0.0, buffer=0.1))
    house = state.houses[0]
    exchange.bark(state, listing, keeper, debtor)
    wait(state, 1_800.0, PRICE * 0.93)
    done = Witness(state).does(exchange.take, keeper, listing, keeper, debtor, 10**15)
    worth, needs = state.exchange(house).margin.standing(state, house, 1, debtor)
    assert 0 < done.taken < 45 * COIN
    assert worth == pytest.approx(1.1 * needs, abs=1e-3)
    assert case_of(state, listing, debtor) is None
    assert isinstance(Witness(state).does(exchange.trade, debtor, listing, debtor, -COIN), exchange.Fill)


def test_a_lot_is_taken_in_parts_but_never_so_that_dust_is_left_to_raise() -> None:
    state, listing, (debtor, keeper, other, *_) = crashed(Dutch(dust=20_000.0))
    exchange.bark(state, listing, keeper, debtor)
    wait(state, 1_800.0, PRICE * 0.93)
    plan = state.exchange(state.houses[0]).liquidation.plan(state, listing, debtor)
    assert plan is not None
    up, price = abs(plan.size), plan.price
    first = Witness(state).does(exchange.take, keeper, listing, keeper, debtor, COIN)
    assert first.taken == COIN
    second = Witness(state).does(exchange.take, other, listing, other, debtor, up - 2 * COIN)
    left = state.exchange(state.houses[0]).liquidation.plan(state, listing, debtor)
    assert left is not None
    assert second.taken < up - 2 * COIN
    assert abs(left.size) / COIN * price == pytest.approx(20_000.0, rel=1e-3)
    third = Witness(state).does(exchange.take, other, listing, other, debtor, abs(left.size) - COIN)
    assert isinstance(third, errors.NothingToDo) or third.taken < COIN
    assert isinstance(Witness(state).does(exchange.take, other, listing, other, debtor, 10**15), exchange.Liquidated)


def test_whoever_puts_up_is_paid_out_of_the_insurance_and_out_of_nothing_else() -> None:
    state, listing, (debtor, keeper, *_) = crashed(Dutch(tip=10.0, chip=0.001), insurance=100.0)
    house, notional = state.houses[0], 45 * PRICE * 0.93
    started = Witness(state).does(exchange.bark, keeper, listing, keeper, debtor)
    assert started.reward == pytest.approx((10.0 + 0.001 * notional) * CASH, abs=1)
    wait(state, 8_401.0, PRICE * 0.93)
    again = Witness(state).does(exchange.redo, keeper, listing, keeper, debtor)
    assert again.reward == 100 * CASH - started.reward
    assert (again.rounds, again.opened, again.started) == (2, 0.0, 8_401.0)
    assert state.ledger.balance[house.cash, house.insurance] == 0
    moves = state.ledger.moves_since(0)
    assert moves[moves[:, 4] == int(Reason.AUCTION), 3].sum() == 100 * CASH


def test_an_auction_stops_while_the_market_has_run_away_from_its_start() -> None:
    state, listing, (debtor, keeper, *_) = crashed(Dutch(halt=0.05))
    exchange.bark(state, listing, keeper, debtor)
    wait(state, 1_800.0, PRICE * 0.93 * 0.94)
    assert isinstance(Witness(state).does(exchange.take, keeper, listing, keeper, debtor, COIN), errors.TooEarly)
    tell(state, PRICE * 0.93 * 0.96)
    assert isinstance(Witness(state).does(exchange.take, keeper, listing, keeper, debtor, COIN), exchange.Liquidated)


def test_an_owner_whose_account_stands_again_gets_it_back_and_sooner_nobody_lifts_anything() -> None:
    state, listing, (debtor, keeper, *_) = crashed(Dutch())
    exchange.bark(state, listing, keeper, debtor)
    witness = Witness(state)
    assert isinstance(witness.does(exchange.lift, debtor, listing, debtor), errors.UnderMargined)
    exchange.deposit(state, state.houses[0], debtor, 50_000 * CASH)
    assert isinstance(witness.does(exchange.take, keeper, listing, keeper, debtor, COIN), errors.Healthy)
    assert isinstance(witness.does(exchange.lift, debtor, listing, debtor), exchange.Lifted)
    assert isinstance(witness.does(exchange.trade, debtor, listing, debtor, -COIN), exchange.Fill)


def test_an_owner_who_stands_again_is_free_at_its_next_order() -> None:
    state, listing, (debtor, keeper, *_) = crashed(Dutch())
    exchange.bark(state, listing, keeper, debtor)
    witness = Witness(state)
    assert isinstance(witness.does(exchange.trade, debtor, listing, debtor, -COIN), errors.InAuction)
    tell(state, PRICE)
    assert isinstance(witness.does(exchange.trade, debtor, listing, debtor, -COIN), exchange.Fill)
    assert case_of(state, listing, debtor) is None


def test_orders_of_whoever_is_put_up_leave_the_book() -> None:
    state, listing, (debtor, keeper, *_) = crashed(Dutch(), move=0.0)
    book = state.listings[0][2]
    exchange.post(state, book, debtor, COIN // 100, PRICE - 5)
    tell(state, PRICE * 0.93)
    exchange.bark(state, listing, keeper, debtor)
    assert len(state.tables[book.path + ".book"]) == 0


def test_nobody_takes_its_own_position_nor_more_than_it_can_carry() -> None:
    state, listing, (debtor, keeper, *_) = crashed(Dutch())
    exchange.bark(state, listing, keeper, debtor)
    wait(state, 1_800.0, PRICE * 0.93)
    poor = state.ledger.open("poor")
    witness = Witness(state)
    assert isinstance(witness.does(exchange.take, debtor, listing, debtor, debtor, COIN), errors.NotAllowed)
    assert isinstance(witness.does(exchange.take, poor, listing, poor, debtor, 10**15), errors.UnderMargined)


# ---------------------------------------------------------------------- solvent, then insolvent


def test_derive_falls_to_four_fifths_in_ten_minutes_and_to_nothing_in_two_hours_more() -> None:
    ends = [kept_share(t, 1.0, 0.8, 600.0, 7_200.0) for t in (0.0, 300.0, 600.0, 4_200.0, 7_800.0, 9_000.0)]
    assert ends == pytest.approx([1.0, 0.9, 0.8, 0.4, 0.0, 0.0], abs=1e-12)


def test_derive_pays_up_to_a_requirement_beyond_bankruptcy_in_ten_minutes() -> None:
    """From the debt (-100) to equity less requirement (-100 - 300), linearly; from zero for one that is solvent."""
    assert [insolvent_bid(t, -100.0, 300.0, 600.0) for t in (0.0, 300.0, 600.0, 900.0)] == [-100, -250, -400, -400]
    assert insolvent_bid(300.0, 50.0, 300.0, 600.0) == -125.0


@pytest.mark.parametrize("elapsed", [0.0, 300.0, 600.0, 4_200.0])
def test_derive_sells_its_published_greatest_proportion(elapsed: float) -> None:
    """f = BM / (BM - MtM d), with BM = MM + buffer (MM - MtM) and MM equity less requirement. DutchAuction.sol."""
    state, listing, (debtor, keeper, *_) = crashed(Staged(buffer=0.1))
    exchange.bark(state, listing, keeper, debtor)
    wait(state, elapsed, PRICE * 0.93)
    worth, needs = state.exchange(state.houses[0]).margin.standing(state, state.houses[0], 1, debtor)
    maintenance = worth - needs
    buffered = maintenance + 0.1 * (maintenance - worth)
    kept = kept_share(elapsed, 1.0, 0.8, 600.0, 7_200.0)
    plan = state.exchange(state.houses[0]).liquidation.plan(state, listing, debtor)
    assert plan is not None
    assert -plan.size / (45 * COIN) == pytest.approx(buffered / (buffered - worth * kept), rel=1e-6)


@pytest.mark.parametrize("side", [1, -1])
def test_an_insolvent_lot_goes_to_whoever_is_paid_enough_and_the_insurance_pays(side: int) -> None:
    state, listing, (debtor, keeper, *_) = crashed(Staged(), move=0.15, side=side, insurance=100_000.0)
    house, index = state.houses[0], PRICE * (1 - side * 0.15)
    worth, needs = state.exchange(house).margin.standing(state, house, 1, debtor)
    assert worth < 0
    exchange.bark(state, listing, keeper, debtor)
    wait(state, 300.0, index)
    was = state.exchange(house).margin.standing(state, house, 1, keeper)[0]
    done = Witness(state).does(exchange.take, keeper, listing, keeper, debtor, 10**15)
    assert done.deficit / CASH == pytest.approx(-worth + needs / 2, abs=0.01)
    assert done.covered == (("Insurance", done.deficit),)
    assert state.exchange(house).margin.standing(state, house, 1, keeper)[0] - was == pytest.approx(needs / 2, abs=0.01)


def test_a_solvent_round_whose_equity_is_gone_starts_anew_as_an_insolvent_one() -> None:
    state, listing, (debtor, keeper, *_) = crashed(Staged())
    witness = Witness(state)
    witness.does(exchange.bark, keeper, listing, keeper, debtor)
    wait(state, 60.0, PRICE * 0.93)
    assert isinstance(witness.does(exchange.redo, keeper, listing, keeper, debtor), errors.TooEarly)
    wait(state, 60.0, PRICE * 0.85)
    assert isinstance(witness.does(exchange.take, keeper, listing, keeper, debtor, COIN), errors.AuctionStale)
    assert witness.does(exchange.redo, keeper, listing, keeper, debtor).rounds == 2
    done = witness.does(exchange.take, keeper, listing, keeper, debtor, 10**15)
    assert done.taken == 45 * COIN


# ---------------------------------------------------------------------- English


def bidding(**changes: Any) -> tuple[State, Listing, list[int], Witness]:
    state, listing, traders = crashed(English(**changes))
    witness = Witness(state)
    witness.does(exchange.bark, traders[1], listing, traders[1], traders[0])
    return state, listing, traders, witness


def test_bids_rise_the_outbid_get_theirs_back_and_the_last_one_wins() -> None:
    state, listing, (debtor, first, second, third), witness = bidding()
    house, cash = state.houses[0], state.houses[0].cash
    had = {who: int(state.ledger.balance[cash, who]) for who in (first, second)}
    one = witness.does(exchange.bid, first, listing, first, debtor, 1_500.0)
    assert state.ledger.balance[cash, first] == had[first] - one.held
    assert one.held == math.ceil(45 * PRICE * 0.93 * 0.1 * CASH)  # a tenth of the lot is initial margin
    wait(state, 300.0, PRICE * 0.93)
    two = witness.does(exchange.bid, second, listing, second, debtor, 1_800.0)
    assert (two.outbid, two.ends) == (first, 900.0)
    assert state.ledger.balance[cash, first] == had[first]
    wait(state, 600.0, PRICE * 0.93)
    assert isinstance(witness.does(exchange.bid, first, listing, first, debtor, 1_900.0), errors.NoAuction)
    done = witness.does(exchange.deal, third, listing, third, debtor)
    assert (done.taker, done.price, done.taken, done.opened) == (second, 1_800.0, 45 * COIN, 0.0)
    assert state.ledger.balance[listing.size, second] == 45 * COIN
    assert state.ledger.balance[cash, house.escrow] == 0


@pytest.mark.parametrize("side", [1, -1])
def test_a_lone_bidder_wins_with_a_zero_bid_and_the_waterfall_pays_for_the_whole_position(side: int) -> None:
    """12 March 2020: lots of MakerDAO went for zero bids, because nobody else was served in time."""
    state, listing, (debtor, lone, *_) = crashed(English(), side=side)
    witness, index = Witness(state), PRICE * (1 - side * 0.07)
    worth = state.exchange(state.houses[0]).margin.standing(state, state.houses[0], 1, debtor)[0]
    witness.does(exchange.bark, lone, listing, lone, debtor)
    witness.does(exchange.bid, lone, listing, lone, debtor, 0.0 if side > 0 else 2.0 * index)
    wait(state, 600.0, index)
    done = witness.does(exchange.deal, lone, listing, lone, debtor)
    assert done.deficit / CASH == pytest.approx(45 * index - worth, rel=1e-6)
    assert sum(paid for _, paid in done.covered) == done.deficit
    assert state.ledger.balance[listing.size, lone] == side * 45 * COIN


def test_a_floor_keeps_bids_of_nothing_out() -> None:
    _, listing, (debtor, lone, *_), witness = bidding(floor=0.8)
    assert isinstance(witness.does(exchange.bid, lone, listing, lone, debtor, 0.0), errors.BidTooLow)
    assert isinstance(witness.does(exchange.bid, lone, listing, lone, debtor, 0.8 * PRICE * 0.93), exchange.Bidden)


def test_a_bid_without_the_money_is_no_bid_nor_is_the_owners() -> None:
    state, listing, (debtor, *_), witness = bidding()
    poor = state.ledger.open("poor")
    assert isinstance(witness.does(exchange.bid, poor, listing, poor, debtor, 100.0), errors.UnderMargined)
    assert isinstance(witness.does(exchange.bid, debtor, listing, debtor, debtor, 100.0), errors.NotAllowed)


def test_a_winner_who_cannot_carry_the_lot_loses_what_it_locked_and_no_more() -> None:
    state, listing, (debtor, winner, other, *_), witness = bidding()
    house = state.houses[0]
    made = witness.does(exchange.bid, winner, listing, winner, debtor, 1_850.0)
    witness.does(exchange.withdraw, winner, house, winner, int(state.ledger.balance[house.cash, winner]))
    insured = int(state.ledger.balance[house.cash, house.insurance])
    wait(state, 600.0, PRICE * 0.9)
    lost = witness.does(exchange.deal, other, listing, other, debtor)
    assert isinstance(lost, exchange.Forfeited)
    assert lost.held == made.held == state.ledger.balance[house.cash, house.insurance] - insured
    case = case_of(state, listing, debtor)
    assert case is not None
    assert (case.rounds, case.bidder, case.started, case.opened) == (2, -1, 600.0, 0.0)


def test_a_round_without_bids_is_started_anew_and_one_that_recovers_gives_the_bid_back() -> None:
    state, listing, (debtor, first, *_), witness = bidding(ttl=60.0, tau=60.0)
    wait(state, 60.0, PRICE * 0.93)
    assert isinstance(witness.does(exchange.bid, first, listing, first, debtor, 1_000.0), errors.NoAuction)
    assert isinstance(witness.does(exchange.deal, first, listing, first, debtor), errors.TooEarly)
    assert witness.does(exchange.redo, first, listing, first, debtor).rounds == 2
    had = int(state.ledger.balance[state.houses[0].cash, first])
    witness.does(exchange.bid, first, listing, first, debtor, 1_000.0)
    tell(state, PRICE)
    assert isinstance(witness.does(exchange.deal, first, listing, first, debtor), errors.Healthy)
    witness.does(exchange.lift, debtor, listing, debtor)
    assert state.ledger.balance[state.houses[0].cash, first] == had


def test_whoever_may_not_hold_the_lot_may_not_bid_and_a_winner_who_may_no_longer_loses_what_it_locked() -> None:
    market = market_for(OraclePool(), access=Credentialed("PASS"))
    rules = exchange_for(OraclePool(), liquidation=English(), markets=(market,))
    state, (debtor, winner, other, stranger) = open_world(rules)
    house, listing, authority = state.houses[0], state.listings[0][0], state.ledger.open("authority")
    exchange.authorise(state, "PASS", authority)
    for who in (debtor, winner, other):
        exchange.grant(state, authority, "PASS", who)
    exchange.withdraw(state, house, debtor, 90_000 * CASH)
    exchange.trade(state, listing, debtor, 45 * COIN)
    tell(state, PRICE * 0.93)
    witness = Witness(state)
    witness.does(exchange.bark, other, listing, other, debtor)
    barred = witness.does(exchange.bid, stranger, listing, stranger, debtor, 1_800.0)
    assert isinstance(barred, errors.NotAdmitted)
    made = witness.does(exchange.bid, winner, listing, winner, debtor, 1_800.0)
    exchange.revoke(state, authority, "PASS", winner)
    wait(state, 600.0, PRICE * 0.93)
    lost = witness.does(exchange.deal, other, listing, other, debtor)
    assert isinstance(lost, exchange.Forfeited) and lost.held == made.held
    witness.does(exchange.bid, other, listing, other, debtor, 1_700.0)
    wait(state, 600.0, PRICE * 0.93)
    assert witness.does(exchange.deal, stranger, listing, stranger, debtor).taker == other


# ---------------------------------------------------------------------- contracts that end, and what derives from the index


def dated(rule: Liquidation, instrument: Instrument, size: int) -> tuple[State, Listing, list[int], Witness]:
    """The first trader holds `size` coins of a dated contract, and the least cash beyond its maintenance."""
    markets = (
        Market(name="PERP", oracle=Told(max_age=math.inf), venue=OraclePool(), funding=Unfunded()),
        Market(name="DATED", instrument=instrument, venue=OraclePool(), funding=Unfunded(), index="PERP"),
    )
    rules = Exchange(markets=markets, vault=Vault(), surfaces=(Surface(),), liquidation=rule)
    state, traders = open_world(rules)
    house, listing = state.houses[0], state.listings[0][1]
    exchange.trade(state, listing, traders[0], size * COIN)
    spare_all_but(state, house, traders[0], 500.0)
    return state, listing, traders, Witness(state)


def spare_all_but(state: State, house: House, account: int, coins: float) -> None:
    """Leave an account so many cash coins above its maintenance, as losses elsewhere would."""
    worth, needs = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, account)
    units = int((worth - needs - coins) * CASH)
    state.ledger.move(house.cash, account, house.insurance, units, Reason.PENALTY)


def test_a_short_call_is_auctioned_and_cleared_after_its_mark_has_tripled_under_bids() -> None:
    call = Option(strike=2_400.0, expiry=10 * 86_400.0)
    state, listing, (debtor, keeper, *_), witness = dated(English(ttl=60.0), call, -100)
    first = read_mark(state, listing).value
    tell(state, PRICE * 1.02)
    witness.does(exchange.bark, keeper, listing, keeper, debtor)
    tell(state, PRICE * 1.09)
    mark = read_mark(state, listing).value
    assert mark > 3.0 * first
    witness.does(exchange.bid, keeper, listing, keeper, debtor, 1.05 * mark)
    wait(state, 60.0, PRICE * 1.09)
    done = witness.does(exchange.deal, keeper, listing, keeper, debtor)
    assert (done.taken, done.price) == (100 * COIN, 1.05 * mark)
    assert state.ledger.balance[listing.size, debtor] == 0


def test_a_short_call_is_auctioned_and_cleared_after_its_mark_has_tripled_at_a_falling_price() -> None:
    call = Option(strike=2_400.0, expiry=10 * 86_400.0)
    state, listing, (debtor, keeper, *_), witness = dated(Dutch(), call, -100)
    first = read_mark(state, listing).value
    tell(state, PRICE * 1.02)
    witness.does(exchange.bark, keeper, listing, keeper, debtor)
    asked = []
    while state.time < 8_000.0:
        wait(state, 600.0, PRICE * 1.09)
        mark = read_mark(state, listing).value
        assert mark > 3.0 * first
        plan = state.exchange(listing.house).liquidation.plan(state, listing, debtor)
        assert plan is not None
        asked.append(plan.price)
        if plan.price >= mark:  # whoever takes the short over is paid for it
            break
    done = witness.does(exchange.take, keeper, listing, keeper, debtor, 100 * COIN, mark)
    assert asked == sorted(asked) and len(asked) > 1
    assert done.taken > 0 and done.price == asked[-1] >= mark
    assert case_of(state, listing, debtor) is None


@pytest.mark.parametrize("rule", [Dutch(), English(), Staged()], ids=lambda rule: type(rule).__name__)
def test_what_is_worth_nothing_is_not_put_up(rule: Liquidation) -> None:
    put = Option(right="put", strike=100.0, expiry=86_400.0)
    state, listing, (debtor, keeper, *_), witness = dated(rule, put, 1)
    perpetual = state.listings[0][0]
    exchange.deposit(state, state.houses[0], debtor, 100_000 * CASH)
    exchange.trade(state, perpetual, debtor, 100 * COIN)
    spare_all_but(state, state.houses[0], debtor, 500.0)
    tell(state, PRICE * 0.98)
    assert read_mark(state, listing).value == 0.0
    assert isinstance(witness.does(exchange.bark, keeper, listing, keeper, debtor), errors.NothingToDo)
    assert isinstance(witness.does(exchange.bark, keeper, perpetual, keeper, debtor), exchange.Started)


def test_a_round_whose_contract_has_become_worth_nothing_is_not_started_anew() -> None:
    put = Option(right="put", strike=1_800.0, expiry=86_400.0)
    state, listing, (debtor, keeper, *_), witness = dated(Dutch(), put, 1)
    exchange.deposit(state, state.houses[0], debtor, 100_000 * CASH)
    exchange.trade(state, state.listings[0][0], debtor, -100 * COIN)
    spare_all_but(state, state.houses[0], debtor, 500.0)
    tell(state, PRICE * 1.02)
    witness.does(exchange.bark, keeper, listing, keeper, debtor)
    wait(state, 80_000.0, PRICE * 4.0)
    assert read_mark(state, listing).value == 0.0
    assert isinstance(witness.does(exchange.redo, keeper, listing, keeper, debtor), errors.TooEarly)
    assert isinstance(witness.does(exchange.take, keeper, listing, keeper, debtor, COIN), errors.AuctionStale)


def test_no_deal_after_expiry_and_settlement_gives_the_bid_back() -> None:
    future = Future(expiry=1_000.0, window=100.0)
    state, listing, (debtor, winner, *_), witness = dated(English(ttl=50.0), future, 40)
    state.time = 940.0
    tell(state, PRICE * 0.98)
    exchange.close_block(state)
    had = int(state.ledger.balance[listing.house.cash, winner])
    witness.does(exchange.bark, winner, listing, winner, debtor)
    witness.does(exchange.bid, winner, listing, winner, debtor, 1_500.0)
    wait(state, 72.0, PRICE * 0.98)
    assert isinstance(witness.does(exchange.deal, winner, listing, winner, debtor), errors.Expired)
    exchange.close_block(state)
    assert case_of(state, listing, debtor) is None
    assert state.ledger.balance[listing.house.cash, listing.house.escrow] == 0
    assert state.ledger.balance[listing.house.cash, winner] >= had  # and what it was paid for putting up


# ---------------------------------------------------------------------- grace, routes, backstop


def test_the_first_step_is_warned_and_waits_while_a_deeper_one_does_not() -> None:
    rule = Graded(grace=60.0, window=100.0)
    state, listing, (debtor, keeper, *_) = crashed(rule, move=0.066)
    witness = Witness(state)
    assert isinstance(witness.does(exchange.liquidate, keeper, listing, keeper, debtor), errors.TooEarly)
    witness.does(exchange.bark, keeper, listing, keeper, debtor)
    assert isinstance(witness.does(exchange.trade, debtor, listing, debtor, -COIN), exchange.Fill)  # the owner may act
    wait(state, 161.0, PRICE * 0.934)
    assert isinstance(witness.does(exchange.liquidate, keeper, listing, keeper, debtor), errors.TooEarly)
    assert witness.does(exchange.redo, keeper, listing, keeper, debtor).rounds == 2
    wait(state, 60.0, PRICE * 0.934)
    done = witness.does(exchange.liquidate, keeper, listing, keeper, debtor)
    assert done.size == -int(44 * COIN * 0.25)
    assert (done.opened, done.started) == (0.0, 161.0)

    state, listing, (debtor, keeper, *_) = crashed(rule, move=0.09)
    done = Witness(state).does(exchange.liquidate, keeper, listing, keeper, debtor)
    assert done.size == -int(45 * COIN * 0.5)
    assert math.isnan(done.opened)


@pytest.mark.parametrize("move", [0.066, 0.08, 0.095, 0.2])
def test_the_worse_it_stands_the_more_may_be_closed(move: float) -> None:
    state, listing, (debtor, *_) = crashed(Graded(grace=0.0), move=move)
    worth, needs = state.exchange(state.houses[0]).margin.standing(state, state.houses[0], 1, debtor)
    close = 0.25 if worth / needs >= 0.6 else 0.5 if worth / needs >= 0.25 else 1.0
    plan = state.exchange(state.houses[0]).liquidation.plan(state, listing, debtor)
    assert plan is not None
    assert plan.size == -int(45 * COIN * close)


def test_a_keeper_chooses_the_way_and_no_other_than_there_are() -> None:
    rule = Graded(grace=0.0, routes=(ThroughVenue(), AtOracle(0.01), ToBackstop()))
    sizes = []
    for way in range(3):
        state, listing, (debtor, keeper, *_) = crashed(rule, move=0.09)
        witness, vault = Witness(state), state.houses[0].vault
        held = int(state.ledger.balance[listing.size, vault])
        done = witness.does(exchange.liquidate, keeper, listing, keeper, debtor, way)
        sizes.append((int(state.ledger.balance[listing.size, keeper]), done.taker))
        assert state.ledger.balance[listing.size, vault] - held in (0, -done.size)
        assert isinstance(
            witness.does(exchange.liquidate, keeper, listing, keeper, debtor, 3), errors.NothingToDo | errors.Healthy
        )
    assert sizes == [(0, -1), (45 * COIN // 2, keeper), (0, vault)]


@pytest.mark.parametrize("market", [0, 1, 2])
def test_the_vault_takes_over_whoever_is_too_far_below_and_keeps_what_is_left(market: int) -> None:
    """Below two thirds of maintenance the position goes at bankruptcy: the owner keeps nothing, the vault what there was."""
    state, traders = open_world(
        exchange_for(OraclePool(), VirtualAmm(), OrderBook(), liquidation=Backstop(route=ToBackstop(reward=0.0))),
        stake=10_000,
    )
    house, listing = state.houses[0], state.listings[0][market]
    debtor, keeper = traders[:2]
    exchange.deposit(state, house, keeper, 500_000 * CASH)
    quote_book(state, listing, [keeper], size=9 * COIN)
    exchange.trade(state, listing, debtor, 40 * COIN)
    worth, _ = state.exchange(house).margin.standing(state, house, 1, debtor)
    tell(state, (40 * PRICE - worth) / (40 * (1 - 0.4 * 0.05)))  # where equity is two fifths of maintenance
    worth, needs = state.exchange(house).margin.standing(state, house, 1, debtor)
    assert worth == pytest.approx(0.4 * needs)
    vault = state.exchange(house).margin.standing(state, house, 1, house.vault)[0]
    done = Witness(state).does(exchange.liquidate, keeper, listing, keeper, debtor)
    assert (done.taker, done.taken) == (house.vault, 40 * COIN)
    assert state.ledger.balance[house.cash, debtor] == pytest.approx(0, abs=10)
    after = state.exchange(house).margin.standing(state, house, 1, house.vault)[0]
    assert after - vault == pytest.approx(worth, abs=1e-3)


def test_above_the_step_the_inner_rule_acts_until_time_is_up() -> None:
    state, listing, (debtor, keeper, *_) = crashed(Backstop(inner=Dutch(), after=900.0), move=0.066)
    witness = Witness(state)
    witness.does(exchange.bark, keeper, listing, keeper, debtor)
    wait(state, 899.0, PRICE * 0.934)
    assert isinstance(witness.does(exchange.liquidate, keeper, listing, keeper, debtor), errors.InAuction)
    wait(state, 1.0, PRICE * 0.934)
    done = witness.does(exchange.liquidate, keeper, listing, keeper, debtor)
    assert (done.taker, done.opened) == (state.houses[0].vault, 0.0)
    assert case_of(state, listing, debtor) is None


def test_a_named_account_may_be_the_backstop_and_one_that_cannot_carry_it_is_passed_over() -> None:
    rule = Backstop(route=ToBackstop(account="traders"))
    state, listing, (rescuer, keeper, *_) = crashed(rule, move=0.0)
    late = state.ledger.open("late")
    state.ledger.move(state.houses[0].token, 0, late, 10_000 * CASH, Reason.GENESIS)
    exchange.deposit(state, state.houses[0], late, 10_000 * CASH)
    exchange.trade(state, listing, late, 45 * COIN)
    exchange.trade(state, listing, rescuer, -45 * COIN)
    exchange.deposit(state, state.houses[0], rescuer, 100_000 * CASH)
    tell(state, PRICE * 0.92)
    mark = state.mark()
    done = Witness(state).does(exchange.liquidate, keeper, listing, keeper, late)
    assert done.taker == rescuer
    state.rewind(mark)
    exchange.withdraw(state, state.houses[0], rescuer, 105_000 * CASH)
    done = Witness(state).does(exchange.liquidate, keeper, listing, keeper, late)
    assert done.taker == -1  # sold on the venue, as the inner rule has it


def test_a_backstop_without_a_vault_is_no_exchange() -> None:
    with pytest.raises(ValueError, match="liquidation = Backstop: needs a vault"):
        replace(exchange_for(VirtualAmm()), liquidation=Backstop())
    replace(exchange_for(VirtualAmm()), liquidation=Backstop(inner=Full(), route=ToBackstop(account="rescuers")))


def test_part_to_restore_is_the_smallest_that_does() -> None:
    state, listing, (debtor, *_) = crashed(Dutch(), move=0.08)
    lot = lot_of(state, listing, debtor)
    assert lot is not None
    for price in (lot.price, lot.price * 0.995):
        part = part_to_restore(state, lot, price, 0.005, 0.1)
        coins, size = part / COIN, 45 - part / COIN
        worth = lot.worth - coins * (lot.price - price + 0.005 * price)
        assert worth == pytest.approx(1.1 * 0.05 * size * lot.price, abs=1e-4)
    assert part_to_restore(state, lot, lot.price * 0.8, 0.005, 0.1) == 45 * COIN  # nothing helps: all of it
