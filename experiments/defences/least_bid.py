"""Ask for a least bid: nothing is sold in an auction for less than a share of the index it began at.

Whoever keeps everybody else away still pays nearly what the lot is worth (Maker's answer to 12 March 2020 was to end the
rule under which lots went for nothing, with Liquidations 2.0). The cost: in a market that falls by more than the rest nobody
bids at all, and the position stays with the exchange for longer.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_exchange
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.english import English
from protocol.world import Exchange, World


@dataclass(frozen=True)
class LeastBid(Defence):
    """`floor`: a share of the index at the start."""

    floor: float = 0.95

    answers: ClassVar = ("BlockStuffer",)

    def __post_init__(self) -> None:
        """Refuse a floor that is none."""
        if not 0 < self.floor <= 1:
            raise ValueError(f"floor = {self.floor}: must be above 0 to 1, a share of the starting index")

    def applied(self, world: World) -> World | None:
        """Raise the floor of every English auction."""
        return each_exchange(world, self._floored)

    def _floored(self, rules: Exchange) -> Exchange | None:
        rule = rules.liquidation
        inner = rule.inner if isinstance(rule, Backstop) else rule
        if not isinstance(inner, English) or inner.floor >= self.floor:
            return None
        floored = dataclasses.replace(inner, floor=self.floor)
        return dataclasses.replace(
            rules, liquidation=dataclasses.replace(rule, inner=floored) if isinstance(rule, Backstop) else floored
        )
