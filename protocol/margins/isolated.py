"""Isolated margin: an account holds one market, so that nothing else can be lost with it.

A trader opens an account per position; what one account owes, the trader's others do not.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.margins.base import INITIAL, Margin, Threshold
from protocol.margins.cross import check_shares
from protocol.state import Listing, State


@dataclass(frozen=True)
class Isolated(Margin):
    """`initial` and `maintenance` are shares of notional; `slope` is a further share per base coin of size."""

    initial: float = 0.1
    maintenance: float = 0.05
    slope: float = 0.0
    positions: int = 1

    def __post_init__(self) -> None:
        """Refuse shares that make no margin, and accounts that hold nothing."""
        check_shares(self.initial, self.maintenance, self.slope)
        if self.positions < 1:
            raise ValueError(f"positions = {self.positions}: must be 1 or more")

    def most(self) -> int:
        """As many as `positions`."""
        return self.positions

    def rate(self, state: State, listing: Listing, which: Threshold) -> tuple[float, float]:
        """The same shares in every market."""
        return (self.initial if which == INITIAL else self.maintenance), self.slope
