"""Margin as a ratio: what counts for an account must be so many times what counts against it (dYdX V1).

Of a short, the cash counts for it and the position against it; of a long, the other way round. So a short needs `ratio` - 1 of its
notional, and a long (`ratio` - 1) / `ratio` of it. The pure formula takes the fixed point of ints as well. With several
positions the requirements add up.
What it costs honest users: nothing but what it asks. Attack surface: as of every margin, the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from protocol.instruments.base import Asked
from protocol.margins.base import INITIAL, Margin, Threshold
from protocol.state import Listing, State

N = TypeVar("N", int, float)


def share_of(side: int, ratio: N, one: N) -> tuple[N, N]:
    """(above, below) of the share of notional that a long (1) or a short (-1) needs. P1Settlement.sol, collateralisation."""
    return ratio - one, ratio if side > 0 else one


@dataclass(frozen=True)
class Collateralised(Margin):
    """`initial` and `maintenance` are ratios, above 1."""

    initial: float = 1.1
    maintenance: float = 1.075

    def __post_init__(self) -> None:
        """Refuse ratios that make no margin."""
        wrong = []
        if not 1 < self.initial <= 2:
            wrong.append(
                f"initial = {self.initial}: allowed above 1 to 2, what is for an account over what is against it"
            )
        if not 1 < self.maintenance <= self.initial:
            wrong.append(f"maintenance = {self.maintenance}: allowed above 1 to initial = {self.initial}")
        if wrong:
            raise ValueError("\n".join(wrong))

    def ratio(self, which: Threshold) -> float:
        """The ratio that is asked."""
        return self.initial if which == INITIAL else self.maintenance

    def rate(self, state: State, listing: Listing, which: Threshold) -> tuple[float, float]:
        """What a short needs; a long needs less."""
        above, below = share_of(-1, self.ratio(which), 1.0)
        return above / below, 0.0

    def needs(
        self, state: State, listing: Listing, which: Threshold, price: float, index: float, factor: float = 1.0
    ) -> tuple[float, float]:
        """Each side by its own share."""
        instrument, found = state.market(listing).instrument, []
        for place, side in enumerate((1, -1)):
            above, below = share_of(side, self.ratio(which), 1.0)
            asked = Asked(which, above / below * factor, factor)
            found.append(instrument.needs(state, listing, price, index, asked)[place])
        return found[0], found[1]
