"""The channels by which one liquidation brings about another, each as a change of a scenario that cuts it and nothing else.

A twin with a channel cut shares every draw with the run itself, so that what is missing in it is what went through that channel.
Cuts are no defences: they stand on capital that nobody has (`AMPLE`), and say only what a channel carries.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

from agents.roles.provider import Provider
from experiments.defences.base import each_exchange
from experiments.defences.outside_index import OutsideIndex
from experiments.scenario import Scenario
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.base import Liquidation
from protocol.liquidations.full import Full
from protocol.liquidations.routes import ToBackstop
from protocol.losses.insurance import Insurance
from protocol.world import Exchange, World

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


def _taken_over(exchange: Exchange) -> Exchange:
    """What must be closed goes to an account of ample capital at the index, and what is left is the owner's.

    Charges are those of `Full` where that was the rule, else the route's own.
    """
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
    """Providers stay, whatever they lose."""
    if not any(isinstance(role, Provider) and role.pain < 1.0 for role in scenario.cast):
        return None
    cast = tuple(
        dataclasses.replace(r, pain=1.0, calm=math.inf) if isinstance(r, Provider) else r for r in scenario.cast
    )
    return dataclasses.replace(scenario, cast=cast)


CHANNELS = (
    Channel(
        "price",
        "forced sales move no price: they are taken over at the index",
        _of_world(lambda world: each_exchange(world, _taken_over)),
    ),
    Channel("losses", "the insurance never runs out", _of_world(lambda world: each_exchange(world, _insured))),
    Channel("oracle", "marks are read from outside the venue", _of_world(OutsideIndex().applied)),
    Channel("liquidity", "providers never leave", _staying),
)


def without_any(scenario: Scenario) -> Scenario:
    """The scenario with every channel cut that it has."""
    for channel in CHANNELS:
        scenario = channel.cut(scenario) or scenario
    return scenario
