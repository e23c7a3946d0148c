"""A liquidator's vault apart from the providers': it takes over what falls, as far as its own capital carries.

What it loses, it alone loses; and when it falls itself, those who win are deleveraged before anybody else is charged. It costs
winners the end of their position at the bankruptcy price, and somebody must bring the capital. Against a pool it bounds only
what the liquidator inherits: beyond that, the pool is on the other side of both legs.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.routes import ToBackstop
from protocol.losses.deleverage import Deleverage
from protocol.world import Exchange, World


@dataclass(frozen=True)
class LiquidatorVault(Defence):
    """`capital` cash coins in its account at the start."""

    capital: float = 50_000.0

    answers: ClassVar = ("ToxicDump",)

    def __post_init__(self) -> None:
        """Refuse settings that are none."""
        if not self.capital > 0:
            raise ValueError(f"capital = {self.capital}: must be above 0 cash coins")

    def applied(self, world: World) -> World | None:
        """Where the providers' vault takes positions over."""
        return each_exchange(world, self._apart)

    def _apart(self, exchange: Exchange) -> Exchange | None:
        rule = exchange.liquidation
        if not isinstance(rule, Backstop) or not isinstance(rule.route, ToBackstop) or rule.route.account:
            return None
        apart = dataclasses.replace(rule, route=dataclasses.replace(rule.route, account="liquidator"))
        losses = tuple(loss for loss in exchange.losses if not isinstance(loss, Deleverage))
        return dataclasses.replace(exchange, liquidation=apart, liquidator=self.capital, losses=(Deleverage(), *losses))
