"""Bad debt of a gap: a position opened at its margin and looked at again a while later is a put that somebody has written (A9).

Longs are opened on the machine with no more than the margin asked for; the index then moves by a normal return, a keeper liquidates
where it may, and what is short is counted. Returns are the quantiles of the normal, which integrates far better than chance would.
"""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
from scipy.special import ndtri

from experiments.validation.base import Claim, exactly
from experiments.validation.bench import CASH, COIN, PRICE, exchange_for, market_for, only, open_world, tell
from protocol import errors, exchange
from protocol.liquidations.full import Full
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.cross import Cross
from protocol.units import SECONDS_PER_YEAR
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool

SUBJECT = "Bad debt of a gap"
SOURCE = "Black 1976: a put on the position, F = 1, K = 1 - margin"
TABLE = {
    (0.005, 1.5, 600.0): 8.32,
    (0.005, 3.0, 60.0): 2.26,
    (0.005, 3.0, 600.0): 30.8,
    (0.01, 3.0, 600.0): 16.6,
    (0.02, 3.0, 600.0): 3.43,
}  # margin, volatility a year, seconds until it is closed: basis points of notional
DRAWS = 400
SIZE = 100  # coins


def bad_debt(margin: float, volatility: float, seconds: float) -> float:
    """Basis points of notional."""
    rules = exchange_for(
        markets=(market_for(OraclePool(spread=0.0, skew_scale=1e15), fee=0.0),),
        vault=Vault(),
        margin=Cross(initial=margin, maintenance=0.5 * margin),
        liquidation=Full(reward=0.0, penalty=0.0),
        losses=(Insurance(), Socialise()),
        insurance=1e7,
    )
    stake = margin * SIZE * PRICE
    state, (trader, keeper, *_) = open_world(rules, stake=0)
    house, listing = only(state)
    exchange.deposit(state, house, trader, math.ceil(stake * CASH) + 1)
    exchange.trade(state, listing, trader, SIZE * COIN)
    deviation, lost = volatility * math.sqrt(seconds / SECONDS_PER_YEAR), 0
    for normal in ndtri((np.arange(DRAWS) + 0.5) / DRAWS):
        mark = state.mark()
        tell(state, PRICE * math.exp(deviation * normal - 0.5 * deviation**2))
        with suppress(errors.Healthy):
            lost += exchange.liquidate(state, listing, keeper, trader).deficit
        state.rewind(mark)
    return 1e4 * lost / CASH / DRAWS / (SIZE * PRICE)


def claims() -> tuple[Claim, ...]:
    """Within 5 %."""
    return tuple(
        Claim(
            f"A9-put-{100 * margin:g}-{100 * volatility:.0f}-{seconds:g}",
            f"bad debt, bp of notional: margin {100 * margin:g} %, volatility {100 * volatility:.0f} %, closed after {seconds:g} s",
            SOURCE,
            value,
            0.05 * value,
            lambda _, of=(margin, volatility, seconds): exactly(bad_debt(*of)),  # type: ignore[misc]
        )
        for (margin, volatility, seconds), value in TABLE.items()
    )
