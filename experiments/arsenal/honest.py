"""An honest cast for a world that comes without one: whoever its rules need to work, and traders in proportion to its depth.

Without them nothing could be attacked: no index would be reported, no account liquidated, and nobody would have anything to lose.
Each market gets what its instrument, venue and oracle live on. How much is traded is a guess from the depth and caps that the
world states (assumption of the audit, said in its report); who knows better writes a cast.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from agents.crowds.fundamental import FundamentalCrowd
from agents.crowds.leveraged import LeveragedCrowd
from agents.crowds.noise import NoiseCrowd
from agents.nature.reference import ReferenceVenue
from agents.player import Role
from agents.roles.arbitrageur import Arbitrageur
from agents.roles.authority import Authority
from agents.roles.basis import BasisTrader
from agents.roles.bidder import Bidder
from agents.roles.biter import Biter
from agents.roles.exposure_trader import ExposureTrader
from agents.roles.hedger import Hedger
from agents.roles.keeper import Keeper
from agents.roles.loan_keeper import LoanKeeper
from agents.roles.looper import Looper
from agents.roles.maker import Maker
from agents.roles.minter import Minter
from agents.roles.options_maker import OptionsMaker
from agents.roles.peg_trader import PegTrader
from agents.roles.rebalancer import Rebalancer
from agents.roles.reporter import Reporter
from agents.roles.saver import Saver
from agents.roles.supplier import Supplier
from agents.roles.updater import Updater
from experiments.scenario import Scenario
from protocol.access import Credentialed
from protocol.instruments.option import Option
from protocol.instruments.synthetic import Synthetic
from protocol.liquidations.english import English
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.pull import Pull
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.order_book import OrderBook
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market

USUAL_DEPTH = 1_000_000.0  # cash coins, where a venue states none
OPEN = 0.1  # of the depth: what the crowd of a market would hold open at full stretch
OF_CAP = 0.5  # of an open-interest cap, at most
MEMBERS = 100
REFERENCE = 1e9  # cash coins a unit of log mid: 10 million for 1 %


class Seat(NamedTuple):
    """A market, and how its roles are told apart from those of others."""

    exchange: Exchange
    market: Market
    price: float  # of its asset at the start, cash coins

    def called(self, what: str) -> dict[str, str]:
        """Name and place of a role here."""
        name = f"{self.market.name.lower()}-{what}"
        return {"name": name, "market": self.market.name, "exchange": self.exchange.name}

    @property
    def depth(self) -> float:
        """Cash coins that stand behind its trades."""
        if self.market.venue.counterparty == "vault" and self.exchange.vault is not None:
            return self.exchange.vault.liquidity
        return float(getattr(self.market.venue, "liquidity", USUAL_DEPTH))


def peopled(scenario: Scenario) -> Scenario:
    """The scenario as it is, or, where its cast is empty, with an honest one and somewhere outside to trade."""
    if scenario.cast:
        return scenario
    start = dict(
        zip(scenario.nature.assets, scenario.nature.start or (1.0,) * len(scenario.nature.assets), strict=True)
    )
    seats = [
        Seat(exchange, market, start.get(market.instrument.base, 1.0))
        for exchange in scenario.world.exchanges
        for market in exchange.markets
    ]
    cast = [role for exchange in scenario.world.exchanges for role in _of_exchange(exchange)]
    cast += [role for seat in seats for role in (*_feeding(seat), *_of_market(seat))]
    several = len(scenario.world.exchanges) > 1
    named = tuple(dataclasses.replace(r, name=f"{r.exchange}-{r.name}") if several else r for r in cast)
    named += tuple(_vouching(scenario, named))
    references = scenario.references or tuple(
        ReferenceVenue(asset, depth=REFERENCE) for asset in scenario.nature.assets
    )
    return dataclasses.replace(scenario, cast=named, references=references)


def _of_exchange(exchange: Exchange) -> Iterator[Role]:
    at = {"exchange": exchange.name}
    claims = any(market.instrument.claims() for market in exchange.markets)
    if claims:
        yield Keeper(count=2, **at)  # type: ignore[arg-type]
        if isinstance(exchange.liquidation, English):
            yield Bidder(count=2, **at)  # type: ignore[arg-type]
    if exchange.collateral or exchange.loans:
        yield LoanKeeper(name="loan-keeper", **at)  # type: ignore[arg-type]
    if any(pool.asset == exchange.cash for pool in exchange.loans):
        yield Supplier(**at)  # type: ignore[arg-type]
        pledged = {one.token for one in exchange.collateral}
        pools = [m for m in exchange.markets if isinstance(m.venue, ConstantProduct) and m.instrument.base in pledged]
        for market in pools[:1]:
            yield Looper(market=market.name, **at)  # type: ignore[arg-type]
    if exchange.hedging is not None:
        yield Hedger(**at)  # type: ignore[arg-type]
    for strategy in exchange.strategies:
        yield Saver(name=f"{strategy.name}-saver", strategy=strategy.name, **at)  # type: ignore[arg-type]
    if exchange.strategies:
        yield Rebalancer(**at)  # type: ignore[arg-type]
    if any(isinstance(m.instrument, Option) and isinstance(m.venue, OrderBook) for m in exchange.markets):
        yield OptionsMaker(name="options-maker", **at)  # type: ignore[arg-type]


def _feeding(seat: Seat) -> Iterator[Role]:
    """Who brings the index what it reads."""
    oracle = seat.market.oracle
    while isinstance(oracle, Guarded):
        oracle = oracle.inner
    if seat.market.index:
        return
    if isinstance(oracle, Median):
        yield Reporter(count=oracle.reporters, **seat.called("reporter"))  # type: ignore[arg-type]
    elif isinstance(oracle, Pull):
        yield Updater(**seat.called("updater"))  # type: ignore[arg-type]


def _of_market(seat: Seat) -> Iterator[Role]:
    venue, instrument = seat.market.venue, seat.market.instrument
    if isinstance(instrument, Synthetic):
        bold = 1.1 * instrument.least
        yield ExposureTrader(**seat.called("exposure"))  # type: ignore[arg-type]
        yield PegTrader(ratio=1.1 * bold, guard=1.02 * instrument.least, **seat.called("peg"))  # type: ignore[arg-type]
        yield Biter(**seat.called("biter"))  # type: ignore[arg-type]
        yield Minter(boldest=bold, **seat.called("minter"))  # type: ignore[arg-type]
        return
    quoted = isinstance(venue, OrderBook | BatchAuction)
    if instrument.claims():
        if quoted and not isinstance(instrument, Option):
            yield Maker(count=2, capital=2.0 * seat.depth, lot=0.05 * seat.depth, **seat.called("maker"))  # type: ignore[arg-type]
        if isinstance(venue, VirtualAmm):
            yield BasisTrader(capital=seat.depth, base=0.25 * seat.depth / seat.price, **seat.called("basis"))  # type: ignore[arg-type]
            yield FundamentalCrowd(capital=_stake(seat, 2.0), activity=100.0, **seat.called("value"))  # type: ignore[arg-type]
        if isinstance(instrument, Option):
            few = {"count": 20, "capital": 5_000.0, "leverage": 0.02, "slippage": 0.5, "activity": 200.0}
            yield NoiseCrowd(**few, **seat.called("noise"))  # type: ignore[arg-type]
            return
        yield NoiseCrowd(capital=_stake(seat, 2.0), activity=100.0, **seat.called("noise"))  # type: ignore[arg-type]
        yield LeveragedCrowd(capital=_stake(seat, 6.0), activity=100.0, **seat.called("leveraged"))  # type: ignore[arg-type]
        return
    rich, coins = 5.0 * seat.depth, 5.0 * seat.depth / seat.price
    if quoted:
        yield Maker(count=2, capital=rich, base=coins, lot=0.05 * seat.depth, **seat.called("maker"))  # type: ignore[arg-type]
    else:
        yield Arbitrageur(capital=rich, base=coins, **seat.called("arbitrageur"))  # type: ignore[arg-type]
    yield NoiseCrowd(capital=0.01 * seat.depth, leverage=0.1, activity=48.0, **seat.called("noise"))  # type: ignore[arg-type]


def _stake(seat: Seat, leverage: float) -> float:
    """Cash coins of each member, so that a crowd of that leverage holds its part of the depth."""
    whole = min(OPEN * seat.depth, OF_CAP * seat.market.open_interest_cap)
    return max(100.0, 0.5 * whole / leverage / MEMBERS)


def _vouching(scenario: Scenario, cast: tuple[Role, ...]) -> Iterator[Role]:
    """Who lets them in where a credential is asked for."""
    for exchange in scenario.world.exchanges:
        accesses = [market.access for market in exchange.markets]
        accesses += [exchange.vault.access] if exchange.vault is not None else []
        words = sorted({one.credential for one in accesses if isinstance(one, Credentialed)})
        labels = tuple(role.label for role in cast if role.exchange == exchange.name)
        for word in words:
            yield Authority(
                name=f"{exchange.name}-{word.lower()}-authority", exchange=exchange.name, credential=word, admits=labels
            )
