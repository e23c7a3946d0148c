"""Funding that follows the premium, as venues publish it, charged on the machine (A4.2).

A virtual AMM stands off a told index by a premium; blocks are closed as time goes by, and what is read is the rate in force.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.validation.base import Claim, exactly
from experiments.validation.bench import PRICE, exchange_for, market_for, only, open_world, tell
from protocol import exchange
from protocol.funding.averaged import AveragedPremium
from protocol.funding.base import Funding
from protocol.funding.premium_plus import PremiumPlus
from protocol.funding.twap_gap import TwapGap
from protocol.state import Listing, State
from protocol.venues.virtual_amm import VirtualAmm

SUBJECT = "Funding by the premium"
BP, HOUR = 1e-4, 3_600.0
HOURS = 8_760  # a year
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
    base, cash = state.tables[listing.reserves_at]
    state.put(listing.reserves_at, np.array([base, cash * (1 + premium)]))
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
    return float(state.tables[listing.funding_at][1]) * over / BP


def claim(name: str, what: str, source: str, value: float, measure: Callable[[], float], within: float = 1e-9) -> Claim:
    """One without chance in it."""
    return Claim(f"A4.2-{name}", what, source, value, within, lambda _: exactly(measure()))


def claims() -> tuple[Claim, ...]:
    """To rounding; what is quoted for a year, to its last digit."""
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
        )
    )
    found.append(
        claim(
            "hyperliquid-cap",
            "funding over an hour, %: a premium of 90 %, no more than is taken at most",
            "Hyperliquid's documents",
            4.0,
            lambda: rate_after(AveragedPremium(), 0.9, (HOUR,), HOUR) * 100.0 * BP,
        )
    )
    found.append(
        claim(
            "hyperliquid-year",
            "interest of a year, compounded hourly, %: no premium, 1 bp over 8 h",
            "quoted by Hyperliquid, S24",
            11.6,
            lambda: 100.0 * ((1.0 + BP * rate_after(AveragedPremium(), 0.0, (HOUR,), HOUR)) ** HOURS - 1.0),
            0.05,
        )
    )
    return tuple(found)
