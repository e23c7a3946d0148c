"""A guided walk through the machine: every law holds at every step, and the walk reaches what it is meant to reach.

Naive random play never gets to bad debt. This one lets everybody trade at the most leverage margin allows, makes the index
jump, and asserts at the end what was reached: each revert, each way to liquidate, each step of the waterfall.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Told, Witness, open_world, tell

from protocol import errors, exchange
from protocol.funding.premium import Premium
from protocol.funding.skew import Skew
from protocol.funding.unfunded import Unfunded
from protocol.funding.velocity import Velocity
from protocol.instruments.token import Token
from protocol.ledger import WORLD
from protocol.liquidations.full import Full
from protocol.liquidations.partial import Partial
from protocol.losses.backstop import VaultBackstop
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.base import Threshold
from protocol.margins.cross import Cross
from protocol.margins.isolated import Isolated
from protocol.margins.volatility_scaled import VolatilityScaled
from protocol.oracles.base import Report
from protocol.oracles.spot import Spot
from protocol.state import Listing
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market

STEPS = 700
POOL = Market("pool", oracle=Told(), venue=OraclePool(skew_scale=50_000.0), funding=Velocity(), open_interest_cap=4e6)
AMM = Market("amm", oracle=Told(), venue=VirtualAmm(liquidity=2e6), funding=Premium())
SELF = Market("self", oracle=Spot("spot"), venue=VirtualAmm(liquidity=2e6), funding=Skew(skew_scale=1_000.0))
BOOK = Market("book", oracle=Told(), venue=OrderBook(slots=6), funding=Premium())
SPOT = Market("spot", instrument=Token(), oracle=Spot(), venue=ConstantProduct(liquidity=1e6), funding=Unfunded())
ALL = (POOL, AMM, SELF, BOOK, SPOT)

WORLDS = {
    "cross, full, insurance then socialise": Exchange(
        markets=ALL, vault=Vault(liquidity=2e6), insurance=2_000.0, losses=(Insurance(), Socialise())
    ),
    "isolated, partial, insurance then vault then socialise": Exchange(
        markets=ALL,
        vault=Vault(liquidity=500_000.0, fee=0.001),
        margin=Isolated(),
        liquidation=Partial(penalty=0.002),
        insurance=500.0,
        losses=(Insurance(0.5), VaultBackstop(0.2), Socialise(0.3)),
    ),
    "scaled, full, deleverage then insurance": Exchange(
        markets=ALL,
        vault=Vault(liquidity=2e6, commitment=3.0),
        margin=VolatilityScaled(inner=Cross(slope=1e-5), half_life=60.0),
        insurance=2_000.0,
        losses=(Deleverage(), Insurance(), Socialise()),
    ),
    "cross, full, insurance then deleverage, nobody else": Exchange(
        markets=ALL, vault=Vault(liquidity=1e6), insurance=100.0, losses=(Insurance(), Deleverage())
    ),
    "cross, partial, nobody pays": Exchange(
        markets=ALL, vault=Vault(liquidity=0.0), liquidation=Partial(close_factor=0.3), insurance=0.0, losses=()
    ),
    "cross, full, vault first": Exchange(
        markets=(replace(POOL, fee=0.0), SPOT),
        vault=Vault(liquidity=200_000.0),
        margin=Cross(0.02, 0.01),
        liquidation=Full(penalty=0.02),
        insurance=0.0,
        losses=(VaultBackstop(), Socialise()),
    ),
}


class Walk(Witness):
    """One guided walk."""

    def __init__(self, rules: Exchange, seed: int) -> None:
        state, self.traders = open_world(rules, traders=8, stake=20_000)
        super().__init__(state)
        self.rng = np.random.Generator(np.random.Philox(seed))
        self.house, self.listings = state.houses[0], state.listings[0]
        self.claims = [listing for listing in self.listings if listing.size >= 0]
        self.index = PRICE
        self.founders = int(state.ledger.of_group(["founders"])[0])

    def among(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def amount(self, most: int) -> int:
        """Zero, one, half, all, or more than all."""
        return int(most * self.among([0.0, 0.1, 0.5, 1.0, 1.0, 1.5])) + int(self.rng.integers(-1, 2))

    def has(self, row: int, account: int) -> int:
        return int(self.state.ledger.balance[row, account])

    def leveraged(self, listing: Listing, account: int) -> int:
        """A size that uses up the account's margin, or a little more, or a tenth of it; or closes what it has; or is absurd."""
        worth, needs = self.state.exchange(self.house).margin.standing(
            self.state, self.house, Threshold.INITIAL, account
        )
        share = self.state.exchange(self.house).margin.rate(self.state, listing, Threshold.INITIAL)[0]
        most = max(worth - needs, 10.0) / share / self.index * COIN
        held = self.has(listing.size, account)
        size = self.among([0.97, 0.9, 0.5, 0.1, 1.1, -0.95, -0.5, -0.1]) * most
        return self.among([int(size)] * 8 + [-held, -held // 2, -2 * held, 0, 10**15])

    # ------------------------------------------------------------------ deeds

    def cash(self) -> None:
        account = self.among(self.traders)
        if self.rng.random() < 0.6:
            most = min(self.has(self.house.token, account), 20_000 * CASH)
            self.does(exchange.deposit, account, self.house, account, self.amount(most))
        else:
            units = self.among([self.amount(self.has(self.house.cash, account))] * 4 + [10**15])
            self.does(exchange.withdraw, account, self.house, account, units)

    def trade(self) -> None:
        account, listing = self.among(self.traders), self.among(self.listings)
        if listing.size < 0:
            size = int(self.rng.normal() * 30 * COIN)
        else:
            size = self.leveraged(listing, account)
        limit = self.among([math.nan, math.nan, self.index, self.index * (1 + math.copysign(0.05, size))])
        self.does(exchange.trade, account, listing, account, size, limit)

    def quote(self) -> None:
        books = [listing for listing in self.claims if isinstance(self.state.market(listing).venue, OrderBook)]
        listing, account = self.among(books * 4 + self.claims), self.among(self.traders)
        kind = self.rng.random()
        resting = self.state.tables.get(listing.path + ".book", [])
        if kind < 0.75:
            side = self.among([-1, 1])
            price = self.index * (1.0 - side * self.among([0.001, 0.002, 0.01, -0.02]))
            size = side * int(self.rng.integers(0, COIN))
            self.does(exchange.post, account, listing, account, size, price)
        elif kind < 0.95:
            order = self.among(resting) if len(resting) else (0, 0, account, 0)
            account = self.among([int(order[2]), account])
            self.does(exchange.cancel, account, listing, account, int(order[3]))
        else:
            self.does(exchange.cancel_all, account, listing, account)

    def vault(self) -> None:
        account = self.among(self.traders)
        if self.rng.random() < 0.5:
            units = self.amount(min(self.has(self.house.token, account), 30_000 * CASH))
            self.does(exchange.invest, account, self.house, account, units)
        else:
            account = self.among([account, account, self.founders])
            self.does(exchange.divest, account, self.house, account, self.amount(self.has(self.house.share, account)))

    def pool(self) -> None:
        account, listing = self.among(self.traders), self.listings[-1]
        if self.rng.random() < 0.5:
            units = self.amount(min(self.has(self.house.token, account), 30_000 * CASH))
            self.does(exchange.provide, account, listing, account, units)
        else:
            self.does(exchange.remove, account, listing, account, self.amount(self.has(listing.share, account)))

    def report(self) -> None:
        """Somebody else's report, mostly refused; the index itself is told in `pass_time`."""
        listing = self.among(self.listings)
        posted = Report(self.among(self.traders), self.index, self.state.time - self.among([0.0, 1e6]))
        self.does(exchange.report, posted.reporter, listing, posted)

    def liquidate(self) -> None:
        """Everybody who may be, in every market; and somebody who may not."""
        for listing in self.claims:
            for account in [*self.traders, listing.desk, self.house.vault]:
                plan = self.state.exchange(self.house).liquidation.plan(self.state, listing, account)
                if plan is None and self.rng.random() < 0.95:
                    continue
                keeper = self.among(self.traders)
                done = self.does(exchange.liquidate, keeper, listing, keeper, account)
                if isinstance(done, exchange.Liquidated):
                    self.tally(done)

    def tally(self, done: exchange.Liquidated) -> None:
        flat = self.has(done.listing.size, done.account) == 0
        self.note("closed whole" if flat else "closed in part")
        if done.deleveraged:
            self.note("Deleverage paid")
        if isinstance(self.state.exchange(self.house).liquidation, Partial):
            self.note("keeper took over")
        if done.deficit:
            self.note("bad debt")
            if done.deficit > sum(paid for _, paid in done.covered):
                self.note("deficit left uncovered")
        for name, _ in done.covered:
            self.note(name + " paid")

    def duel(self) -> None:
        """Two open against each other with all they may, in one market; the index jumps; keepers come."""
        listing = self.among(self.claims)
        pair = self.rng.permutation(self.traders)[:2].tolist()
        tell(self.state, self.index)
        for account, side in zip(pair, (1, -1), strict=True):
            for other in self.claims:
                if held := self.has(other.size, account):
                    self.does(exchange.trade, account, other, account, -held)
            self.does(exchange.deposit, account, self.house, account, 10_000 * CASH)
            worth, needs = self.state.exchange(self.house).margin.standing(
                self.state, self.house, Threshold.INITIAL, account
            )
            share = self.state.exchange(self.house).margin.rate(self.state, listing, Threshold.INITIAL)[0]
            size = side * int(0.6 * max(worth - needs, 10.0) / share / self.index * COIN)
            self.does(exchange.trade, account, listing, account, size)
        self.index *= self.among([0.75, 0.85, 1.15, 1.3])
        tell(self.state, self.index)
        self.liquidate()

    def pass_time(self) -> None:
        """A block ends: time goes on, the index moves, now and then by a lot, and now and then nobody reports it."""
        self.state.time += self.among([0.25, 12.0, 12.0, 60.0, 900.0])
        self.state.height += 1
        jump = self.among([0.0] * 6 + [-0.25, -0.12, 0.12, 0.3])
        self.index = float(np.clip(self.index * math.exp(0.01 * self.rng.normal() + jump), 200.0, 20_000.0))
        if self.rng.random() < 0.9:
            tell(self.state, self.index)
        mark = self.state.mark()
        exchange.close_block(self.state)
        self.note("block")
        digest = self.state.digest()
        self.state.rewind(mark)
        exchange.close_block(self.state)
        assert self.state.digest() == digest
        if self.rng.random() < 0.3:
            self.state.finalise()

    def go(self, steps: int) -> None:
        deeds = {
            self.cash: 0.10,
            self.trade: 0.34,
            self.quote: 0.18,
            self.vault: 0.08,
            self.pool: 0.05,
            self.report: 0.02,
            self.liquidate: 0.08,
            self.duel: 0.05,
            self.pass_time: 0.10,
        }
        for _ in range(steps):
            list(deeds)[int(self.rng.choice(len(deeds), p=list(deeds.values())))]()


ELSEWHERE = (errors.CollateralCapped, errors.UnderCollateralised)  # the walks of test_lending and test_synthetics
MEANT = [
    *("closed whole", "closed in part", "keeper took over", "bad debt", "deficit left uncovered", "block"),
    *("Insurance paid", "VaultBackstop paid", "Deleverage paid", "Socialise paid"),
    *("deposit", "withdraw", "trade", "invest", "divest", "provide", "remove", "liquidate", "report"),
    *("post", "cancel", "cancel_all"),
    *(reason.__name__ for reason in errors.reasons().values() if reason not in ELSEWHERE),
]


@pytest.mark.parametrize("seed", [1, 2])
def test_laws_hold_along_a_guided_walk_that_reaches_every_revert_and_every_loss_step(seed: int) -> None:
    reached: dict[str, int] = {}
    for number, (name, rules) in enumerate(WORLDS.items()):
        walk = Walk(rules, 100 * seed + number)
        try:
            walk.go(STEPS)
        except BaseException as problem:
            problem.add_note(f"in the world: {name}")
            raise
        for what, count in walk.reached.items():
            reached[what] = reached.get(what, 0) + count
        assert walk.state.ledger.balance[walk.house.token, WORLD] < 0
    print(dict(sorted(reached.items())))
    assert [what for what in MEANT if what not in reached] == []
