"""The covered call: it holds the asset and sells a call on every coin of it, epoch after epoch.

It earns the premium, and gives up what the asset gains beyond the strike: at expiry a share is worth the coins at the lower of
price and strike, and the premium. Where no call is listed it holds the asset uncovered. After the first option vaults (Ribbon
Theta Vaults, 2021, which hold the token and auction calls of a week).
Attack surface: that of the family; buyers know when it must sell, how much, and down to which price.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.instruments.base import NEVER
from protocol.state import Mandate, State
from protocol.strategies.base import Plan, Strategy, after, distances, ending, pick, shares_of
from protocol.units import Seconds


@dataclass(frozen=True)
class CoveredCall(Strategy):
    """`distance`: of the strike above the index, a share of it; `cutoff`: seconds before settlement in which it sells none."""

    distance: float = 0.02
    cutoff: Seconds = 600.0

    def mistakes(self) -> list[str]:
        """A strike is a price, and times are not negative."""
        return distances(self.cutoff, distance=self.distance)

    def rights(self) -> tuple[str, ...]:
        """Calls."""
        return ("call",)

    def plan(self, state: State, mandate: Mandate) -> Plan:
        """The asset first, then as many calls as there are coins of it."""
        held = state.find(mandate.house, self.underlying)
        call = pick(state, mandate, held.base, "call", self.distance, self.cutoff)
        epoch = self.cover(state, mandate, NEVER if call is None else ending(state, call))
        orders = self.towards(state, mandate, held, epoch.per_share * shares_of(state, mandate))
        if call is not None:
            orders += self.towards(state, mandate, call, -after(state, mandate, held, orders))
        return Plan(orders, epoch)
