"""The defence family: a change of rules that is meant to stop attacks, made to any world that has a place for it.

A defence is data about a world and plays nothing: what it stops, and what it costs honest users, is measured by playing both
worlds with and without the attacker (`experiments.arsenal`). It counts only while honest trade goes on.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from protocol.oracles.base import Oracle
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class Defence(ABC):
    """A rule to switch in. `answers`: names of the attacks it is meant for; others may be stopped by it, too."""

    answers: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def applied(self, world: World) -> World | None:
        """The world with the rule switched in; None where there is no place for it, or it is in force already."""


def each_exchange(world: World, change: Callable[[Exchange], Exchange | None]) -> World | None:
    """The world with every exchange changed for which `change` knows how; None where that is none."""
    changed = [change(exchange) for exchange in world.exchanges]
    if all(new is None for new in changed):
        return None
    exchanges = tuple(old if new is None else new for old, new in zip(world.exchanges, changed, strict=True))
    return dataclasses.replace(world, exchanges=exchanges)


def each_market(world: World, change: Callable[[Exchange, Market], Market | None]) -> World | None:
    """The world with every market changed for which `change` knows how; None where that is none."""

    def within(exchange: Exchange) -> Exchange | None:
        changed = [change(exchange, market) for market in exchange.markets]
        if all(new is None for new in changed):
            return None
        markets = tuple(old if new is None else new for old, new in zip(exchange.markets, changed, strict=True))
        return dataclasses.replace(exchange, markets=markets)

    return each_exchange(world, within)


def each_oracle(world: World, change: Callable[[Oracle], Oracle | None]) -> World | None:
    """The world with every oracle changed for which `change` knows how, also within another; None where that is none."""

    def deep(oracle: Oracle) -> Oracle | None:
        new = change(oracle)
        if new is not None:
            return new
        parts = {
            field.name: inner
            for field in dataclasses.fields(oracle)
            if isinstance(part := getattr(oracle, field.name), Oracle) and (inner := deep(part)) is not None
        }
        return dataclasses.replace(oracle, **parts) if parts else None

    def within(exchange: Exchange, market: Market) -> Market | None:
        new = deep(market.oracle)
        return None if new is None else dataclasses.replace(market, oracle=new)

    return each_market(world, within)
