"""Cross margin: everything an account holds on the exchange stands for everything it owes there.

`slope` makes a position's requirement grow with its size, so that what could not be sold is not lent against.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.margins.base import INITIAL, Margin, Threshold
from protocol.state import Listing, State


def check_shares(initial: float, maintenance: float, slope: float) -> None:
    """Raise ValueError, a line a mistake, for shares of notional that make no margin."""
    wrong = []
    if not 0 < initial <= 1:
        wrong.append(f"initial = {initial}: allowed above 0 to 1, a share of notional")
    if not 0 < maintenance <= initial:
        wrong.append(f"maintenance = {maintenance}: allowed above 0 to initial = {initial}")
    if slope < 0:
        wrong.append(f"slope = {slope}: must be 0 or more, share of notional per base coin")
    if wrong:
        raise ValueError("\n".join(wrong))


@dataclass(frozen=True)
class Cross(Margin):
    """`initial` and `maintenance` are shares of notional; `slope` is a further share per base coin of size."""

    initial: float = 0.1
    maintenance: float = 0.05
    slope: float = 0.0

    def __post_init__(self) -> None:
        """Refuse shares that make no margin."""
        check_shares(self.initial, self.maintenance, self.slope)

    def rate(self, state: State, listing: Listing, which: Threshold) -> tuple[float, float]:
        """The same shares in every market."""
        return (self.initial if which == INITIAL else self.maintenance), self.slope
