"""A venue that counts its own skew twice: what a trade moves is more than it paid for, and closing it pays the difference.

Any curve on which a round trip earns is a pump (Huberman and Stanzl 2004); Platypus, 16 February 2023, and Curve's forks had such.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from experiments.flaws.base import Flaw
from protocol.funding.unfunded import Unfunded
from protocol.oracles.median import Median
from protocol.state import Listing, State
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class Twofold(OraclePool):
    """A premium of twice the skew, of which a trade pays one."""

    def _skew(self, state: State, listing: Listing) -> float:
        return 2.0 * super()._skew(state, listing)


@dataclass(frozen=True)
class DoubleImpact(Flaw):
    """The premium before a trade is twice what the trade before has paid."""

    def sound(self) -> Exchange:
        """A pool at the index of five reporters, with a steep premium, against a vault."""
        market = Market("perp", oracle=Median(), venue=OraclePool(skew_scale=20_000.0), funding=Unfunded())
        return Exchange(markets=(market,), vault=Vault(liquidity=2e6))

    def spoilt(self) -> Exchange:
        """The same with the mistake."""
        right = self.sound()
        return replace(right, markets=(replace(right.markets[0], venue=Twofold(skew_scale=20_000.0)),))
