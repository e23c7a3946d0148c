"""The channels by which one liquidation brings about another, each as a change of a scenario that cuts it and nothing else.

A twin with a channel cut shares every draw with the run itself, so that what is missing in it is what went through that channel.
Cuts are no defences: they stand on capital that nobody has (`AMPLE`), and say only what a channel carries.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from agents.player import Role
from agents.roles.common_maker import CommonMaker
from agents.roles.keeper import Keeper
from agents.roles.loan_keeper import LoanKeeper
from agents.roles.maker import NEVER, Maker
from agents.roles.provider import Provider
from agents.roles.purse import Pooled
from agents.roles.reporter import Reporter
from agents.roles.supplier import Supplier
from agents.streams import Streams
from experiments.defences.base import each_exchange, each_market
from experiments.defences.outside_index import OutsideIndex
from experiments.scenario import Scenario
from protocol.appraisal import Collateral, issued
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.base import Liquidation
from protocol.liquidations.full import Full
from protocol.liquidations.routes import ToBackstop
from protocol.losses.insurance import Insurance
from protocol.oracles.median import Median
from protocol.world import Exchange, Market, World

AMPLE = 1e9  # cash coins: more than any bundled scenario could lose


class Channel(NamedTuple):
    """`cut` gives the scenario without it, or None where there is no such channel in it."""

    name: str
    about: str
    cut: Callable[[Scenario], Scenario | None]


def _of_world(change: Callable[[World], World | None]) -> Callable[[Scenario], Scenario | None]:
    def cut(scenario: Scenario) -> Scenario | None:
        world = change(scenario.world)
        return None if world is None else dataclasses.replace(scenario, world=world)

    return cut


def _taken_over(exchange: Exchange) -> Exchange | None:
    """What must be closed goes to an account of ample capital at the index, and what is left is the owner's.

    Charges are those of `Full` where that was the rule, else the route's own. None where there are no positions to close: what is
    seized comes in kind, and its keeper sells it where he likes.
    """
    if not any(market.instrument.claims() for market in exchange.markets):
        return None
    inner: Liquidation = exchange.liquidation
    while isinstance(inner, Backstop):
        inner = inner.inner
    charges = {"reward": inner.reward, "penalty": inner.penalty} if isinstance(inner, Full) else {}
    rule = Backstop(inner, health=1.0, route=ToBackstop(keep=1.0, account="liquidator", **charges))
    return dataclasses.replace(exchange, liquidation=rule, liquidator=max(AMPLE, exchange.liquidator))


def _insured(exchange: Exchange) -> Exchange | None:
    """The fund comes first, and never runs out."""
    if not exchange.losses or exchange.insurance >= AMPLE:
        return None
    rest = tuple(loss for loss in exchange.losses if not isinstance(loss, Insurance))
    return dataclasses.replace(exchange, insurance=AMPLE, losses=(Insurance(), *rest))


def _staying(scenario: Scenario) -> Scenario | None:
    """Providers and suppliers stay, whatever they lose or fear."""

    def stays(role: Provider | Supplier) -> Role:
        if isinstance(role, Supplier):
            return dataclasses.replace(role, nervous=math.inf, doubt=math.inf)
        return dataclasses.replace(role, pain=1.0, calm=math.inf) if role.pain < 1.0 else role

    return _recast(scenario, (Provider, Supplier), stays)


def _recast(scenario: Scenario, kind: type | tuple[type, ...], change: Callable[[Any], Role]) -> Scenario | None:
    """The scenario with every role of a kind changed; None where that changes nobody."""
    cast = tuple(change(role) if isinstance(role, kind) else role for role in scenario.cast)
    return None if cast == scenario.cast else dataclasses.replace(scenario, cast=cast)


def set_apart(scenario: Scenario, issuers: Collection[str] = ()) -> Scenario | None:
    """What exchanges take of another counts as at the start, whatever becomes of that one: of `issuers`, or of all, bridges too.

    None where nobody takes any. A replayed nature is asked where it starts, which reads its klines.
    """
    others = [one for one in scenario.world.exchanges if not issuers or one.name in issuers]
    tokens = {token for issuer in others for token in issued(issuer)}
    wrapped = set() if issuers else {bridge.wrapped for bridge in scenario.world.bridges}

    def abroad(exchange: Exchange) -> list[Collateral]:
        foreign = (tokens - issued(exchange) - exchange.priced()) | wrapped
        return [one for one in exchange.collateral if one.at is None and one.token in foreign]

    if not any(abroad(exchange) for exchange in scenario.world.exchanges):
        return None
    worth = _worth_at_start(scenario, others)

    def apart(exchange: Exchange) -> Exchange | None:
        fixed = abroad(exchange)
        taken = tuple(
            dataclasses.replace(one, at=worth[one.token]) if one in fixed else one for one in exchange.collateral
        )
        return dataclasses.replace(exchange, collateral=taken) if fixed else None

    return _of_world(lambda world: each_exchange(world, apart))(scenario)


def _worth_at_start(scenario: Scenario, issuers: Sequence[Exchange]) -> dict[str, float]:
    """Cash coins per coin of what exchanges issue, as a run begins."""
    nature = scenario.nature
    begins = nature.start or nature.path(Streams(scenario.seed), 0)[0].tolist()
    start = dict(zip(nature.assets, begins, strict=True))
    wrapped = {bridge.wrapped for bridge in scenario.world.bridges}
    traded = [market.instrument for exchange in scenario.world.exchanges for market in exchange.markets]
    worth = {one.token: start[one.base] for one in traded if one.token in wrapped}
    for issuer in issuers:
        prices = {market.instrument.token: start[market.instrument.base] for market in issuer.markets}
        prices[issuer.cash] = 1.0
        share = f"{issuer.name}.share"
        if issuer.vault is not None:
            worth[share] = prices[share] = 1.0 - issuer.vault.fee
        worth |= {f"{issuer.name}.{pool.asset}.supply": prices[pool.asset] for pool in issuer.loans}
        worth |= {token: prices[token] for token in issued(issuer) & prices.keys()}
    return worth


def own_feeds(scenario: Scenario, owners: Collection[str] = ()) -> Scenario | None:
    """Whoever reads another exchange's index has honest reporters of its own: in place of that of `owners`, or of any."""

    def foreign(market: Market) -> bool:
        owner, _, _ = market.index.rpartition(".")
        return bool(owner) and (not owners or owner in owners)

    return _reported(scenario, foreign)


