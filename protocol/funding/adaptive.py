"""Funding that adapts: it grows while the market leans, rests while it leans a little, and fades when it does not (GMX v2).

Beyond `stable` the rate moves by imbalance^exponent * increase a second towards charging the larger side, and whenever that
side is the one being paid; between `fading` and `stable` it stands; below `fading` it shrinks by `decrease` a second.
Imbalance is |L - S| / (L + S) of the open interest that stood. Attack surface: a lean just under `fading` is never charged more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.funding.base import Funding, clamp, remember_interest, stood
from protocol.state import Listing, State

LEAST = 1e-30  # per second: what is left of a rate that has faded, so that its direction is remembered


def adapted(rate: float, long: float, short: float, seconds: float, rule: Adaptive) -> float:
    """The rate per second after `seconds` of open interest `long` and `short`. `getNextFundingFactorPerSecond` of GMX v2."""
    if long + short == 0:
        return rate
    lean = (long - short) / (long + short)
    against = rate * lean <= 0  # the larger side is not the one that pays
    if lean != 0 and (against or abs(lean) > rule.stable):
        change = math.copysign(abs(lean) ** rule.exponent * rule.increase * seconds, lean)
        return clamp(rate + change, rule.most)
    if abs(lean) < rule.fading:
        return math.copysign(max(LEAST, abs(rate) - rule.decrease * seconds), rate)
    return rate


@dataclass(frozen=True)
class Adaptive(Funding):
    """`increase` and `decrease` per second and second; `most` per second; `stable` and `fading` are shares of open interest."""

    increase: float = 1e-11
    decrease: float = 2e-12
    exponent: float = 1.0
    stable: float = 0.05
    fading: float = 0.03
    most: float = 1e-7

    def __post_init__(self) -> None:
        """Refuse a rate that cannot settle."""
        wrong = [
            f"{name} = {getattr(self, name)}: must be 0 or more per second"
            for name in ("increase", "decrease", "most")
            if getattr(self, name) < 0
        ]
        if not 0 <= self.fading <= self.stable <= 1:
            wrong.append(f"fading = {self.fading}, stable = {self.stable}: allowed 0 <= fading <= stable <= 1")
        if not self.exponent > 0:
            wrong.append(f"exponent = {self.exponent}: must be above 0")
        if wrong:
            raise ValueError("\n".join(wrong))

    def start(self, state: State, listing: Listing, index: float) -> None:
        """The open interest of now."""
        remember_interest(state, listing)

    def rate(self, state: State, listing: Listing, index: float, elapsed: float) -> float:
        """The last rate, moved by the imbalance that stood since."""
        last = float(state.tables[listing.funding_at][1])
        return adapted(last, *stood(state, listing), elapsed, self)

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """The open interest that stands from now on."""
        remember_interest(state, listing)
