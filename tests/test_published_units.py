"""The formulas give the numbers that venues and papers publish for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, exchange_for, market_for, only, open_world, tell

from experiments.validation.perpetual_rules import close_at, listed
from experiments.validation.skew_rules import sip_279
from protocol import exchange
from protocol.funding.adaptive import Adaptive, adapted
from protocol.funding.averaged import AveragedPremium
from protocol.funding.imbalance import sides
from protocol.funding.premium import premium_rate
from protocol.funding.skew import skew_rate
from protocol.funding.twap_gap import TwapGap, gap_rate
from protocol.funding.velocity import velocity_rate
from protocol.losses.base import pro_rata
from protocol.losses.socialise import Socialise
from protocol.margins.base import Threshold
from protocol.venues.constant_product import ConstantProduct, amount_in, amount_out
from protocol.venues.impact_pool import impact
from protocol.venues.oracle_pool import OraclePool, fill_price
from protocol.venues.synth_pool import Gauge, SynthPool, dynamic_fee, owing

BP = 1e-4
DAY = 86_400.0


@pytest.mark.parametrize(("premium", "funding"), [(0, 1), (3, 1), (10, 5), (-20, -15)])
def test_binance_funding_is_the_premium_clamped_around_one_basis_point(premium: float, funding: float) -> None:
    """F = P + clamp(1 bp - P, +-5 bp) over 8 h."""
    assert premium_rate(premium * BP, 1 * BP, 5 * BP) == pytest.approx(funding * BP, abs=1e-15)


@pytest.mark.parametrize(
    ("premium", "funding"), [(-6.91, -3.91), (-2.81, 0.19), (-9.13, -6.13), (-2.14, 0.86), (-17.82, -14.82)]
)
def test_hyperliquid_rows_of_may_2023_obey_the_rule_with_three_basis_points(premium: float, funding: float) -> None:
    """APE, ARB, BTC, ETH and INJ on 12 May 2023, in basis points per 8 h."""
    assert premium_rate(premium * BP, 1 * BP, 3 * BP) == pytest.approx(funding * BP, abs=1e-12)


def test_sip_80_takes_a_tenth_a_day_from_a_side_that_fills_the_scale() -> None:
    assert skew_rate(100.0, 100.0, 0.1) == 0.1
    assert skew_rate(-100.0, 100.0, 0.1) == -0.1
    assert skew_rate(-250.0, 100.0, 0.1) == -0.1
    assert skew_rate(25.0, 100.0, 0.1) == 0.025


@pytest.mark.parametrize(("skew", "size"), [(0, 100), (100, 100), (100, -250), (-40, 7)])
def test_a_pool_fills_at_the_formula_that_the_recorded_contract_is_held_against(skew: int, size: int) -> None:
    state = sip_279()
    _, listing = only(state)
    trader = state.ledger.accounts - 1
    if skew:
        exchange.trade(state, listing, trader, skew * COIN)
    owed = exchange.trade(state, listing, trader, size * COIN).owed / CASH
    assert owed / size == pytest.approx(fill_price(2_000.0, float(skew), float(size), 1e6, 1.0), abs=2e-7)
    one = 10**18
    exact = fill_price(2_000 * one, skew * one, size * one, 10**6 * one, one)
    assert exact / one == pytest.approx(owed / size, abs=2e-7)


def test_sip_279_costs_the_same_whole_or_in_a_thousand_slices() -> None:
    state = sip_279()
    _, listing = only(state)
    venue = state.market(listing).venue
    whole = venue.cost(state, listing, np.array([200 * COIN]))[0]
    slices = venue.cost(state, listing, np.full(1_000, COIN // 5)).sum()
    assert 0 <= slices - whole <= 1_000  # each slice is rounded up to a millionth of a dollar
    assert (slices - whole) / whole < 3e-9


def test_sip_279_rate_reaches_three_hundredths_of_a_percent_after_a_day_at_a_skew_of_100() -> None:
    assert velocity_rate(0.0, 100.0, 1e6, 3.0, 1.0, 1.0) == pytest.approx(0.0003, rel=1e-12)


@pytest.mark.parametrize("blocks", [1, 2, 97, 1_440])
def test_sip_279_pays_thirty_dollars_over_that_day_whatever_the_block_times(blocks: int) -> None:
    state = sip_279()
    _, listing = only(state)
    trader = state.ledger.accounts - 1
    exchange.trade(state, listing, trader, 100 * COIN)
    exchange.close_block(state)
    for share in np.sort(np.append(np.random.Generator(np.random.Philox(blocks)).random(blocks - 1), 1.0)):
        close_at(state, DAY * share)
    index, rate, _ = state.tables[listing.path + ".funding"]
    assert rate * DAY == pytest.approx(0.0003, abs=1e-12)
    assert index * 100 == pytest.approx(30.0, abs=1e-9)


def test_sip_279_leaves_the_counterparty_nothing_over_a_closed_cycle_of_the_skew() -> None:
    """Skew 100 for a day, then -100 for a day: the rate is back at nought, and so is what the vault was paid."""
    state = sip_279()
    _, listing = only(state)
    trader = state.ledger.accounts - 1
    vault = listing.desk
    for day, size in ((0, 100), (1, -200), (2, 100)):
        exchange.trade(state, listing, trader, size * COIN)
        exchange.close_block(state)
        for hour in range(1, 25 if day < 2 else 1):
            close_at(state, DAY * day + 3_600.0 * hour)
    index, rate, _ = state.tables[listing.path + ".funding"]
    assert rate == pytest.approx(0.0, abs=1e-18)
    assert state.ledger.balance[listing.size, vault] == 0
    paid = int(state.ledger.balance[listing.funding, vault])
    assert index * 100 == pytest.approx(60.0, abs=1e-9)  # longs paid 30 for 100 coins, then shorts received 30
    assert abs(paid) <= 3  # units: each trade is rounded down once


# ---------------------------------------------------------------------- other venues' funding


@pytest.mark.parametrize(
    ("premium", "funding"), [(-6.91, -3.91), (-2.81, 0.19), (-9.13, -6.13), (-2.14, 0.86), (-17.82, -14.82)]
)
def test_hyperliquid_pays_hourly_an_eighth_of_the_mean_premium_clamped(premium: float, funding: float) -> None:
    state, listing = listed(AveragedPremium(band=3 * BP), premium * BP)
    for second in range(5, 3_600, 5):
        close_at(state, float(second))
        assert state.tables[listing.path + ".funding"][1] == 0.0  # nothing is set before the hour is full
    close_at(state, 3_600.0)
    close_at(state, 5_400.0)  # and then it stands for an hour
    close_at(state, 7_199.0)
    index, rate, _ = state.tables[listing.path + ".funding"]
    assert rate * 28_800.0 == pytest.approx(funding * BP, abs=1e-9)
    assert index / PRICE == pytest.approx(funding * BP / 8.0 * 3_599.0 / 3_600.0, abs=1e-9)


@pytest.mark.parametrize(("premium", "funding"), [(0, 1), (3, 1), (10, 5), (-20, -15)])
def test_a_market_funded_like_binances_pays_that_over_eight_hours(premium: float, funding: float) -> None:
    state, listing = listed(AveragedPremium(interval=28_800.0), premium * BP)
    close_at(state, 28_800.0)
    close_at(state, 57_600.0)
    index, rate, _ = state.tables[listing.path + ".funding"]
    assert rate * 28_800.0 == pytest.approx(funding * BP, abs=1e-9)
    assert index / PRICE == pytest.approx(funding * BP, abs=1e-9)


def test_hyperliquid_takes_no_more_than_four_percent_an_hour() -> None:
    state, listing = listed(AveragedPremium(), premium=0.9)
    close_at(state, 3_600.0)
    assert state.tables[listing.path + ".funding"][1] * 3_600.0 == pytest.approx(0.04, abs=1e-12)


@pytest.mark.parametrize(("premium", "share"), [(0.01, 0.01), (-0.02, -0.02), (0.2, 0.05), (-0.2, -0.05)])
def test_mango_pays_a_24th_an_hour_of_the_gap_of_means_and_bounds_it_at_five_percent(
    premium: float, share: float
) -> None:
    assert gap_rate(PRICE * (1 + premium), PRICE, 0.05) == pytest.approx(share, abs=1e-12)
    state, listing = listed(TwapGap(), premium)
    close_at(state, 3_600.0)
    assert state.tables[listing.path + ".funding"][1] * 3_600.0 == pytest.approx(share / 24.0, abs=1e-9)


def test_gmx_v2_takes_from_the_larger_side_by_imbalance_and_gives_all_to_the_smaller() -> None:
    """Factor 1/50,000 a second, 150,000 against 50,000: longs pay 1e-5, shorts receive 3e-5, and the other way round."""
    assert sides(150_000.0, 50_000.0, 1 / 50_000, 1.0) == pytest.approx((1e-5, -3e-5), abs=1e-15)
    assert sides(50_000.0, 150_000.0, 1 / 50_000, 1.0) == pytest.approx((-3e-5, 1e-5), abs=1e-15)
    assert sides(7.0, 7.0, 1 / 50_000, 1.0) == (0.0, 0.0)
    assert sides(9.0, 0.0, 1 / 50_000, 1.0) == (1 / 50_000, 0.0)


@pytest.mark.parametrize(
    ("rate", "long", "short", "change"),
    [(1e-6, 53.0, 47.0, 3.6e-5), (1e-6, 52.0, 48.0, 0.0), (2e-5, 51.0, 49.0, -1.2e-5), (1e-6, 49.5, 50.5, -6e-6)],
)
def test_gmx_v2_adaptive_rate_grows_rests_fades_and_turns(
    rate: float, long: float, short: float, change: float
) -> None:
    """Over 600 s at 1e-6 a second and 2e-8 of decay: +.0036 % at a lean of 6 %, 0 at 4 %, -.0012 % at 2 %, -.0006 % against."""
    rule = Adaptive(increase=1e-6, decrease=2e-8, most=1.0)
    assert adapted(rate, long, short, 600.0, rule) - rate == pytest.approx(change, abs=1e-15)


# ---------------------------------------------------------------------- oracle-priced pools


@pytest.mark.parametrize(("before", "after", "paid"), [(0.0, 50_000.0, -500.0), (50_000.0, 25_000.0, 375.0)])
def test_gmx_v2_charges_for_imbalance_and_pays_for_balance(before: float, after: float, paid: float) -> None:
    """Exponent 2, k = .01 / 50,000: 0 to 50,000 costs 500; 50,000 to 25,000 is paid 375; on either side."""
    k = 0.01 / 50_000
    for side in (1.0, -1.0):
        assert impact(side * before, side * after, k, k, 2.0) == pytest.approx(paid, abs=1e-9)


def test_sip_184_fee_boosts_beyond_twice_the_threshold_and_decays_by_a_tenth() -> None:
    """1,000, 1,005, 1,008, 1,003, moves as published (50, 30, 50 bp), threshold 20 bp: 0, 10, 9 and 18.1 bp."""
    fees = [0.0]
    for change in (50 * BP, 30 * BP, 50 * BP):
        fees.append(dynamic_fee(fees[-1], change, 20 * BP, 0.9, 0.0))
    assert np.array(fees) / BP == pytest.approx([0.0, 10.0, 9.0, 18.1], abs=1e-9)


def test_sip_184_in_a_pool_follows_the_prices_themselves() -> None:
    """The published last move is rounded: from 1,008 to 1,003 are 49.603 bp, and the fee is 17.703."""
    rules = market_for(SynthPool(threshold=20 * BP, decay=0.9))
    state, _ = open_world(exchange_for(markets=(rules,), vault=exchange_for(OraclePool()).vault))
    _, listing = only(state)
    fees = []
    for round_, price in enumerate((1_000.0, 1_005.0, 1_008.0, 1_003.0)):
        state.time = 60.0 * round_
        if round_ == 0:
            state.put(listing.path + ".gauge", Gauge(price, 0.0, 0.0))
        tell(state, price)
        exchange.close_block(state)
        fees.append(state.tables[listing.path + ".gauge"].fee / BP)
    assert fees == pytest.approx([0.0, 10.0, 9.0, 8.1 + (5 / 1_008 * 1e4 - 40)], abs=1e-9)


@pytest.mark.parametrize(
    ("amount", "rates", "owed"),
    [(100.0, (1.0, 100.0, 1.0, 105.0), 0.04747619048), (100.0, (100.0, 10_000.0, 105.0, 10_000.0), -0.04985)],
)
def test_sip_37_reclaims_profit_made_before_an_update_and_rebates_loss(
    amount: float, rates: tuple[float, ...], owed: float
) -> None:
    """100 sUSD into sETH at 100, then 105: .04747619048 sETH owing; 100 sETH into sBTC: a rebate of .04985 sBTC. Fee 30 bp."""
    assert owing(amount, 0.003, *rates) == pytest.approx(owed, abs=1e-9)


@pytest.mark.parametrize("later", [105.0, 95.0])
@pytest.mark.parametrize("size", [COIN, -COIN])
def test_sip_37_in_a_pool_leaves_a_trader_where_a_fill_at_the_later_index_would_have(size: int, later: float) -> None:
    rules = market_for(SynthPool(spread=0.0, wait=180.0, threshold=1.0), fee=0.0)
    state, (trader, *_) = open_world(exchange_for(markets=(rules,), vault=exchange_for(OraclePool()).vault))
    house, listing = only(state)
    tell(state, 100.0)
    exchange.trade(state, listing, trader, size)
    state.time = 60.0
    tell(state, later)
    exchange.close_block(state)
    cash = int(state.ledger.balance[house.cash, trader])
    state.time = 180.0
    exchange.close_block(state)
    moved = int(state.ledger.balance[house.cash, trader]) - cash
    assert -1 <= moved + size // COIN * round((later - 100.0) * CASH) <= 0  # rounded against the trader, once
    worth, _ = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, trader)
    assert worth == pytest.approx(100_000.0, abs=2e-6)


def test_who_has_left_is_asked_for_no_more_than_is_left() -> None:
    rules = market_for(SynthPool(spread=0.0, wait=180.0, threshold=1.0), fee=0.0)
    state, (trader, *_) = open_world(exchange_for(markets=(rules,), vault=exchange_for(OraclePool()).vault), stake=0)
    house, listing = only(state)
    exchange.deposit(state, house, trader, 300 * CASH)
    exchange.trade(state, listing, trader, COIN)
    exchange.trade(state, listing, trader, -COIN)
    state.put(
        listing.path + ".entries", state.tables[listing.path + ".entries"][:1]
    )  # as if only the first were recorded
    state.time = 180.0
    tell(state, 2_500.0)
    exchange.close_block(state)
    assert state.ledger.balance[house.cash, trader] == 0


# ---------------------------------------------------------------------- swaps


def test_fifty_thousand_dollars_buy_18_9932_ether_from_the_pool_of_the_textbook() -> None:
    """1,000,000 USDC against 400 ETH at 30 bp: 18.9932 ETH, and 2,755.86 after."""
    ether = amount_out(50_000 * 10**6, 1_000_000 * 10**6, 400 * 10**18, 997, 1_000)
    assert ether / 1e18 == pytest.approx(18.9932, abs=5e-5)
    assert 1_050_000 / (400 - ether / 1e18) == pytest.approx(2_755.86, abs=5e-3)
    assert amount_in(ether, 1_000_000 * 10**6, 400 * 10**18, 997, 1_000) <= 50_000 * 10**6 + 1


@pytest.mark.parametrize("pure", [amount_out, amount_in], ids=["amount_out", "amount_in"])
def test_swap_formulas_are_the_contracts_own_floor_for_floor(pure: Callable[..., int]) -> None:
    rng = np.random.Generator(np.random.Philox(3))
    for _ in range(200):
        amount, first, second = (int(x) for x in rng.integers(1, 10**9, 3))
        second += amount
        if pure is amount_out:
            fee = amount * 997
            expected = fee * second // (first * 1_000 + fee)
        else:
            expected = first * amount * 1_000 // ((second - amount) * 997) + 1
        assert pure(amount, first, second, 997, 1_000) == expected


def test_the_venue_trades_as_the_textbook_says() -> None:
    state, (trader, *_) = open_world(exchange_for(ConstantProduct(liquidity=800_000.0)))
    _, listing = only(state)  # 800,000 dollars against 400 ether
    owed = exchange.trade(state, listing, trader, 18 * COIN).owed
    assert owed == 800_000 * CASH * 18 * 1_000 // ((400 - 18) * 997) + 1


@pytest.mark.parametrize(("factor", "share"), [(1.44, -0.01639), (0.64, -0.02439)])
def test_a_provider_loses_400_dollars_on_a_hundredth_of_the_pool(factor: float, share: float) -> None:
    """Impermanent loss x0 (sqrt p - sqrt p0)^2: pool of 1,000,000 USDC and 400 ETH, price times 1.44 or 0.64."""
    before = 1_000_000.0, 400.0
    price = 2_500.0 * factor
    venue = ConstantProduct(fee=0.0)
    size = 400.0 - 400.0 / factor**0.5
    pool = np.array([before[1] * 1e8, before[0] * 1e6, 1e6])
    owed = np.empty(1)
    venue.price(pool, np.array([round(size * 1e8)]), owed)
    cash, base = pool[1] / 1e6, pool[0] / 1e8
    assert cash / base == pytest.approx(price, rel=1e-6)
    held = before[0] + before[1] * price
    loss = cash + base * price - held
    assert 0.01 * loss == pytest.approx(-400.0, rel=1e-6)
    assert loss / held == pytest.approx(share, abs=5e-6)


# ---------------------------------------------------------------------- pro rata


@pytest.mark.parametrize(("residual", "profits", "haircut"), [(150, (70, 50), 1.0), (50, (120, 60, 20), 0.25)])
def test_a_pro_rata_haircut_is_the_residual_over_what_there_is_and_never_more_than_all(
    residual: int, profits: tuple[int, ...], haircut: float
) -> None:
    """h = min(1, residual / sum of positive profits): 150/120 is 1; 50/200 is 0.25."""
    taken = min(residual, sum(profits))
    units = pro_rata(taken * CASH, np.array(profits, float))
    assert units.tolist() == [haircut * profit * CASH for profit in profits]


def test_a_socialised_loss_is_that_haircut() -> None:
    state, traders = open_world(exchange_for(OraclePool()), stake=0)
    house = state.houses[0]
    for trader, coins in zip(traders, (120, 60, 20), strict=False):
        exchange.deposit(state, house, trader, coins * CASH)
    part = Socialise().charge(state, house, traders[3], 50 * CASH)
    assert part.units.tolist() == [30 * CASH, 15 * CASH, 5 * CASH]
    everything = Socialise().charge(state, house, traders[3], 250 * CASH)
    assert everything.units.tolist() == [120 * CASH, 60 * CASH, 20 * CASH]
