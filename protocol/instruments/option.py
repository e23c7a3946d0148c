"""A European option, cash-settled at the mean index of its last `window`, marked by Black (1976) on the volatility surface.

The mean moves less than the index: before the window its variance is that of the time to the window and a third of the
window, inside it that of what is left, a third of its time, in proportion (Kemna and Vorst 1990, Journal of Banking and
Finance 14, 113-129, for the geometric mean; the same to first order here). Premium is what the position cost, in `quote`.
Whoever is long paid for it: its value counts for a share `credit` of itself; whoever is short needs `standard` margin.
Attack surface: the surface marks it (`surface`), the window settles it (`settling`), the index does both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from protocol import surface
from protocol.black import CALL, PUT, Greeks, black76, undiscounted
from protocol.instruments.base import Asked, Instrument, Threshold
from protocol.instruments.settling import begin, dating_mistakes, expected, extend, left
from protocol.ledger import Floats
from protocol.option_rules import Standard, short_option
from protocol.state import Listing, State
from protocol.units import SECONDS_PER_DAY, SECONDS_PER_YEAR, Seconds


@dataclass(frozen=True)
class Option(Instrument):
    """`right` to buy (call) or sell (put) at `strike` cash coins; `expiry` and the settlement `window` in seconds.

    `credit`: the share of a long option's value that counts as margin; Deribit's and Derive's standard rules count none.
    """

    right: Literal["call", "put"] = "call"
    strike: float = 2_000.0
    expiry: float = 7.0 * SECONDS_PER_DAY
    window: Seconds = 1_800.0
    standard: Standard = field(default_factory=Standard)
    credit: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no option."""
        super().__post_init__()
        wrong = dating_mistakes(self.expiry, self.window)
        if self.right not in ("call", "put"):
            wrong.append(f"right = {self.right!r}: allowed call, put")
        if not 0 < self.strike < math.inf:
            wrong.append(f"strike = {self.strike}: must be above 0 cash coins")
        if not 0 <= self.credit <= 1:
            wrong.append(f"credit = {self.credit}: allowed 0 to 1, a share of the mark")
        if wrong:
            raise ValueError("\n".join(wrong))

    @property
    def side(self) -> float:
        """+1 for a call, -1 for a put."""
        return CALL if self.right == "call" else PUT

    def claims(self) -> tuple[str, ...]:
        """Those of a perpetual: premium is quote, and its funding stays at zero."""
        return ("size", "quote", "funding")

    # ------------------------------------------------------------------ what it is worth

    def forward(self, state: State, listing: Listing, index: float) -> float:
        """What it would be exercised against: the mean at expiry if the index stays."""
        return expected(state, listing, self.expiry, self.window, index)

    def volatility(self, state: State, listing: Listing, index: float) -> float:
        """The surface's, per root year."""
        moneyness = math.log(self.strike / self.forward(state, listing, index))
        return surface.volatility(state, listing.house, self.base, moneyness, self.expiry - state.time)

    def years(self, state: State, listing: Listing, index: float) -> float:
        """Years of the index's variance that the mean at expiry has still to go through."""
        ahead = left(state.time, self.expiry, self.window)
        if ahead >= 1.0:
            seconds = self.expiry - self.window - state.time + self.window / 3.0
        else:
            part = ahead * index / self.forward(state, listing, index)
            seconds = part**2 * ahead * self.window / 3.0
        return seconds / SECONDS_PER_YEAR

    def price(self, state: State, listing: Listing, index: float) -> float:
        """Its mark: Black 1976 at the surface's volatility; from expiry on, what it pays."""
        found: float = state.derived(
            (listing.path, "mark", index), lambda: float(self.revalue(state, listing, index, _STILL, _SAME)[0])
        )
        return found

    def revalue(self, state: State, listing: Listing, index: float, moves: Floats, volatility: Floats) -> Floats:
        """Black 1976 at the moved forward; the strike keeps its volatility, multiplied. Shapes [scenarios]."""
        ahead = left(state.time, self.expiry, self.window)
        forward = self.forward(state, listing, index) + ahead * index * moves
        if ahead <= 0.0:
            return np.maximum(self.side * (forward - self.strike), 0.0)
        deviation = self.volatility(state, listing, index) * math.sqrt(self.years(state, listing, index))
        return undiscounted(self.side, forward, self.strike, deviation * volatility)

    def greeks(self, state: State, listing: Listing, index: float) -> Greeks:
        """Of one base coin, in the index: inside the window only what is left of it moves."""
        forward, ahead = self.forward(state, listing, index), left(state.time, self.expiry, self.window)
        years, volatility = self.years(state, listing, index), self.volatility(state, listing, index)
        found = black76(self.side, forward, self.strike, years, volatility)
        return found._replace(delta=found.delta * ahead, gamma=found.gamma * ahead**2)

    # ------------------------------------------------------------------ what it needs

    def needs(self, state: State, listing: Listing, price: float, index: float, asked: Asked) -> tuple[float, float]:
        """Long: what its value does not count for. Short: the published rule, less the mark that the account owes already."""
        rule = short_option(self.side, index, self.strike, price, self.standard)
        total = rule.initial if asked.which == Threshold.INITIAL else rule.maintenance
        return (1.0 - self.credit) * price, asked.factor * (total - price)

    def rise(self, price: float, index: float) -> float:
        """What one sold needs, its mark included: a mark may rise many times over, and the requirement is made for that."""
        return short_option(self.side, index, self.strike, price, self.standard).maintenance

    # ------------------------------------------------------------------ its end

    def expires(self) -> float:
        """At `expiry`."""
        return self.expiry

    def start(self, state: State, listing: Listing, index: float) -> None:
        """The running mean."""
        begin(state, listing, index)

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """Bring the running mean forward."""
        extend(state, listing, self.expiry, self.window, index)


_STILL, _SAME = np.zeros(1), np.ones(1)
