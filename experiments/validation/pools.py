"""Swaps and liquidity in a constant-product pool, traded through the exchange (published-results A1.4)."""

from __future__ import annotations

import math

import numpy as np

from experiments.validation.base import Claim, exactly
from protocol import exchange
from protocol.funding.unfunded import Unfunded
from protocol.genesis import genesis
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.state import Listing, State
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Exchange, Market, World

SUBJECT = "Constant-product pools"
SOURCE = "Uniswap V2; worked examples of an exam bank, S7"
CASH, COIN = 10**6, 10**8
PRICE = 2_500.0


def pool(fee: float) -> tuple[State, Listing, int]:
    """A pool of 1,000,000 cash and 400 coins, and a trader with plenty of both."""
    market = Market(
        name="ETH-USD", instrument=Token(), venue=ConstantProduct(liquidity=1e6, fee=fee), funding=Unfunded()
    )
    state = genesis(World(exchanges=(Exchange(chain="l2", markets=(market,)),)), {"ETH": PRICE})
    listing = state.markets[0]
    trader = state.ledger.open("trader", 1)
    state.ledger.move(listing.house.token, WORLD, trader, 10**8 * CASH, Reason.GENESIS)
    state.ledger.move(listing.base, WORLD, trader, 10**5 * COIN, Reason.GENESIS)
    return state, listing, trader


def bought(cash: int) -> tuple[float, float]:
    """Coins that `cash` coins buy, and the pool's price after; the size is found by asking the venue."""
    state, listing, trader = pool(fee=0.003)
    venue = state.market(listing).venue
    low, high = 0, int(state.ledger.balance[listing.base, listing.desk])
    while high - low > 1:
        middle = (low + high) // 2
        cost = venue.cost(state, listing, np.array([middle]))[0]
        low, high = (middle, high) if cost <= cash * CASH else (low, middle)
    exchange.trade(state, listing, trader, low)
    return low / COIN, venue.mid(state, listing)


def provided(factor: float) -> float:
    """Wealth of a provider over that of a holder, less one, in per cent, once the price has moved by `factor`."""
    state, listing, trader = pool(fee=0.0)
    ledger, venue = state.ledger, state.market(listing).venue
    base, cash = ledger.balance[listing.base, trader], ledger.balance[listing.house.token, trader]
    shares = exchange.provide(state, listing, trader, 10_000 * CASH)
    held = base - ledger.balance[listing.base, trader], cash - ledger.balance[listing.house.token, trader]
    arbitrageur = ledger.open("arbitrageur", 1)
    ledger.move(listing.house.token, WORLD, arbitrageur, 10**7 * CASH, Reason.GENESIS)
    ledger.move(listing.base, WORLD, arbitrageur, 10**4 * COIN, Reason.GENESIS)
    reserve = int(ledger.balance[listing.base, listing.desk])
    exchange.trade(state, listing, arbitrageur, reserve - round(reserve / math.sqrt(factor)))
    price = venue.mid(state, listing)
    taken = exchange.remove(state, listing, trader, shares)
    mine, theirs = (coins / COIN * price + units / CASH for coins, units in (taken, held))
    return 100.0 * (float(mine) / float(theirs) - 1.0)


def claims() -> tuple[Claim, ...]:
    """Every figure that the reference gives, to its last printed digit."""
    return (
        Claim(
            "A1.4-bought",
            "coins that 50,000 cash buy at 30 bp",
            SOURCE,
            18.9932,
            5e-5,
            lambda _: exactly(bought(50_000)[0]),
        ),
        Claim("A1.4-after", "price after it", SOURCE, 2_755.86, 5e-3, lambda _: exactly(bought(50_000)[1])),
        Claim(
            "A1.4-up", "impermanent loss at a price x 1.44, %", SOURCE, -1.639, 5e-4, lambda _: exactly(provided(1.44))
        ),
        Claim(
            "A1.4-down",
            "impermanent loss at a price x 0.64, %",
            SOURCE,
            -2.439,
            5e-4,
            lambda _: exactly(provided(0.64)),
        ),
    )
