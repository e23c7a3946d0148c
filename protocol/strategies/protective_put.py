"""The protective put: it holds the asset and a put on every coin of it, epoch after epoch.

It pays the premium, and its loss ends at the strike: at expiry a share is worth the coins at the higher of price and strike,
less the premium. It holds no more of the asset than it has puts for, and none where no put is listed; between an expiry and
the next plan that is carried out it stands bare.
Attack surface: that of the family; sellers know that it must buy, and up to which price.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.state import Mandate, State
from protocol.strategies.base import Plan, Strategy, after, distances, ending, mark, pick, shares_of
from protocol.units import Seconds


@dataclass(frozen=True)
class ProtectivePut(Strategy):
    """`distance`: of the strike from the index, a share of it; `cutoff`: seconds before settlement in which it buys none."""

    distance: float = -0.02
    cutoff: Seconds = 600.0

    def mistakes(self) -> list[str]:
        """A strike is a price, and times are not negative."""
        return distances(self.cutoff, distance=self.distance)

    def rights(self) -> tuple[str, ...]:
        """Puts."""
        return ("put",)

    def plan(self, state: State, mandate: Mandate) -> Plan:
        """Puts first, then as much of the asset as they protect."""
        held = state.find(mandate.house, self.underlying)
        put = pick(state, mandate, held.base, "put", self.distance, self.cutoff)
        if put is None:
            return Plan(self.towards(state, mandate, held, 0.0), self.idle(state, mandate))
        epoch = self.cover(state, mandate, ending(state, put), mark(state, put))
        coins = epoch.per_share * shares_of(state, mandate)
        orders = self.towards(state, mandate, put, coins)
        covered = min(coins, after(state, mandate, put, orders))
        return Plan(orders + self.towards(state, mandate, held, covered), epoch)
