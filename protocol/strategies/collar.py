"""The collar: it holds the asset, a put on every coin of it, and sells a call on each to pay for the put.

Gain ends at the call's strike and loss at the put's; what is left of either premium is what it costs or earns. It holds no
more of the asset than it has puts for, sells no more calls than it has coins, and holds nothing where no put is listed.
Attack surface: that of the family, on both sides; it may find a seller and no buyer, and then has paid for its put alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.state import Mandate, State
from protocol.strategies.base import Plan, Strategy, after, distances, ending, mark, pick, shares_of
from protocol.units import Seconds


@dataclass(frozen=True)
class Collar(Strategy):
    """`floor` and `cap`: distances of the put's and the call's strike from the index, shares of it; `cutoff` in seconds."""

    floor: float = -0.02
    cap: float = 0.02
    cutoff: Seconds = 600.0

    def mistakes(self) -> list[str]:
        """The floor lies below the cap."""
        wrong = distances(self.cutoff, floor=self.floor, cap=self.cap)
        return wrong if self.floor < self.cap else [*wrong, f"floor = {self.floor}: must be below cap = {self.cap}"]

    def rights(self) -> tuple[str, ...]:
        """Both."""
        return ("call", "put")

    def plan(self, state: State, mandate: Mandate) -> Plan:
        """Puts, then the asset that they protect, then calls on that."""
        held = state.find(mandate.house, self.underlying)
        put = pick(state, mandate, held.base, "put", self.floor, self.cutoff)
        call = pick(state, mandate, held.base, "call", self.cap, self.cutoff)
        if put is None:
            rest = self.towards(state, mandate, held, 0.0)
            return Plan(rest, self.idle(state, mandate))
        epoch = self.cover(state, mandate, ending(state, put), mark(state, put))
        coins = epoch.per_share * shares_of(state, mandate)
        orders = self.towards(state, mandate, put, coins)
        orders += self.towards(state, mandate, held, min(coins, after(state, mandate, put, orders)))
        if call is not None:
            orders += self.towards(state, mandate, call, -after(state, mandate, held, orders))
        return Plan(orders, epoch)
