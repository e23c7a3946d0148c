"""The updater: it carries a publisher's signed reports to a pull oracle, so that the index does not depend on its users.

It posts the newest report when the one that stands is `heartbeat` seconds old or off by `deviation`. Nobody has to: where
it is missing, too poor or priced out, the index is as old as the last user who cared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agents.player import Action, Player, Role
from agents.roles.reporter import innermost
from agents.view import View
from protocol.transactions import Publish


@dataclass(frozen=True)
class Updater(Role):
    """Posts at a relative move of `deviation`, or after `heartbeat` seconds."""

    capital: float = 50_000.0
    latency: float = 0.5
    tip: float = 5e-9
    deviation: float = 0.002
    heartbeat: float = 30.0

    def mistakes(self) -> list[str]:
        """Both rules have thresholds."""
        return [
            f"{name} = {value}: must be above 0"
            for name, value in (("deviation", self.deviation), ("heartbeat", self.heartbeat))
            if not value > 0
        ]

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Carry the newest report if it is due."""
        if view.state.time < me.memory.get("until", 0.0):
            return ()
        listing = view.listing(self.market, self.exchange)
        report = view.published(listing)
        if report is None:
            return ()
        oracle, at = innermost(view.state, listing)
        stands = oracle.read(view.state, listing, at)
        moved = abs(report.value - stands.value) >= self.deviation * stands.value
        if not moved and report.time - stands.time < self.heartbeat:
            return ()
        me.memory["until"] = view.seal
        return (me.send(Publish(listing, me.account, report)),)
