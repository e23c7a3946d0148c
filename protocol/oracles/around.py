"""What all oracles have in common that stand around another one: reports are for it, and what moves it moves them."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.oracles.base import Oracle, Report
from protocol.state import Listing, State

INNER = ".inner"  # how much longer its path is


@dataclass(frozen=True)
class Around(Oracle):
    """An oracle that reads `inner`, which lives at a longer path."""

    inner: Oracle

    def accept(self, state: State, listing: Listing, at: str, report: Report) -> None:
        """The inner oracle's business. Raises ReportRejected."""
        self.inner.accept(state, listing, at + INNER, report)

    def takes_reports(self) -> tuple[Oracle, str] | None:
        """The inner oracle."""
        return self.inner, INNER

    def sources(self) -> tuple[str, ...]:
        """Whatever moves the inner oracle."""
        return self.inner.sources()

    def misfits(self, interval: float) -> list[str]:
        """Those of the inner oracle."""
        return [f"inner.{line}" for line in self.inner.misfits(interval)]
