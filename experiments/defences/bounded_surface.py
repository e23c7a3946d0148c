"""Bound what trades may move volatility by in a day: a surface goes no further than that from where its keeper left it.

A lever of volatility then reaches no further than the spread of what it is to be used on. The cost: a vault that sells more and
more of an option does not get dearer beyond the bound until its keeper looks, and whoever moves the surface pays for a move
that is not let through.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.world import Exchange, World


@dataclass(frozen=True)
class BoundedSurface(Defence):
    """`daily`: per root year, a day and either way."""

    daily: float = 0.02

    answers: ClassVar = ("VolatilityPush",)

    def __post_init__(self) -> None:
        """Refuse a bound that is none."""
        if not self.daily > 0:
            raise ValueError(f"daily = {self.daily}: must be above 0 per root year")

    def applied(self, world: World) -> World | None:
        """Bind every surface that may move further."""
        return each_exchange(world, self._bounded)

    def _bounded(self, exchange: Exchange) -> Exchange | None:
        if not any(surface.daily > self.daily for surface in exchange.surfaces):
            return None
        surfaces = (dataclasses.replace(one, daily=min(one.daily, self.daily)) for one in exchange.surfaces)
        return dataclasses.replace(exchange, surfaces=tuple(surfaces))
