"""Settle at the mean of a longer time: dated contracts look back `factor` times as far, up to their whole life.

A push of settlement must be held for longer, and is paid for in every block. The cost: a contract no longer settles at what its
underlying is worth at expiry, so that whoever hedges a date hedges a mean; and inside the window an option's optionality is gone
sooner.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.instruments.future import Future
from protocol.instruments.option import Option
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class LongerSettlement(Defence):
    """`factor` times the window."""

    factor: float = 20.0

    answers: ClassVar = ("SettlementPush",)

    def __post_init__(self) -> None:
        """Refuse a window that is no longer."""
        if not self.factor > 1:
            raise ValueError(f"factor = {self.factor}: must be above 1")

    def applied(self, world: World) -> World | None:
        """Lengthen the windows of what is dated."""
        return each_market(world, self._longer)

    def _longer(self, _: Exchange, market: Market) -> Market | None:
        instrument = market.instrument
        if not isinstance(instrument, Future | Option) or instrument.window >= instrument.expiry:
            return None
        window = min(instrument.expiry, self.factor * instrument.window)
        return dataclasses.replace(market, instrument=dataclasses.replace(instrument, window=window))
