"""Dutch auctions: what is asked after a time, and the second at which a keeper with a cost takes the lot, for each curve (A3.5).

A position is put up at 1.2 times the index, in a market that stands still; a keeper offers the market less its cost. The curve only
falls, so the first second in which it is served is found by halving.
"""

from __future__ import annotations

import math
from typing import Any

from experiments.validation.base import Claim, exactly
from experiments.validation.bench import CASH, COIN, PRICE, exchange_for, open_world, tell
from protocol import errors, exchange
from protocol.liquidations.base import Liquidation
from protocol.liquidations.curves import Curve, Exponential, Linear, Stairstep
from protocol.liquidations.dutch import Dutch
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.state import Listing, State
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.virtual_amm import VirtualAmm

SUBJECT = "Clearing times of Dutch auctions"
SOURCE = "makerdao/dss abaci.sol; t* = step ln(buf) / -ln(cut)"
BUF, MOVE, COST = 1.2, 0.07, 40.0  # start over the index; fall of the index; a keeper's cost, cash coins a base coin
CUT = 0.999230132966  # a second: halves every 900 s


def crashed(rule: Liquidation, move: float = MOVE, side: int = 1, **changes: Any) -> tuple[State, Listing, list[int]]:
    """The first trader holds 45 coins against a stake of 10,000; the index has moved against it; the others have cash."""
    losses = (Insurance(), Socialise())
    rules = exchange_for(OraclePool(), VirtualAmm(), OrderBook(), liquidation=rule, losses=losses, **changes)
    state, traders = open_world(rules, stake=10_000)
    for trader in traders[1:]:
        exchange.deposit(state, state.houses[0], trader, 500_000 * CASH)
    exchange.trade(state, state.listings[0][0], traders[0], side * 45 * COIN)
    tell(state, PRICE * (1 - side * move))
    return state, state.listings[0][0], traders


def taken_at(curve: Curve, cost: float, most: int = 2_000) -> int:
    """The first second in which a keeper with that cost is served."""
    state, listing, (debtor, keeper, *_) = crashed(Dutch(curve=curve, buf=BUF))
    market = PRICE * (1 - MOVE)
    exchange.bark(state, listing, keeper, debtor)
    refused, served = -1, most
    while served - refused > 1:
        second, mark = (refused + served) // 2, state.mark()
        state.time = float(second)
        tell(state, market)
        try:
            exchange.take(state, listing, keeper, debtor, 10**15, market - cost)
        except errors.SlippageExceeded:
            refused = second
        else:
            served = second
        state.rewind(mark)
    return served


def asked(curve: Curve, seconds: float) -> float:
    """What is asked after so many seconds, as a share of what it began at."""
    state, listing, (debtor, keeper, *_) = crashed(Dutch(curve=curve, buf=BUF, tail=1e6, cusp=1e-9))
    exchange.bark(state, listing, keeper, debtor)
    found = []
    for second in (0.0, seconds):
        state.time = second
        tell(state, PRICE * (1 - MOVE))
        try:
            exchange.take(state, listing, keeper, debtor, 10**15, 0.0)
        except errors.SlippageExceeded as refused:
            found.append(float(refused.numbers["price"]))
    first, later = found
    return later / first


def claims() -> tuple[Claim, ...]:
    """Exact to the second; what is asked to 1e-9, or the last digit printed."""
    limit = 1.0 - COST / (PRICE * (1 - MOVE))  # a share of the market
    found = [
        Claim(
            f"A3.5-asked-{name}-{seconds:g}",
            f"what is asked after {seconds:g} s, as a share of the top: {curve}",
            "makerdao/dss abaci.sol, abaci.t.sol",
            share,
            within,
            lambda _, curve=curve, seconds=seconds: exactly(asked(curve, seconds)),  # type: ignore[misc]
        )
        for name, curve, seconds, share, within in (
            ("linear", Linear(3_600), 360.0, 0.9, 1e-9),
            ("linear", Linear(3_600), 1_800.0, 0.5, 1e-9),
            ("exponential", Exponential(CUT), 900.0, 0.5, 1e-9),
            ("stairs", Stairstep(), 1_800.0, 0.8179, 5e-5),
        )
    ]
    for name, curve, dear, cheap in (
        ("linear", Linear(3_600), 3_600.0 * (1.0 - 1.0 / BUF), 3_600.0 * (1.0 - limit / BUF)),
        (
            "stairs",
            Stairstep(),
            90.0 * math.ceil(math.log(BUF) / -math.log(0.99)),
            90.0 * math.ceil(math.log(BUF / limit) / -math.log(0.99)),
        ),
        ("exponential", Exponential(CUT), math.log(BUF) / -math.log(CUT), math.log(BUF / limit) / -math.log(CUT)),
    ):
        for cost, when in ((0.0, dear), (COST, cheap)):
            found.append(
                Claim(
                    f"A3.5-{name}-{cost:g}",
                    f"second in which a keeper with a cost of {cost:g} is served: {name}",
                    SOURCE,
                    math.ceil(when - 1e-6),
                    0.0,
                    lambda _, curve=curve, cost=cost: exactly(float(taken_at(curve, cost))),  # type: ignore[misc]
                )
            )
    return tuple(found)
