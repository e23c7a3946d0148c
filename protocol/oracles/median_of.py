"""The median of several oracles: one that is pushed is outvoted by the others.

After the mark price of perpetual exchanges: of what other places say, of an average of the own book, and of the own book now, the
one in the middle counts (Hyperliquid's mark price; Binance's is of the same kind). Those that are not fresh have no vote; with
half of them or fewer fresh the reading is as bad as the worst.
Attack surface: half of the votes. Where two of three read the same book, whoever sweeps that book sets the index.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from protocol.oracles.base import FRESH, Oracle, Reading, Report
from protocol.oracles.ema import Ema
from protocol.oracles.twap import ArithmeticTwap
from protocol.oracles.twap_geometric import GeometricTwap
from protocol.state import Listing, State


@dataclass(frozen=True)
class MedianOf(Oracle):
    """`of`: who votes. Reports go to the first that takes any."""

    of: tuple[Oracle, ...] = (Ema(), ArithmeticTwap(), GeometricTwap())

    def __post_init__(self) -> None:
        """Refuse a vote of nobody."""
        if not self.of:
            raise ValueError("of = (): must be one oracle or more")

    @property
    def live(self) -> bool:
        """Where one of them is."""
        return any(oracle.live for oracle in self.of)

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """Each at its own path."""
        for number, oracle in enumerate(self.of):
            oracle.start(state, listing, f"{at}.{number}", price)

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The median of the fresh (of an even number, the mean of the middle two); `confidence`: the median distance from it."""
        every = [oracle.read(state, listing, f"{at}.{number}") for number, oracle in enumerate(self.of)]
        fresh = [reading for reading in every if reading.status == FRESH]
        enough = 2 * len(fresh) > len(every)
        votes = fresh if enough else every
        value = statistics.median(reading.value for reading in votes)
        away = statistics.median(abs(reading.value - value) for reading in votes)
        status = FRESH if enough else max(reading.status for reading in every)
        return Reading(value, statistics.median(reading.time for reading in votes), away, status)

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Let all look."""
        for number, oracle in enumerate(self.of):
            oracle.observe(state, listing, f"{at}.{number}")

    def accept(self, state: State, listing: Listing, at: str, report: Report) -> None:
        """Hand it to the one that takes reports. Raises ReportRejected."""
        inside = self.takes_reports()
        if inside is None:
            super().accept(state, listing, at, report)
            return
        inside[0].accept(state, listing, at + inside[1], report)

    def takes_reports(self) -> tuple[Oracle, str] | None:
        """The first that overrides `accept`."""
        for number, oracle in enumerate(self.of):
            if type(oracle).accept is not Oracle.accept:
                return oracle, f".{number}"
        return None

    def sources(self) -> tuple[str, ...]:
        """Those of all."""
        return tuple(dict.fromkeys(source for oracle in self.of for source in oracle.sources()))

    def misfits(self, interval: float) -> list[str]:
        """Those of all."""
        return [f"of.{number}.{line}" for number, oracle in enumerate(self.of) for line in oracle.misfits(interval)]