def outside(scenario: Scenario) -> Scenario | None:
    """Marks are read from outside the venue: from a market beside it whose oracle reads none, else from honest reporters."""
    beside = _of_world(OutsideIndex().applied)(scenario)
    inner = _of_world(lambda world: each_market(world, _without_venues))(beside or scenario) or beside
    marked = _reported(
        inner or scenario, lambda one: not one.index and bool(one.instrument.claims()) and bool(one.oracle.sources())
    )
    return marked or inner


def _without_venues(_: Exchange, market: Market) -> Market | None:
    """Where reports are one voice among others, they alone: whoever reports is there already."""
    oracle = market.oracle
    while (inside := oracle.takes_reports()) is not None:
        oracle = inside[0]
    if market.index or oracle is market.oracle or not market.oracle.sources() or oracle.sources():
        return None
    return dataclasses.replace(market, oracle=oracle)


def _reported(scenario: Scenario, which: Callable[[Market], bool]) -> Scenario | None:
    """Honest reporters, and the median of them, for each of these markets; None where there are none of these."""
    reporters: list[Role] = []

    def own(exchange: Exchange, market: Market) -> Market | None:
        if not which(market):
            return None
        feed = Median()
        name = f"reporter of {exchange.name} {market.name}"
        reporters.append(Reporter(name, count=feed.reporters, exchange=exchange.name, market=market.name))
        return dataclasses.replace(market, index="", oracle=feed)

    world = each_market(scenario.world, own)
    return None if world is None else dataclasses.replace(scenario, world=world, cast=(*scenario.cast, *reporters))


def _ample(scenario: Scenario) -> Scenario | None:
    """Whoever must pay to liquidate can: seizures anywhere, and takeovers where a rule has any."""
    rules = {exchange.name: exchange for exchange in scenario.world.exchanges}
    first = scenario.world.exchanges[0].name

    def ample(role: Keeper | LoanKeeper) -> Role:
        free = isinstance(role, Keeper) and isinstance(rules[role.exchange or first].liquidation, Full)
        return role if free else dataclasses.replace(role, capital=max(AMPLE, role.capital))

    return _recast(scenario, (Keeper, LoanKeeper), ample)


def _steady(role: Maker) -> Maker:
    """A maker that quotes as if it were calm, and stays."""
    steady = dataclasses.replace(role, heed=0.0, flight=NEVER, most=max(AMPLE, role.most))
    return dataclasses.replace(steady, elasticity=0.0, drawdown=1.0) if isinstance(steady, CommonMaker) else steady


CHANNELS = (
    Channel(
        "price",
        "forced sales move no price: they are taken over at the index",
        _of_world(lambda world: each_exchange(world, _taken_over)),
    ),
    Channel("losses", "the insurance never runs out", _of_world(lambda world: each_exchange(world, _insured))),
    Channel("oracle", "marks are read from outside the venue", outside),
    Channel("liquidity", "providers and suppliers never leave", _staying),
    Channel("collateral", "what exchanges take of one another counts as at the start", set_apart),
    Channel(
        "holders",
        "common holders, makers and keepers keep a purse for each exchange",
        lambda scenario: _recast(scenario, Pooled, lambda role: dataclasses.replace(role, pooled=0.0)),
    ),
    Channel("feed", "every exchange has reporters of its own", own_feeds),
    Channel(
        "makers",
        "makers neither widen nor leave when prices move",
        lambda scenario: _recast(scenario, Maker, _steady),
    ),
    Channel("keepers", "keepers never run out of capital", _ample),
)


def without_any(scenario: Scenario) -> Scenario:
    """The scenario with every channel cut that it has."""
    for channel in CHANNELS:
        scenario = channel.cut(scenario) or scenario
    return scenario
