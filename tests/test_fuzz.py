"""A guided walk through the machine: every law holds at every step, and the walk reaches what it is meant to reach.

Naive random play never gets to bad debt. This one lets everybody trade at the most leverage margin allows, makes the index
jump, and asserts at the end what was reached: each revert, each way to liquidate, each step of the waterfall.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Told, Witness, open_world, tell

from protocol import errors, exchange, laws, surface
from protocol.access import Credentialed
from protocol.appraisal import Collateral
from protocol.funding.adaptive import Adaptive
from protocol.funding.averaged import AveragedPremium
from protocol.funding.imbalance import Imbalance
from protocol.funding.premium import Premium
from protocol.funding.premium_plus import PremiumPlus
from protocol.funding.skew import Skew
from protocol.funding.twap_gap import TwapGap
from protocol.funding.unfunded import Unfunded
from protocol.funding.velocity import Velocity
from protocol.governance import Governance
from protocol.hedging import DeltaBand
from protocol.instruments.future import Future
from protocol.instruments.option import Option
from protocol.instruments.settling import outcome
from protocol.instruments.token import Token
from protocol.ledger import WORLD
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.cases import cases
from protocol.liquidations.curves import Stairstep
from protocol.liquidations.dutch import Dutch
from protocol.liquidations.english import English
from protocol.liquidations.full import Full
from protocol.liquidations.graded import Graded
from protocol.liquidations.partial import Partial
from protocol.liquidations.routes import AtOracle, ThroughVenue, ToBackstop
from protocol.liquidations.staged import Staged
from protocol.losses.backstop import VaultBackstop
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.base import Threshold
from protocol.margins.cross import Cross
from protocol.margins.isolated import Isolated
from protocol.margins.portfolio import Portfolio
from protocol.margins.volatility_scaled import VolatilityScaled
from protocol.oracles.base import Report, read_mark
from protocol.oracles.spot import Spot
from protocol.state import House, Listing, State
from protocol.strategies.collar import Collar
from protocol.strategies.covered_call import CoveredCall
from protocol.strategies.delta_neutral import DeltaNeutral
from protocol.strategies.protective_put import ProtectivePut
from protocol.surface import Surface
from protocol.vault import Vault
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.concentrated import ConcentratedPool
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.impact_pool import ImpactPool
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.self_trade import CancelTaker, DecrementBoth
from protocol.venues.synth_pool import SynthPool
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market

STEPS = 700
POOL = Market("pool", oracle=Told(), venue=OraclePool(skew_scale=50_000.0), funding=Velocity(), open_interest_cap=4e6)
AMM = Market("amm", oracle=Told(), venue=VirtualAmm(liquidity=2e6), funding=Premium())
SELF = Market("self", oracle=Spot("spot"), venue=VirtualAmm(liquidity=2e6), funding=Skew(skew_scale=1_000.0))
BOOK = Market("book", oracle=Told(), venue=OrderBook(slots=6), funding=Premium())
SPOT = Market("spot", instrument=Token(), oracle=Spot(), venue=ConstantProduct(liquidity=1e6), funding=Unfunded())
RANGE = Market("range", instrument=Token(), oracle=Spot(), venue=ConcentratedPool(liquidity=1e6), funding=Unfunded())
SEALED = Market("sealed", oracle=Told(), venue=BatchAuction(interval=24.0, slots=12), funding=Premium())
ALL = (POOL, AMM, SELF, BOOK, SPOT, RANGE)

DATED = (
    Market("future", Future(expiry=3_000.0, window=600.0), venue=OraclePool(), funding=Unfunded(), index="pool"),
    Market("call", Option(expiry=6_000.0), venue=OraclePool(volatility_impact=1e-6), funding=Unfunded(), index="pool"),
    Market(
        "put", Option(right="put", strike=1_900.0, expiry=9_000.0), venue=OrderBook(), funding=Unfunded(), index="pool"
    ),
)
SYNTH = Market("synth", oracle=Told(), venue=SynthPool(wait=2_000.0), funding=Adaptive(increase=1e-9, most=1e-6))
GATED = Market("gated", oracle=Told(), venue=ImpactPool(), funding=Imbalance(1e-6), access=Credentialed())
MEAN = Market("amm", oracle=Told(), venue=VirtualAmm(liquidity=2e6), funding=AveragedPremium(interval=60.0))
ALL = (POOL, AMM, SELF, BOOK, SPOT)

WORLDS = {
    "cross, full, insurance then socialise": Exchange(
        markets=ALL, vault=Vault(liquidity=2e6), insurance=2_000.0, losses=(Insurance(), Socialise())
    ),
    "isolated, partial, insurance then vault then socialise": Exchange(
        markets=(*ALL, SEALED),
        vault=Vault(liquidity=500_000.0, fee=0.001),
        margin=Isolated(),
        liquidation=Partial(penalty=0.002),
        insurance=500.0,
        losses=(Insurance(0.5), VaultBackstop(0.2), Socialise(0.3)),
    ),
    "scaled, full, deleverage then insurance": Exchange(
        markets=(POOL, AMM, SELF, replace(BOOK, venue=OrderBook(slots=6, self_trade=DecrementBoth())), SPOT, RANGE),
        vault=Vault(liquidity=2e6, commitment=3.0),
        margin=VolatilityScaled(inner=Cross(slope=1e-5), half_life=60.0),
        insurance=2_000.0,
        losses=(Deleverage(), Insurance(), Socialise()),
    ),
    "cross, full, insurance then deleverage, nobody else": Exchange(
        markets=(POOL, AMM, SELF, replace(BOOK, venue=OrderBook(slots=6, self_trade=CancelTaker())), SPOT, RANGE),
        vault=Vault(liquidity=1e6),
        insurance=100.0,
        losses=(Insurance(), Deleverage()),
    ),
    "cross, partial, nobody pays": Exchange(
        markets=(*ALL, SEALED),
        vault=Vault(liquidity=0.0),
        liquidation=Partial(close_factor=0.3),
        insurance=0.0,
        losses=(),
    ),
    "cross, full, vault first": Exchange(
        markets=(replace(POOL, fee=0.0), SPOT),
        vault=Vault(liquidity=200_000.0),
        margin=Cross(0.02, 0.01),
        liquidation=Full(penalty=0.02),
        insurance=0.0,
        losses=(VaultBackstop(), Socialise()),
    ),
    "cross, dutch before the vault, insurance then socialise": Exchange(
        markets=ALL,
        vault=Vault(liquidity=1e6),
        liquidation=Backstop(
            Dutch(curve=Stairstep(0.97, 12), tail=90.0, halt=0.2), health=-20.0, after=300.0, route=ToBackstop(0.5)
        ),
        insurance=2_000.0,
        losses=(Insurance(), Socialise()),
    ),
    "cross, english, insurance then socialise": Exchange(
        markets=ALL,
        vault=Vault(liquidity=1e6),
        liquidation=English(ttl=12.0, tau=600.0, tip=5.0),
        insurance=2_000.0,
        losses=(Insurance(), Socialise()),
    ),
    "isolated, solvent then insolvent auctions, insurance then vault": Exchange(
        markets=ALL,
        vault=Vault(liquidity=1e6),
        margin=Isolated(),
        liquidation=Staged(fast=60.0, slow=600.0, insolvent=60.0, tip=1.0),
        losses=(Insurance(), VaultBackstop()),
    ),
    "cross, graded, by every route, nobody pays": Exchange(
        markets=ALL,
        vault=Vault(liquidity=1e6),
        liquidation=Graded(grace=12.0, routes=(AtOracle(), ThroughVenue(), ToBackstop())),
        losses=(),
    ),
    "scaled portfolio, full, deleverage then all, dated": Exchange(
        markets=(POOL, *DATED, SPOT),
        vault=Vault(liquidity=1e6),
        margin=VolatilityScaled(inner=Portfolio(), half_life=600.0),
        insurance=500.0,
        losses=(Deleverage(), Insurance(), VaultBackstop(0.5), Socialise()),
        surfaces=(Surface(),),
    ),
    "cross, partial, insurance then all, dated": Exchange(
        markets=(POOL, *DATED, SPOT),
        vault=Vault(liquidity=1e6),
        liquidation=Partial(),
        insurance=500.0,
        losses=(Insurance(), Socialise()),
        surfaces=(Surface(),),
    ),
    "governed, gated, hedged and settled later": Exchange(
        markets=(SYNTH, GATED, MEAN, SPOT),
        vault=Vault(liquidity=2e6, access=Credentialed()),
        insurance=2_000.0,
        governance=Governance(delay=30.0, grace=2_000.0),
        hedging=DeltaBand(("amm",), slippage=0.05, band=5.0, most=50.0),
    ),
}
WORLDS["portfolio, full, insurance then all, with strategies"] = Exchange(
    markets=(POOL, *DATED, SPOT, replace(DATED[2], name="put2", venue=OraclePool())),
    vault=Vault(liquidity=1e6),
    margin=Portfolio(),
    insurance=500.0,
    losses=(Insurance(), Socialise()),
    surfaces=(Surface(),),
    collateral=(Collateral("ETH"),),
    strategies=(
        CoveredCall("calls", "spot", slippage=0.1),
        ProtectivePut("puts", "pool", premium_slippage=0.9),
        Collar("collar", "pool", premium_slippage=0.9, liquidity=5_000.0),
        DeltaNeutral("neutral", "spot", short="pool", slippage=0.1),
    ),
)
CHANGES = (
    ("margin.initial", 0.2),
    ("margin.maintenance", 0.04),
    ("margin", VolatilityScaled()),
    ("margin", Cross()),
    ("margin", Isolated()),
    ("margin.initial", 3.0),
    ("markets.amm.funding", PremiumPlus()),
    ("markets.amm.funding", TwapGap()),
    ("markets.synth.venue.spread", 0.001),
    ("losses", (Insurance(), Deleverage(), Socialise())),
)


def trade_series(state: State, house: House, account: int, series: exchange.Series, size: int) -> exchange.Fill:
    """What the transaction of that name does."""
    return exchange.trade(state, exchange.find_series(state, house, series), account, size)


class Walk(Witness):
    """One guided walk."""

    def __init__(self, rules: Exchange, seed: int) -> None:
        state, self.traders = open_world(rules, traders=8, stake=20_000)
        super().__init__(state)
        self.rng = np.random.Generator(np.random.Philox(seed))
        self.house, self.listings = state.houses[0], state.listings[0]
        self.claims = [listing for listing in self.listings if listing.size >= 0]
        self.index = PRICE
        self.governor = self.traders[0]
        if rules.governance is not None:
            exchange.appoint(state, self.house, self.governor)
            exchange.authorise(state, "PASS", self.governor)
            for account in [*self.traders[:5], int(state.ledger.of_group(["founders"])[0])]:
                exchange.grant(state, self.governor, "PASS", account)
        self.founders = int(state.ledger.of_group(["founders"])[0])
        self.dated = [listing for listing in self.claims if state.market(listing).instrument.expires() < math.inf]
        if rules.surfaces:
            surface.appoint(state, self.house, "ETH", self.traders[0])
            state.finalise()

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
        books = [one for one in self.claims if isinstance(self.state.market(one).venue, OrderBook | BatchAuction)]
        listing, account = self.among(books * 4 + self.claims), self.among(self.traders)
        kind = self.rng.random()
        tables = self.state.tables
        resting = tables.get(listing.path + ".book", tables.get(listing.path + ".bids", []))
        if kind < 0.75:
            side = self.among([-1, 1])
            price = read_mark(self.state, listing).value if listing in self.dated else self.index
            price *= 1.0 - side * self.among([0.001, 0.002, 0.01, -0.02])
            size = side * int(self.rng.integers(0, COIN))
            self.does(exchange.post, account, listing, account, size, price)
        elif kind < 0.95:
            order = self.among(resting) if len(resting) else (0, 0, account, 0)
            account = self.among([int(order[2]), account])
            self.does(exchange.cancel, account, listing, account, int(order[3]))
        else:
            self.does(exchange.cancel_all, account, listing, account)

    def options(self) -> None:
        """A surface, mostly its keeper's and mostly in bounds; and an option by what it is, which may not be listed."""
        account = self.among([self.traders[0], self.traders[0], self.among(self.traders)])
        if self.rng.random() < 0.5:
            level = self.among([0.3, 0.6, 0.9, 1.5, -0.2])
            self.does(exchange.post_surface, account, self.house, account, "ETH", ((level,) * 5,) * 3)
        else:
            series = exchange.Series("ETH", "call", self.among([2_000.0, 2_000.0, 2_050.0]), 6_000.0)
            size = int(self.rng.normal() * 5 * COIN)
            self.does(trade_series, account, self.house, account, series, size)

    def vault(self) -> None:
        account = self.among(self.traders)
        if self.rng.random() < 0.5:
            units = self.amount(min(self.has(self.house.token, account), 30_000 * CASH))
            self.does(exchange.invest, account, self.house, account, units)
        else:
            account = self.among([account, account, self.founders])
            self.does(exchange.divest, account, self.house, account, self.amount(self.has(self.house.share, account)))

    def retail(self) -> None:
        """Into a strategy, out of it, or its plan carried out."""
        account, mandate = self.among(self.traders), self.among(self.state.mandates[0])
        kind = self.rng.random()
        if kind < 0.3:
            units = self.amount(min(self.has(self.house.token, account), 30_000 * CASH))
            self.does(exchange.join, account, mandate, account, units)
        elif kind < 0.7:
            self.does(exchange.rebalance, account, mandate, account)
        else:
            holders = [one for one in self.traders if self.has(mandate.share, one)]
            account = self.among(holders or self.traders)
            shares = self.amount(self.has(mandate.share, account))
            self.does(exchange.leave, account, mandate, account, shares, self.among([0, 0, 10**12]))

    def pool(self) -> None:
        account = self.among(self.traders)
        listing = next(one for one in self.listings if one.name == "spot")
        if self.rng.random() < 0.5:
            units = self.amount(min(self.has(self.house.token, account), 30_000 * CASH))
            self.does(exchange.provide, account, listing, account, units)
        else:
            self.does(exchange.remove, account, listing, account, self.amount(self.has(listing.share, account)))

    def ranges(self) -> None:
        """Into a range, out of one, whole or in part, or a range that is none."""
        found = [one for one in self.listings if one.name == "range"]
        if not found:
            return
        listing, account = found[0], self.among(self.traders)
        venue = self.state.market(listing).venue
        if self.rng.random() < 0.5:
            centre = venue.mid(self.state, listing) * self.among([0.9, 1.0, 1.0, 1.1])
            low, high = venue.span(centre * 0.95, centre * 1.05, listing)
            low += self.among([0, 0, 0, 0, 1])
            most = self.amount(10 * COIN), self.amount(min(self.has(self.house.token, account), 30_000 * CASH))
            self.does(exchange.provide_range, account, listing, account, low, high, *most)
        elif held := venue.held(self.state, listing):
            one = self.among(held)
            self.does(
                exchange.remove_range, one.account, listing, one.account, one.low, one.high, self.amount(one.liquidity)
            )

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
        if not isinstance(self.state.exchange(self.house).liquidation, Full | Partial):
            self.auctions()

    def tally(self, done: exchange.Liquidated) -> None:
        flat = self.has(done.listing.size, done.account) == 0
        self.note("closed whole" if flat else "closed in part")
        if done.deleveraged:
            self.note("Deleverage paid")
        if isinstance(self.state.exchange(self.house).liquidation, Partial):
            self.note("keeper took over")
        if done.taker == self.house.vault:
            self.note("vault took over")
        if done.deficit:
            self.note("bad debt")
            if done.deficit > sum(paid for _, paid in done.covered):
                self.note("deficit left uncovered")
        for name, _ in done.covered:
            self.note(name + " paid")

    def auctions(self) -> None:
        """Everything that may be done to whoever is below or up for auction, and some that may not."""
        rule = self.state.exchange(self.house).liquidation
        for listing in self.claims:
            for account in self.traders:
                if account not in cases(self.state, listing) and rule.opens(self.state, listing, account) is None:
                    continue
                for _ in range(6):
                    self.auction(listing, account)
                    if self.rng.random() < 0.1:
                        self.later(100.0)
                if self.rng.random() < 0.3:
                    self.pass_time()

    def auction(self, listing: Listing, account: int) -> None:
        keeper = self.among(self.traders)
        rising = self.state.exchange(self.house).liquidation.takes_bids
        suited = [exchange.bark, *([exchange.bid] * 4 if rising else [exchange.take] * 2)]
        verb = self.among([*suited, exchange.take, exchange.bid, exchange.deal, exchange.redo, exchange.lift])
        arguments: tuple[Any, ...] = (listing, keeper, account)
        if verb is exchange.lift:
            arguments = (listing, account)
        elif verb is exchange.bid:
            arguments += (self.index * self.among([0.0, 0.3, 0.9, 1.0, 1.1, 2.0]),)
        elif verb is exchange.take:
            arguments += (self.amount(abs(self.has(listing.size, account))), self.among([math.nan, self.index]))
        done = self.does(verb, keeper, *arguments)
        if isinstance(done, exchange.Liquidated):
            self.tally(done)
        if isinstance(done, exchange.Bidden) and self.rng.random() < 0.5:
            self.regret(listing, keeper, account)

    def regret(self, listing: Listing, bidder: int, account: int) -> None:
        """A bidder takes out what it can, the market moves on, and the lot is dealt."""
        self.does(exchange.withdraw, bidder, self.house, bidder, self.has(self.house.cash, bidder))
        against = math.copysign(0.2, self.has(listing.size, account))
        self.later(15.0, 1.0 - self.among([against, against, -0.2 * against]))
        done = self.does(exchange.deal, bidder, listing, bidder, account)
        self.note("forfeited" if isinstance(done, exchange.Forfeited) else "dealt after all")

    def later(self, seconds: float, factor: float = 1.0) -> None:
        self.state.time += seconds
        self.index *= factor
        tell(self.state, self.index)

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

    def is_pending(self, listing: Listing, account: int) -> bool:
        return self.state.market(listing).venue.is_pending(self.state, listing, account)

    def office(self) -> None:
        """Rules and credentials change, by those who may and those who may not; the vault is hedged."""
        account = self.among([self.governor] * 20 + self.traders)
        waiting = [proposal.number for proposal in exchange.proposals(self.state, self.house)]
        number = self.among([*waiting, 10**6])
        kind = self.among(["propose", "propose", "execute", "execute", "retract", "grant", "revoke", "hedge", "leave"])
        if kind == "propose":
            self.does(exchange.propose, account, self.house, account, *self.among(CHANGES))
        elif kind in ("execute", "retract"):
            self.does(getattr(exchange, kind), account, self.house, account, number)
        elif kind in ("grant", "revoke"):
            self.does(getattr(exchange, kind), account, account, "PASS", self.among(self.traders))
        elif kind == "leave":
            owing = [t for t in self.traders if any(self.is_pending(listing, t) for listing in self.claims)]
            leaver = self.among(owing or self.traders)
            if not owing:
                self.does(exchange.trade, leaver, self.claims[0], leaver, self.among([-1, 1]) * COIN // 10)
            self.does(exchange.withdraw, leaver, self.house, leaver, 1)
        else:
            self.does(exchange.hedge, account, self.house, account)

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
        for cleared in exchange.close_block(self.state):
            self.note("auction cleared" if (cleared.code == 0).any() else "auction without a trade")
            for code in cleared.code[cleared.code > 0].tolist():
                self.note(f"passed over: {errors.reasons()[code].__name__}")
        laws.check(self.state)
        assert self.state.digest() == digest
        settled = [outcome(self.state, listing) for listing in self.dated]
        for name in ("accounts", "deficit", "dust"):
            if any(getattr(one, name) for one in settled):
                self.note("settled " + name)
        if self.rng.random() < 0.3:
            self.state.finalise()

    def go(self, steps: int) -> None:
        deeds = {
            self.cash: 0.10,
            self.trade: 0.32,
            self.quote: 0.18,
            self.vault: 0.06,
            self.pool: 0.04,
            self.ranges: 0.05,
            self.report: 0.02,
            self.liquidate: 0.08,
            self.duel: 0.05,
            self.pass_time: 0.10,
        }
        if self.dated:
            deeds[self.trade] -= 0.06
            deeds[self.options] = 0.06
        if self.state.mandates[0]:
            deeds[self.trade] -= 0.12
            deeds[self.retail] = 0.12
        if self.state.exchange(self.house).governance is not None:
            deeds |= {self.office: 0.20, self.trade: 0.27, self.quote: 0.0, self.cash: 0.13}
        for _ in range(steps):
            list(deeds)[int(self.rng.choice(len(deeds), p=list(deeds.values())))]()


ELSEWHERE = (
    errors.CollateralCapped,  # the walk of test_lending
    *(errors.UnderCollateralised, errors.IssueCapped, errors.DustyDebt),  # the walk of test_synthetics
    errors.VaultUtilised,  # test_hedging_options
    errors.FlashUnpaid,  # the walk of test_flash
    *(errors.Unvested, errors.BeyondFrontier),  # the walk of test_vesting, and test_attacks_capital
    errors.Halted,  # test_limits
    errors.WrongChain,  # test_two_chains
    *(errors.NotFinal, errors.UnknownMessage, errors.AlreadyCarried, errors.BridgeEmpty),  # test_bridge
    *(errors.WrongSecret, errors.DealOver),  # test_bridge
)
MEANT = [
    *("closed whole", "closed in part", "keeper took over", "bad debt", "deficit left uncovered", "block"),
    *("Insurance paid", "VaultBackstop paid", "Deleverage paid", "Socialise paid"),
    *("deposit", "withdraw", "trade", "invest", "divest", "provide", "remove", "liquidate", "report"),
    *(
        "provide_range",
        "remove_range",
        "auction cleared",
        "passed over: UnderMargined",
        "passed over: SlippageExceeded",
    ),
    *("post", "cancel", "cancel_all"),
    *("bark", "take", "bid", "deal", "redo", "lift", "forfeited", "vault took over"),
    *("post", "cancel", "cancel_all", "post_surface", "trade_series"),
    *("settled accounts", "settled dust"),
    *("propose", "execute", "retract", "grant", "revoke", "hedge"),
    *("join", "leave", "rebalance"),
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
