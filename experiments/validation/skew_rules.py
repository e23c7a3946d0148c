"""Funding, impact and fees that follow the skew and the index, as venues publish them, charged on the machine (A4.2).

A pool leans to one side; blocks are closed as time goes by, and what is read is the funding index, what an account is worth, or
what a trader was charged. Where a published number is one of whole coins and a unit of rounding would show, the coin is dear
(`DEAR`), so that a unit is nothing beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.validation.base import Claim, Miss, exactly
from experiments.validation.bench import CASH, COIN, PRICE, exchange_for, market_for, only, open_world, tell
from experiments.validation.perpetual_rules import BP, HOUR, claim, close_at
from protocol import exchange
from protocol.funding.adaptive import Adaptive
from protocol.funding.imbalance import Imbalance
from protocol.funding.skew import Skew
from protocol.funding.velocity import Velocity
from protocol.margins.base import Threshold
from protocol.state import State
from protocol.venues.impact_pool import ImpactPool
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.synth_pool import Gauge, SynthPool
from protocol.world import Market

SUBJECT = "Funding, impact and fees by the skew"
DAY = 86_400.0
DEAR = 4e7  # cash coins a coin: 200 of them are as many units as floats still count one by one
GMX = "gmx-io/gmx-synthetics README, S27"
SIP = "Synthetix SIP-279, S28"
SIPS = "Synthetix SIP-184 and SIP-37, S28"
ONE_INDEX = (
    "a market has one index of funding here: the smaller side is paid as much a coin as the larger pays, and the rest, "
    "two thirds of it, goes to the vault, which carries the skew"
)


def pooled(market: Market, cash: int = 1_000_000) -> tuple[State, list[int]]:
    """A market on a vault, and traders with so many cash coins each, a tenth of them deposited."""
    return open_world(
        exchange_for(markets=(market,), vault=exchange_for(OraclePool()).vault), cash=cash, stake=cash // 10
    )


def sip_279(cash: int = 1_000_000) -> State:
    """A pool with a skew scale of 1,000,000 and a velocity of 3 a day."""
    return pooled(market_for(OraclePool(spread=0.0, skew_scale=1e6), funding=Velocity(1e6, 3.0), fee=0.0), cash)[0]


def dear() -> State:
    """The same, of a coin so dear that a unit of rounding is nothing beside it."""
    state = sip_279(10**10)
    tell(state, DEAR)
    return state


def fill_from(skew: int) -> float:
    """What 100 coins cost each at that skew."""
    state = sip_279()
    _, listing = only(state)
    trader = state.ledger.accounts - 1
    exchange.trade(state, listing, trader, skew * COIN)
    return exchange.trade(state, listing, trader, 100 * COIN).owed / CASH / 100


def slices() -> float:
    """What a thousand trades of .2 coins cost beyond one of 200, relative."""
    paid = []
    for count in (1, 1_000):
        state = dear()
        _, listing = only(state)
        trader = state.ledger.accounts - 1
        paid.append(sum(exchange.trade(state, listing, trader, 200 * COIN // count).owed for _ in range(count)))
    return (paid[1] - paid[0]) / paid[0]


def paid_in_a_day() -> float:
    """What 100 coins long pay in a day, in blocks of an hour."""
    state = sip_279()
    _, listing = only(state)
    exchange.trade(state, listing, state.ledger.accounts - 1, 100 * COIN)
    exchange.close_block(state)
    for hour in range(1, 25):
        close_at(state, HOUR * hour)
    return float(state.tables[listing.funding_at][0]) * 100.0


def left_of_a_cycle() -> float:
    """What the vault is left with of a skew of 100 for a day and of -100 for another, as a share of what longs then had paid."""
    state = dear()
    house, listing = only(state)
    trader, paid = state.ledger.accounts - 1, []
    for day, size in ((0, 100), (1, -200), (2, 100)):
        exchange.trade(state, listing, trader, size * COIN)
        paid.append(int(state.ledger.balance[listing.funding, listing.desk]))
        exchange.close_block(state)
        for hour in range(1, 25 if day < 2 else 1):
            state.time = DAY * day + HOUR * hour
            tell(state, DEAR)
            exchange.close_block(state)
    if state.ledger.balance[listing.size, listing.desk] or not paid[1]:
        raise ValueError("the cycle is not closed, or nothing was paid")
    return int(state.ledger.balance[listing.funding, listing.desk]) / paid[1]


def of_a_day(skew: int) -> float:
    """What a long is paid over a day, % of the index, at a skew of so many coins and a scale of 100 (SIP-80)."""
    state, (trader, *_) = pooled(market_for(OraclePool(spread=0.0, skew_scale=1e9), funding=Skew(100.0, 0.1), fee=0.0))
    _, listing = only(state)
    exchange.trade(state, listing, trader, skew * COIN)
    exchange.close_block(state)
    for hour in range(1, 25):
        close_at(state, HOUR * hour)
    return -100.0 * float(state.tables[listing.funding_at][0]) / PRICE


def leaning(account: int) -> float:
    """What the larger side (0), the smaller (1), or the vault with the smaller (2) gains in a second of 150,000 against 50,000.

    As a share of its notional, the vault's and the smaller's as one of the smaller's.
    """
    rules = market_for(OraclePool(spread=0.0, skew_scale=1e12), funding=Imbalance(factor=1 / 50_000), fee=0.0)
    state, (one, other, *_) = pooled(rules)
    house, listing = only(state)
    exchange.trade(state, listing, one, 75 * COIN)
    exchange.trade(state, listing, other, -25 * COIN)
    exchange.close_block(state)
    who = {0: (one,), 1: (other,), 2: (other, listing.desk)}[account]

    def worth() -> float:
        margin = state.exchange(house).margin
        return sum(margin.standing(state, house, Threshold.MAINTENANCE, each)[0] for each in who)

    before = worth()
    close_at(state, 1.0)
    return (worth() - before) / (150_000.0 if account == 0 else 50_000.0)


def adaptive(rate: float, long: float, short: float) -> float:
    """By how much a rate of funding a second changes over 600 s of such sides, %."""
    rule = Adaptive(increase=1e-6, decrease=2e-8, most=1.0)
    state, (one, other, *_) = pooled(market_for(OraclePool(spread=0.0, skew_scale=1e12), funding=rule, fee=0.0))
    _, listing = only(state)
    exchange.trade(state, listing, one, round(long * COIN))
    exchange.trade(state, listing, other, -round(short * COIN))
    exchange.close_block(state)
    at = listing.funding_at
    index, _, time = state.tables[at]
    state.put(at, np.array([index, rate, time]))
    close_at(state, 600.0)
    return 100.0 * (float(state.tables[at][1]) - rate)


def impacts() -> tuple[float, float]:
    """What a pool with k = .01 / 50,000 charges for 0 to 50,000 of imbalance, and pays for 50,000 to 25,000; cash coins."""
    k = 0.01 / 50_000
    state, (trader, other, *_) = pooled(market_for(ImpactPool(spread=0.0, towards=k, away=k), fee=0.0))
    _, listing = only(state)
    first = exchange.trade(state, listing, trader, 25 * COIN).owed / CASH - 50_000.0
    second = exchange.trade(state, listing, other, -12 * COIN - COIN // 2).owed / CASH + 25_000.0
    return -first, -second


def boosted() -> list[float]:
    """Fees of a pool after rounds whose moves are 50, 30 and 50 bp, threshold 20 bp, decay .9; basis points."""
    state, _ = pooled(market_for(SynthPool(threshold=20 * BP, decay=0.9)))
    _, listing = only(state)
    price, fees = 1_000.0, []
    state.put(listing.path + ".gauge", Gauge(price, 0.0, 0.0))
    for number, move in enumerate((0.0, 50 * BP, 30 * BP, 50 * BP)):
        price *= 1.0 + move
        state.time = 60.0 * number
        tell(state, price)
        exchange.close_block(state)
        fees.append(float(state.tables[listing.path + ".gauge"].fee) / BP)
    return fees


def given_back(size: float, each: float) -> float:
    """What is taken back, `each` cash coins a coin, of `size` coins bought at 100 once the index is at 105 and the wait is over.

    A fee of 30 bp is taken off what is brought: 100 buy 99.7's worth.
    """
    state, (trader, *_) = pooled(market_for(SynthPool(spread=0.0, wait=180.0, threshold=1.0), fee=0.0))
    house, listing = only(state)
    tell(state, 100.0)
    exchange.trade(state, listing, trader, round(size * COIN))
    state.time = 180.0
    tell(state, 105.0)
    before = int(state.ledger.balance[house.cash, trader])
    exchange.close_block(state)
    return (before - int(state.ledger.balance[house.cash, trader])) / CASH / each


def of_gmx() -> tuple[Claim, ...]:
    """The larger side pays; the rate adapts; impact."""
    sides = "150,000 against 50,000, factor 1/50,000"
    moves = (
        (1e-6, 53.0, 47.0, 0.0036),
        (1e-6, 52.0, 48.0, 0.0),
        (2e-5, 51.0, 49.0, -0.0012),
        (1e-6, 49.5, 50.5, -0.0006),
    )
    return (
        claim("gmx-larger", f"paid a second by the larger side: {sides}", GMX, 1e-5, lambda: -leaning(0), 1e-14),
        Claim(
            "A4.2-gmx-smaller",
            f"received a second by the smaller side: {sides}",
            GMX,
            3e-5,
            1e-14,
            lambda _: exactly(leaning(1)),
            miss=Miss(ONE_INDEX, 0.99e-5, 1.01e-5),
        ),
        claim(
            "gmx-given",
            f"the same with what the vault receives, a coin of the smaller side: {sides}",
            GMX,
            3e-5,
            lambda: leaning(2),
            1e-14,
        ),
        *(
            claim(
                f"gmx-adaptive-{long:g}-{short:g}",
                f"change of the rate over 600 s, %: {long:g} against {short:g}",
                GMX,
                change,
                lambda rate=rate, long=long, short=short: adaptive(rate, long, short),  # type: ignore[misc]
            )
            for rate, long, short, change in moves
        ),
        claim("gmx-impact-out", "impact from 0 to 50,000 of imbalance, cash coins", GMX, -500.0, lambda: impacts()[0]),
        claim("gmx-impact-back", "impact from 50,000 to 25,000, cash coins", GMX, 375.0, lambda: impacts()[1]),
    )


def of_synthetix() -> tuple[Claim, ...]:
    """Funding by skew and by its velocity; fees that follow the index, and what is taken back."""
    eighty = "Synthetix SIP-80, S28"
    found: list[tuple[str, str, str, float, Callable[[], float], float]] = [
        (
            "sip-80",
            "paid to longs over a day, %: a skew of -1 times its scale",
            eighty,
            10.0,
            lambda: of_a_day(-100),
            1e-9,
        ),
        (
            "sip-80-beyond",
            "the same at -2.5 times its scale: no more",
            eighty,
            10.0,
            lambda: of_a_day(-250),
            1e-9,
        ),
        (
            "sip-279-fill",
            "fill at 2,000 from a skew of 100 to 200 of 1,000,000",
            SIP,
            2_000.3,
            lambda: fill_from(100),
            2e-8,
        ),
        (
            "sip-279-slices",
            "a thousand trades of .2 coins against one of 200, relative",
            SIP,
            0.0,
            slices,
            1e-12,
        ),
        ("sip-279-day", "paid by 100 coins in a day, cash coins", SIP, 30.0, paid_in_a_day, 1e-9),
        (
            "sip-279-cycle",
            "funding left with the vault of a skew of 100 for a day and of -100 for another, as a share of the first day's",
            SIP,
            0.0,
            left_of_a_cycle,
            1e-9,
        ),
    ]
    found += [
        (f"sip-184-{number}", f"fee after round {number}, bp", SIPS, fee, lambda number=number: boosted()[number], 1e-9)  # type: ignore[misc]
        for number, fee in enumerate((0.0, 10.0, 9.0, 18.1))
    ]
    found += [
        (
            "sip-37-owing",
            "sETH taken back of 100 sUSD changed at 100, then 105",
            SIPS,
            0.04747619048,
            lambda: given_back(0.997, 105.0),
            1e-9,
        ),
        (
            "sip-37-rebate",
            "sBTC taken back of 100 sETH changed at 100 and 10,000, then 105 and 10,000: a rebate",
            SIPS,
            -0.04985,
            lambda: given_back(-99.7, 10_000.0),
            1e-9,
        ),
    ]
    return tuple(claim(*one) for one in found)


def claims() -> tuple[Claim, ...]:
    """To rounding."""
    return (*of_gmx(), *of_synthetix())
