"""The attack family: players who want what is not their own, and who decide.

An attack sees what any player sees, estimates what it would earn, and acts only where that pays. Each decision is noted with
the estimate that led to it, also one to stay at home, so that estimate and outcome can be compared: "attack", "attack
declined", "attack over". Where a market lacks what an attack lives on, `surface` says so in a few words.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from agents.player import Player, Role
from agents.view import View
from protocol.settings import refusals
from protocol.state import Listing, State


@dataclass(frozen=True)
class Attack(Role):
    """Stays at home for less than `least_profit` cash coins, with its costs taken `caution` times.

    Notes that it stays at home once per `ponder` seconds.
    """

    least_profit: float = 1_000.0
    caution: float = 1.0
    ponder: float = 60.0

    def mistakes(self) -> list[str]:
        """Cost is not played down. Attacks add their own lines to these."""
        return refusals(
            self,
            least_profit=(math.isfinite(self.least_profit), "a number of cash coins"),
            caution=(self.caution >= 1, "1 or more"),
            ponder=(self.ponder > 0, "above 0 seconds"),
        )

    @abstractmethod
    def surface(self, state: State, listing: Listing) -> str:
        """'' where this market can be attacked so; otherwise what it lacks. Looks at rules alone, not at prices."""

    def launch(self, me: Player, view: View, *, estimate: float, cost: float, stake: float, **numbers: Any) -> None:
        """Note an attack: expected profit and cost, and the capital put at risk, cash coins."""
        me.note(view, "attack", estimate=estimate, cost=cost, stake=stake, **numbers)

    def decline(self, me: Player, view: View, why: str, **numbers: Any) -> None:
        """Note that it stays at home, and why, once per `ponder`. `estimate`, where it came to one, is what it expected to earn."""
        if view.time - me.memory.get("noted", -math.inf) >= self.ponder:
            me.memory["noted"] = view.time
            me.note(view, "attack declined", why=why, **numbers)

    def over(self, me: Player, view: View, *, realised: float, estimate: float, **numbers: Any) -> None:
        """Note what an attack came to in its own books, cash coins, beside what it had expected."""
        me.note(view, "attack over", realised=realised, estimate=estimate, **numbers)
