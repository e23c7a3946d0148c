"""A world that has lost an exchange, and what went with it: what a role is asked to live on in (`Role.without`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from protocol.appraisal import issued
from protocol.world import Exchange, World


@dataclass(frozen=True)
class Lost:
    """An exchange `name` taken out of the world `before`."""

    name: str
    before: World

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the exchanges there were."""
        return tuple(exchange.name for exchange in self.before.exchanges)

    @property
    def first(self) -> str:
        """The one where whoever names none lived."""
        return self.before.exchanges[0].name

    @property
    def _others(self) -> tuple[Exchange, ...]:
        return tuple(one for one in self.before.exchanges if one.name != self.name)

    @cached_property
    def rest(self) -> tuple[Exchange, ...]:
        """The others, which neither take nor trade any more what it issued, or what a lost bridge did."""
        gone = next(exchange for exchange in self.before.exchanges if exchange.name == self.name)
        worthless = issued(gone) | {one.wrapped for one in self.before.bridges if one.name in self.bridges}
        return tuple(
            replace(
                one,
                markets=tuple(market for market in one.markets if market.instrument.token not in worthless),
                collateral=tuple(taken for taken in one.collateral if taken.token not in worthless),
            )
            for one in self._others
        )

    def left(self, exchange: str) -> frozenset[str]:
        """Names of the markets that an exchange has left; none where it is the one that is lost."""
        return frozenset(market.name for one in self.rest if one.name == exchange for market in one.markets)

    def home(self, exchange: str, market: str) -> tuple[str, str]:
        """Where whoever names an exchange and a market lives, '' being the first of each."""
        here = next(one for one in self.before.exchanges if one.name == (exchange or self.first))
        return here.name, market or here.markets[0].name

    @cached_property
    def bridges(self) -> frozenset[str]:
        """Names of the bridges that have lost an end, or the token's only market at one."""
        homes = {one.chain for one in self._others}
        dead = _traded(self.before.exchanges) - _traded(self._others)
        return frozenset(
            one.name
            for one in self.before.bridges
            if not {one.source, one.target} <= homes or {(one.source, one.token), (one.target, one.wrapped)} & dead
        )

    @cached_property
    def takers(self) -> frozenset[str]:
        """Names of the exchanges that still take a token which they have no market for, and do not issue."""
        return frozenset(
            one.name for one in self.rest if any(c.token not in one.priced() | issued(one) for c in one.collateral)
        )

    @property
    def after(self) -> World:
        """What is left: without its chain where no other exchange lives there, and without bridges that lead nowhere."""
        homes = {one.chain for one in self.rest}
        return replace(
            self.before,
            chains=tuple(chain for chain in self.before.chains if chain.name in homes),
            exchanges=self.rest,
            bridges=tuple(bridge for bridge in self.before.bridges if bridge.name not in self.bridges),
        )


def _traded(exchanges: Sequence[Exchange]) -> set[tuple[str, str]]:
    """(chain, token) of every market."""
    return {(one.chain, market.instrument.token) for one in exchanges for market in one.markets}
