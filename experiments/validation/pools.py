"""Swaps and liquidity in a constant-product pool, traded through the exchange (published-results A1.4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from agents.attacks.sandwich import Sandwich
from agents.nature.gbm import GeometricBrownian
from agents.player import Action, Player, Role
from agents.view import View
from experiments.validation.base import Claim, Effort, Measured, exactly
from experiments.validation.stage import played, staged, traded
from protocol import exchange
from protocol.blocks.fixed import Fixed
from protocol.funding.unfunded import Unfunded
from protocol.genesis import genesis
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.state import Listing, State
from protocol.transactions import Trade
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Exchange, Market, World

SUBJECT = "Constant-product pools"
SOURCE = "Uniswap V2; worked examples of an exam bank, S7"
CASH, COIN = 10**6, 10**8
PRICE = 2_500.0
ORDER = 50_000.0  # cash coins
WAITS = 6.0  # seconds in the mempool, in a block of 12, where it can be read


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


def coins_for(state: State, listing: Listing, cash: float) -> int:
    """Base units that so many cash coins buy, found by asking the venue."""
    venue = state.market(listing).venue
    low, high = 0, int(state.ledger.balance[listing.base, listing.desk])
    while high - low > 1:
        middle = (low + high) // 2
        cost = venue.cost(state, listing, np.array([middle]))[0]
        low, high = (middle, high) if cost <= cash * listing.house.cash_scale else (low, middle)
    return low


def bought(cash: int) -> tuple[float, float]:
    """Coins that `cash` coins buy, and the pool's price after."""
    state, listing, trader = pool(fee=0.003)
    size = coins_for(state, listing, cash)
    exchange.trade(state, listing, trader, size)
    return size / COIN, state.market(listing).venue.mid(state, listing)


def provided(factor: float) -> tuple[float, float]:
    """Wealth of a provider of a hundredth of the pool over that of a holder: in per cent less one, and in cash coins.

    Once the price has moved by `factor`.
    """
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
    return 100.0 * (float(mine) / float(theirs) - 1.0), float(mine) - float(theirs)


@dataclass(frozen=True)
class Buyer(Role):
    """Buys once, for `order` cash coins, at a limit that lets it get `tolerance` less than it was quoted."""

    capital: float = 1e6
    latency: float = 0.0
    tip: float = 1e-9
    order: float = ORDER
    tolerance: float = 0.01

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """The order, in the third block."""
        if view.state.height != 2:
            return ()
        listing = view.listing(self.market, self.exchange)
        size = coins_for(view.state, listing, self.order)
        price = float(view.cost(listing, np.array([size]))[0]) / (size * listing.price_scale)
        order = me.send(Trade(listing, me.account, size, price / (1.0 - self.tolerance)))
        return (order._replace(later=WAITS),)


def sandwiched(tolerance: float, purse: float) -> float:
    """What the project's own sandwich with such a purse earns of ORDER that may get so much less than it was quoted."""
    market = traded("pool", ConstantProduct(liquidity=2e6, fee=0.003))
    cast = (Buyer(market="pool", tolerance=tolerance), Sandwich(market="pool", capital=purse))
    nature = GeometricBrownian(start=(2_000.0,), volatility=(0.0,), tick=12.0)
    run = played(staged((market,), cast, nature, Fixed(12.0), 6))
    return float(run.gains("sandwich").sum())


def most_of(tolerance: float) -> float:
    """The most of that over purses a per cent apart, up to beyond what the limit has room for."""
    purses = ORDER * tolerance * np.geomspace(20.0, 40.0, 72)
    return max(sandwiched(tolerance, purse) for purse in purses.tolist())


def part_of(measure: Callable[[], tuple[float, float]], place: int) -> float:
    """One of two numbers."""
    return measure()[place]


def told(measure: Callable[[], float], _: Effort) -> Measured:
    """Without chance."""
    return exactly(measure())


def claims() -> tuple[Claim, ...]:
    """What was printed of a swap and of a provider is what the formula gives, and that is held to 1e-6.

    Of sandwiches the reference says "at most about", the second three times the first, and that it was not recomputed: 2 %.
    """
    root = {factor: math.sqrt(factor) for factor in (1.44, 0.64)}
    out = 400.0 * 49_850.0 / 1_049_850.0
    lines: list[tuple[str, str, float, float, Callable[[], float]]] = [
        ("bought", "coins that 50,000 cash buy at 30 bp", out, 1e-6 * out, lambda: bought(50_000)[0]),
        ("after", "price after it", 1_050_000.0 / (400.0 - out), 2.7e-3, lambda: bought(50_000)[1]),
    ]
    for name, factor in (("up", 1.44), ("down", 0.64)):
        value = 100.0 * (2.0 * root[factor] / (1.0 + factor) - 1.0)
        what, measured = f"impermanent loss at a price x {factor:g}", partial(provided, factor)
        lines.append((name, f"{what}, %", value, 1e-6, partial(part_of, measured, 0)))
        of_all = f"{what}, of a hundredth of the pool, cash coins"
        lines.append((f"{name}-cash", of_all, -400.0, 4e-4, partial(part_of, measured, 1)))
    for percent, printed in ((1, 448.0), (3, 1_344.0)):
        what = f"the most a sandwich earns of 50,000 cash that may get {percent} % less, in a pool of 2,000,000 and 1,000 coins"
        lines.append((f"sandwich-{percent}", what, printed, 0.02 * printed, partial(most_of, 0.01 * percent)))
    return tuple(
        Claim(f"A1.4-{name}", what, SOURCE, value, near, partial(told, measure))
        for name, what, value, near, measure in lines
    )
