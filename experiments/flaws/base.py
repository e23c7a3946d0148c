"""The flaw family: a world that is sound, and the mistake that spoils it.

A flaw lives in rules of its own, in a different composition of rules, or in a verb that it swaps for the time of a probe; nothing
flawed is in `protocol`. The same world without the mistake is its control, on which nothing may be found.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

from agents.probing.residents import stage_of
from agents.probing.stage import Stage
from protocol.funding.unfunded import Unfunded
from protocol.genesis import genesis
from protocol.instruments.token import Token
from protocol.oracles.twap import ArithmeticTwap
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Exchange, Market, World

PRICES = {"ETH": 2_000.0, "XAU": 2_400.0}  # cash coins per base coin
CAPITAL = 300_000.0  # cash coins of the searcher's, in all its accounts


@dataclass(frozen=True)
class Flaw(ABC):
    """A mistake. `wealth`: cash coins of each resident. `interval`: seconds a block. `age`: seconds that pass before the search."""

    wealth: ClassVar[float] = 1_000_000.0
    interval: ClassVar[float] = 12.0
    age: ClassVar[float] = 0.0

    @abstractmethod
    def sound(self) -> Exchange:
        """The exchange as it should be."""

    def spoilt(self) -> Exchange:
        """The exchange as it is, where the mistake lies in how rules are composed."""
        return self.sound()

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The mistake in force, where it lies in a verb. Nothing else may run in this process meanwhile."""
        yield

    def stage(self, exchange: Exchange) -> Stage:
        """A stage on an exchange of its own."""
        state = genesis(World(exchanges=(exchange,)), PRICES)
        stage = stage_of(
            state, PRICES, accounts=3, capital=CAPITAL, wealth=self.wealth, interval=self.interval, brings=10_000.0
        )
        if self.age:
            state.time += self.age
            stage.seal()
            stage.settle()
        return stage


@contextmanager
def swapped(module: ModuleType | type, name: str, mistaken: Any) -> Iterator[None]:
    """Another function in place of the one that a module calls by that name."""
    right = getattr(module, name)
    setattr(module, name, mistaken)
    try:
        yield
    finally:
        setattr(module, name, right)


def spot(liquidity: float = 2_000_000.0) -> Market:
    """A pool of tokens that an index can be taken from."""
    return Market("spot", Token(), venue=ConstantProduct(liquidity=liquidity), funding=Unfunded())


def slow() -> ArithmeticTwap:
    """An index that no few blocks move far."""
    return ArithmeticTwap(source="spot", window=7_200.0)
