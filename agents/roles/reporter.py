"""A reporter of a median oracle: it looks at the reference mid, and posts by the oracle's rule of deviation and heartbeat.

Its updates are transactions like any other: they cost gas, wait in the mempool and compete for block space, so that a
full chain makes an old index. What it sees is the reference mid with its own error, and so it can be fooled by whoever
moves that venue. `faults` are ways in which it fails, each with its onset and duration (`agents/faults/`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.faults.base import Fault
from agents.player import Action, Player, Role
from agents.streams import normal_at
from agents.view import View
from protocol.oracles.base import Oracle, Report
from protocol.oracles.median import Median
from protocol.state import Listing, State
from protocol.transactions import Publish

if TYPE_CHECKING:
    from agents.game import Game


def innermost(state: State, listing: Listing) -> tuple[Oracle, str]:
    """The oracle that takes reports, under whatever is around it, and the path of its table."""
    oracle, at = state.market(listing).oracle, listing.oracle_at
    while (inside := oracle.takes_reports()) is not None:
        oracle, at = inside[0], at + inside[1]
    return oracle, at


@dataclass(frozen=True)
class Reporter(Role):
    """`noise` is the standard deviation of its relative error, redrawn every second; resends after `retry` seconds."""

    kind = "reporter"

    count: int = 5
    capital: float = 10_000.0
    latency: float = 0.5
    tip: float = 5e-9
    noise: float = 0.0002
    retry: float = 15.0
    faults: tuple[Fault, ...] = ()

    def mistakes(self) -> list[str]:
        """Errors and delays are not negative."""
        return [
            f"{name} = {value}: must be 0 or more"
            for name, value in (("noise", self.noise), ("retry", self.retry))
            if value < 0
        ]

    def asks(self, time: float) -> float:
        """What the least scrupulous of its faults asks for."""
        return min((fault.asks() for fault in self.faults if fault.holds(time)), default=math.inf)

    def prepare(self, me: Player, game: Game) -> None:
        """Take a reporter's slot."""
        listing = game.listing(self.market, self.exchange)
        oracle, at = innermost(game.state, listing)
        if not isinstance(oracle, Median):
            raise ValueError(f"market = {listing.name!r}: its oracle, {type(oracle).__name__}, knows no reporters")
        me.memory["slot"] = oracle.register(game.state, listing, at, me.account)
        me.memory["key"] = game.streams.key(f"{me.label}.error")
        me.memory["listing"] = listing

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Post when due."""
        memory = me.memory
        if "sent" in memory and (view.state.time < memory["seal"] or self._waits(me, view)):
            return ()
        listing: Listing = memory["listing"]
        oracle, at = innermost(view.state, listing)
        if not isinstance(oracle, Median):  # governance has changed it
            return ()
        value = view.reference(view.state.market(listing).instrument.base)
        if self.noise:
            value *= math.exp(self.noise * normal_at(memory["key"], int(view.time), 0))
        for fault in self.faults:
            if fault.holds(view.time):
                bent = fault.bent(me, view, listing, value)
                if bent is None:
                    return ()
                value = bent
        if not oracle.due(view.state, listing, at, memory["slot"], value):
            return ()
        memory["sent"], memory["seal"] = view.time, view.seal
        return (me.send(Publish(listing, me.account, Report(me.account, value, view.time))),)

    def _waits(self, me: Player, view: View) -> bool:
        """Whether the last update is still on its way."""
        oracle, at = innermost(view.state, me.memory["listing"])
        landed: bool = view.state.tables[at][me.memory["slot"], 2] >= me.memory["sent"]
        return not landed and view.time - me.memory["sent"] < self.retry
