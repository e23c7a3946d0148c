"""Anybody's report is the index: nobody asks who reports.

Missing access control is the oldest mistake of all; Synthetix's sKRW feed, 25 June 2019, needed only a wrong report.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from experiments.flaws.base import Flaw
from protocol.errors import ReportRejected
from protocol.funding.unfunded import Unfunded
from protocol.oracles.base import Oracle, Reading, Report, Status
from protocol.oracles.median import Median
from protocol.state import Listing, State
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market


@dataclass(frozen=True)
class Trusting(Oracle):
    """The last report, whoever sent it."""

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """`price` counts as reported."""
        state.put(at, (price, state.time))

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """Always fresh."""
        value, time = state.tables[at]
        return Reading(value, time, 0.0, Status.FRESH)

    def accept(self, state: State, listing: Listing, at: str, report: Report) -> None:
        """Take any price."""
        if not 0.0 < report.value < 1e12:
            raise ReportRejected(reporter=report.reporter, market=listing.name)
        state.put(at, (report.value, report.time))


@dataclass(frozen=True)
class AnyReporter(Flaw):
    """An oracle without a list of reporters."""

    def sound(self) -> Exchange:
        """A pool at the index of five reporters, against a vault."""
        market = Market("perp", oracle=Median(), venue=OraclePool(), funding=Unfunded())
        return Exchange(markets=(market,), vault=Vault(liquidity=2e6))

    def spoilt(self) -> Exchange:
        """The same at anybody's."""
        right = self.sound()
        return replace(right, markets=(replace(right.markets[0], oracle=Trusting()),))
