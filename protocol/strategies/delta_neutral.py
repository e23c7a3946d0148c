"""Delta-neutral: it holds the asset, is short as much of it through a perpetual, and earns what funding pays the short.

Price moves cancel; what is left is funding, either sign, and what both legs cost. Its equity stays in cash terms while the
position follows the price, so it is sized anew where that has moved by `drift`. The carry trade that Ethena (2024) pooled.
Attack surface: that of the family; funding turns against it when many do the same, and where the long leg is a token in
pledge, its cash falls as the price rises: a haircut deeper than the margin it has liquidates it though nothing was lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.hedging import slope
from protocol.instruments.base import NEVER
from protocol.state import Mandate, State
from protocol.strategies.base import Plan, Strategy, after, shares_of


@dataclass(frozen=True)
class DeltaNeutral(Strategy):
    """`short`: the market it is short in. `drift`: share by which its size may be off before it is sized anew."""

    short: str = ""
    usage: float = 0.7
    drift: float = 0.1

    def mistakes(self) -> list[str]:
        """Two legs, and a share."""
        wrong = [] if 0 < self.drift < 1 else [f"drift = {self.drift}: must be above 0 to below 1"]
        if self.short and self.short == self.underlying:
            wrong.append(f"short = {self.short!r}: must be another market than underlying")
        return wrong

    def legs(self) -> tuple[str, ...]:
        """Both."""
        return (self.underlying, self.short)

    def plan(self, state: State, mandate: Mandate) -> Plan:
        """As much of the asset as equity buys, then what takes its delta away."""
        held, against = (state.find(mandate.house, name) for name in self.legs())
        epoch, fresh = self.cover(state, mandate, NEVER), self.fresh(state, mandate, NEVER)
        if abs(fresh.per_share - epoch.per_share) > self.drift * epoch.per_share:
            epoch = fresh
        orders = self.towards(state, mandate, held, epoch.per_share * shares_of(state, mandate))
        delta = after(state, mandate, held, orders) * slope(state, held)
        return Plan(orders + self.towards(state, mandate, against, -delta / slope(state, against)), epoch)
