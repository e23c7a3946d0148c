"""Funding that accrues by the skew that stands, not by one that stood once.

A lean is then charged for as long as it lasts, and to whoever makes it. It costs the chain a computation a block, and traders a
rate that they cannot know an interval ahead.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_market
from protocol.funding.sampled import SampledSkew
from protocol.funding.skew import Skew
from protocol.world import Exchange, Market, World


@dataclass(frozen=True)
class ContinuousFunding(Defence):
    """The same scale and cap, without the interval."""

    answers: ClassVar = ("FundingSkew",)

    def applied(self, world: World) -> World | None:
        """Where the skew is looked at now and then."""
        return each_market(world, self._steady)

    def _steady(self, exchange: Exchange, market: Market) -> Market | None:
        rule = market.funding
        if not isinstance(rule, SampledSkew):
            return None
        return dataclasses.replace(market, funding=Skew(rule.skew_scale, rule.cap))
