"""Reference venues: markets outside the model, with finite depth that heals.

Their mid is fair times exp(displacement). A market order moves the displacement by its value at fair over `depth`,
pays every price on the way, plus half the spread; afterwards the displacement decays exponentially. This is the shaped
book with exponential resilience of Alfonsi, Fruth and Schied (2010, Quantitative Finance 10, 143-157,
arXiv:0708.1756), whose absence of price manipulation is shown by Alfonsi and Schied (2010, SIAM J. Financial
Mathematics 1, 490-522).

No round trip from rest ever profits. With x the displacement, r its decay and v trading in depths a second, x' = v - r
x, and cash paid over depth is the integral of e^x v = e^x (x' + r x), that is e^x(T) - 1 + r (integral of x e^x). A
round trip has 0 = (integral of v) = x(T) + r (integral of x), and e^x(T) - 1 >= x(T), so the cost is at least r
(integral of x (e^x - 1)) >= 0. Depth is counted in value at fair, so the same holds in expectation while fair is a
martingale. Attack surface: whoever finds the venue displaced by somebody else may profit from its return; and a
protocol that reads `mid` reads something that money can move, for about a half-life.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agents.nature.base import check

_FARTHEST = 700.0  # displacement beyond which e^x leaves the range of a float: no such price is quoted


@dataclass(frozen=True)
class ReferenceVenue:
    """A market for one asset outside the model.

    `depth` is the value at fair, in cash, of the order that displaces the log mid by 1: at 5e6, an order worth 50,000
    at fair moves the mid by 1 %. Log prices all carry the same density of orders, on both sides.
    """

    asset: str = "ETH"
    name: str = "reference"
    depth: float = 5e6  # cash at fair per unit of log displacement
    half_life: float = 60.0  # seconds, of the displacement
    spread: float = 0.0002  # between best ask and best bid, relative to the mid
    weight: float = 1.0  # relative weight where several venues are averaged

    def __post_init__(self) -> None:
        check(bool(self.asset), "asset", self.asset, "the name of an asset")
        check(bool(self.name), "name", self.name, "not empty")
        check(0 < self.depth < math.inf, "depth", self.depth, "a positive amount of cash")
        check(0 < self.half_life < math.inf, "half_life", self.half_life, "a positive number of seconds")
        check(0 <= self.spread < 2, "spread", self.spread, "from 0 up to but without 2")
        check(0 <= self.weight < math.inf, "weight", self.weight, "0 or more")


class ReferenceMarket:
    """The state of one reference venue during one run. `fair` is cash per unit; sizes are in whole units."""

    def __init__(self, venue: ReferenceVenue) -> None:
        self.venue = venue
        self.displacement = 0.0  # log(mid / fair)

    def mid(self, fair: float) -> float:
        """Cash per unit."""
        return fair * math.exp(self.displacement)

    def quote(self, fair: float, size: float) -> float:
        """Cash that a market order pays (+) or receives (-); `size` > 0 buys, < 0 sells. Infinite if out of reach."""
        moved = size * fair / self.venue.depth
        if self.displacement + moved > _FARTHEST:
            return math.inf
        at_mid = self.venue.depth * math.exp(self.displacement) * math.expm1(moved)
        return at_mid + 0.5 * self.venue.spread * abs(at_mid)

    def trade(self, fair: float, size: float) -> float:
        """Execute what `quote` quotes."""
        cash = self.quote(fair, size)
        if not math.isfinite(cash):
            raise ValueError(f"size={size!r}: must be finite and within reach of the book of {self.venue.name!r}")

        self.displacement += size * fair / self.venue.depth
        return cash

    def size_to(self, fair: float, mid: float) -> float:
        """The order that leaves the mid at `mid`, in whole units: what an arbitrageur or a manipulator would send."""
        return self.venue.depth / fair * (math.log(mid / fair) - self.displacement)

    def relax(self, seconds: float) -> None:
        """Let time pass: the displacement halves in every half-life."""
        self.displacement *= 0.5 ** (seconds / self.venue.half_life)
