"""Funding and impact as venues publish them, charged on the machine (A4.2).

A virtual AMM stands off a told index by a premium, or a pool leans to one side; blocks are closed as time goes by, and what is read
is the funding index, or what a trader was charged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.validation.base import Claim, exactly
from experiments.validation.bench import CASH, COIN, PRICE, exchange_for, market_for, only, open_world, tell
from protocol import exchange
from protocol.funding.adaptive import Adaptive, adapted
from protocol.funding.averaged import AveragedPremium
from protocol.funding.base import Funding
from protocol.funding.imbalance import Imbalance
from protocol.funding.premium_plus import PremiumPlus
from protocol.funding.twap_gap import TwapGap
from protocol.funding.velocity import Velocity
from protocol.state import Listing, State
from protocol.venues.impact_pool import ImpactPool
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.synth_pool import Gauge, SynthPool, owing
from protocol.venues.virtual_amm import VirtualAmm

SUBJECT = "Funding and impact of venues"
BP, HOUR, DAY = 1e-4, 3_600.0, 86_400.0
HYPERLIQUID = {
    "APE": (-6.91, -3.91),
    "ARB": (-2.81, 0.19),
    "BTC": (-9.13, -6.13),
    "ETH": (-2.14, 0.86),
    "INJ": (-17.82, -14.82),
}
BINANCE = {0.0: 1.0, 3.0: 1.0, 10.0: 5.0, -20.0: -15.0}
MANGO = {0.01: 0.01, -0.02: -0.02, 0.2: 0.05, -0.2: -0.05}


def listed(rule: Funding, premium: float) -> tuple[State, Listing]:
    """A virtual AMM whose mid stands off a told index of 2,000 by `premium`, from time 0 on."""
    state, _ = open_world(exchange_for(markets=(market_for(VirtualAmm(), funding=rule),)))
    _, listing = only(state)
    base, cash = state.tables[listing.path + ".reserves"]
    state.put(listing.path + ".reserves", np.array([base, cash * (1 + premium)]))
    exchange.close_block(state)
    return state, listing


def close_at(state: State, time: float) -> None:
    """End a block then, at an index of 2,000."""
    state.time = time
    tell(state, PRICE)
    exchange.close_block(state)


def rate_after(rule: Funding, premium: float, times: tuple[float, ...], over: float) -> float:
    """Funding over so many seconds, in basis points, at the rate in force once blocks have ended at these times."""
    state, listing = listed(rule, premium)
    for time in times:
        close_at(state, time)
    return float(state.tables[listing.path + ".funding"][1]) * over / BP


def sip_279() -> State:
    """A pool with a skew scale of 1,000,000 and a velocity of 3 a day."""
    market = market_for(OraclePool(spread=0.0, skew_scale=1e6), funding=Velocity(1e6, 3.0), fee=0.0)
    state, _ = open_world(exchange_for(markets=(market,), **{"vault": exchange_for(OraclePool()).vault}))
    return state


def fill_from(skew: int) -> float:
    """What 100 coins cost each at that skew."""
    state = sip_279()
    _, listing = only(state)
    trader = state.ledger.accounts - 1
    exchange.trade(state, listing, trader, skew * COIN)
    return exchange.trade(state, listing, trader, 100 * COIN).owed / CASH / 100


def slices() -> float:
    """What a thousand slices of .2 coins cost beyond one of 200, relative."""
    state = sip_279()
    _, listing = only(state)
    venue = state.market(listing).venue
    whole = float(venue.cost(state, listing, np.array([200 * COIN]))[0])
    return (float(venue.cost(state, listing, np.full(1_000, COIN // 5)).sum()) - whole) / whole


def paid_in_a_day() -> float:
    """What 100 coins long pay in a day, in blocks of an hour."""
    state = sip_279()
    _, listing = only(state)
    exchange.trade(state, listing, state.ledger.accounts - 1, 100 * COIN)
    exchange.close_block(state)
    for hour in range(1, 25):
        close_at(state, HOUR * hour)
    return float(state.tables[listing.path + ".funding"][0]) * 100.0


def leaning(long: int, short: int) -> float:
    """Funding a second at a factor of 1 / 50,000, with so many coins on either side."""
    rules = market_for(OraclePool(spread=0.0, skew_scale=1e9), funding=Imbalance(factor=1 / 50_000), fee=0.0)
    state, (one, other, *_) = open_world(exchange_for(markets=(rules,), vault=exchange_for(OraclePool()).vault))
    _, listing = only(state)
    exchange.trade(state, listing, one, long * COIN)
    exchange.trade(state, listing, other, -short * COIN)
    exchange.close_block(state)
    return float(state.tables[listing.path + ".funding"][1])


def impacts() -> tuple[float, float]:
    """What a pool with k = .01 / 50,000 charges for 0 to 50,000 of imbalance, and pays for 50,000 to 25,000; cash coins."""
    k = 0.01 / 50_000
    rules = market_for(ImpactPool(spread=0.0, towards=k, away=k), fee=0.0)
    state, (trader, other, *_) = open_world(exchange_for(markets=(rules,), vault=exchange_for(OraclePool()).vault))
    _, listing = only(state)
    first = exchange.trade(state, listing, trader, 25 * COIN).owed / CASH - 50_000.0
    second = exchange.trade(state, listing, other, -12 * COIN - COIN // 2).owed / CASH + 25_000.0
    return -first, -second


def boosted() -> list[float]:
    """Fees of a pool after rounds whose moves are 50, 30 and 50 bp, threshold 20 bp, decay .9; basis points."""
    rules = market_for(SynthPool(threshold=20 * BP, decay=0.9))
    state, _ = open_world(exchange_for(markets=(rules,), vault=exchange_for(OraclePool()).vault))
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


def claim(name: str, what: str, source: str, value: float, measure: Callable[[], float], within: float = 1e-9) -> Claim:
    """One without chance in it."""
    return Claim(f"A4.2-{name}", what, source, value, within, lambda _: exactly(measure()))


def of_premium() -> tuple[Claim, ...]:
    """Rules that follow the premium."""
    found = []
    for coin, (premium, value) in HYPERLIQUID.items():
        rule, times = AveragedPremium(band=3 * BP), (*(60.0 * step for step in range(1, 60)), HOUR)
        found.append(
            claim(
                f"hyperliquid-{coin}",
                f"funding over 8 h, bp: {coin} on 12 May 2023, premium {premium:g}, clamp 3",
                "rows of Hyperliquid, S25",
                value,
                lambda rule=rule, premium=premium, times=times: rate_after(rule, premium * BP, times, 8 * HOUR),  # type: ignore[misc]
                1e-6,
            )
        )
    for premium, value in BINANCE.items():
        found.append(
            claim(
                f"binance-{premium:g}",
                f"funding over 8 h, bp: premium {premium:g}, clamp 5",
                "Binance and Gate, S23",
                value,
                lambda premium=premium: rate_after(  # type: ignore[misc]
                    AveragedPremium(interval=8 * HOUR), premium * BP, (8 * HOUR,), 8 * HOUR
                ),
                1e-6,
            )
        )
    for premium, share in MANGO.items():
        found.append(
            claim(
                f"mango-{100 * premium:g}",
                f"funding over an hour, bp: means {100 * premium:g} % apart, bounded at 5 %",
                "01 and Mango, S26",
                share / 24.0 / BP,
                lambda premium=premium: rate_after(TwapGap(), premium, (HOUR,), HOUR),  # type: ignore[misc]
                1e-6,
            )
        )
    found.append(
        claim(
            "dydx",
            "funding over an hour, bp: 8 of premium, 1 of interest over 8 h",
            "dYdX v3",
            1.125,
            lambda: rate_after(PremiumPlus(), 8 * BP, (HOUR,), HOUR),
            1e-6,
        )
    )
    return tuple(found)


def of_skew() -> tuple[Claim, ...]:
    """Rules that follow the sides."""
    gmx, sip = "gmx-io/gmx-synthetics README, S27", "Synthetix SIP-279, S28"
    rule = Adaptive(increase=1e-6, decrease=2e-8, most=1.0)
    moves = (
        (1e-6, 53.0, 47.0, 0.0036),
        (1e-6, 52.0, 48.0, 0.0),
        (2e-5, 51.0, 49.0, -0.0012),
        (1e-6, 49.5, 50.5, -0.0006),
    )
    return (
        claim(
            "gmx-larger",
            "funding a second: 150,000 against 50,000, factor 1/50,000",
            gmx,
            1e-5,
            lambda: leaning(75, 25),
            1e-14,
        ),
        *(
            claim(
                f"gmx-adaptive-{long:g}-{short:g}",
                f"change of the rate over 600 s, %: {long:g} against {short:g}",
                gmx,
                change,
                lambda rate=rate, long=long, short=short: 100.0 * (adapted(rate, long, short, 600.0, rule) - rate),  # type: ignore[misc]
            )
            for rate, long, short, change in moves
        ),
        claim("gmx-impact-out", "impact from 0 to 50,000 of imbalance, cash coins", gmx, -500.0, lambda: impacts()[0]),
        claim("gmx-impact-back", "impact from 50,000 to 25,000, cash coins", gmx, 375.0, lambda: impacts()[1]),
        claim(
            "sip-279-fill",
            "fill at 2,000 from a skew of 100 to 200 of 1,000,000",
            sip,
            2_000.3,
            lambda: fill_from(100),
            2e-8,
        ),
        claim(
            "sip-279-slices",
            "a thousand slices against one order, relative, each rounded up by less than a unit",
            sip,
            0.0,
            slices,
            3e-9,
        ),
        claim("sip-279-day", "paid by 100 coins in a day, cash coins", sip, 30.0, paid_in_a_day),
    )


def of_synths() -> tuple[Claim, ...]:
    """Fees that follow the index, and what is owed afterwards."""
    sips = "Synthetix SIP-184 and SIP-37, S28"
    return (
        *(
            claim(
                f"sip-184-{round_}",
                f"fee after round {round_}, bp",
                sips,
                fee,
                lambda round_=round_: boosted()[round_],  # type: ignore[misc]
                1e-6,
            )
            for round_, fee in ((1, 10.0), (2, 9.0), (3, 18.1))
        ),
        claim(
            "sip-37-owing",
            "sETH owing for 100 sUSD at 100, then 105",
            sips,
            0.04747619048,
            lambda: owing(100.0, 0.003, 1.0, 100.0, 1.0, 105.0),
        ),
        claim(
            "sip-37-rebate",
            "sBTC for 100 sETH, a rebate",
            sips,
            -0.04985,
            lambda: owing(100.0, 0.003, 100.0, 10_000.0, 105.0, 10_000.0),
        ),
    )


def claims() -> tuple[Claim, ...]:
    """To rounding."""
    return (*of_premium(), *of_skew(), *of_synths())
