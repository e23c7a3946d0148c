"""The bridger: it takes its coins to the other chain, keeps them there for a while, and comes home.

It watches what escrow holds against what it has to answer for. If that falls short by more than it bears, it leaves at once:
home, if escrow will still pay those who asked before it and itself; by the market on the far side if not. First come, first
served, so a small shortfall can make everybody run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player
from agents.roles.across import Across, Ends, next_salt, on_the_way, settle_from_home
from agents.streams import uniform_at
from agents.view import View
from protocol.bridge import backing, waiting
from protocol.bridge_transactions import Dispatch
from protocol.settings import refusals
from protocol.transactions import Trade

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Bridger(Across):
    """Leaves with `share` of its coins within `spread` seconds, stays for `term` on average, comes back, and goes again.

    `doubt` is the part that may be missing from escrow before it flees; it looks every `ponder` seconds; `base` is at home.
    """

    count: int = 10
    capital: float = 1_000.0
    base: float = 50.0
    latency: float = 2.0
    bridge: str = ""
    share: float = 0.8
    spread: float = 1_800.0
    term: float = 3_600.0
    doubt: float = 0.01
    ponder: float = 30.0

    def mistakes(self) -> list[str]:
        """Shares are shares, times are times."""
        return refusals(
            self,
            share=(0 < self.share <= 1, "above 0 to 1"),
            spread=(self.spread >= 0, "0 or more seconds"),
            term=(self.term > 0, "above 0 seconds"),
            doubt=(0 <= self.doubt < 1, "0 to below 1, a share of what is owed"),
            ponder=(self.ponder > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """An account on the far side; draw when to leave."""
        ends = settle_from_home(game, me, self.bridge, self.capital, 0.0)
        key = game.streams.key(f"{me.label}.travels")
        me.memory.update(ends=ends, key=key, trip=0, next=self.spread * uniform_at(key, 0, 0), gone=False)
        me.memory["look"] = self.ponder * uniform_at(key, 0, 2)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Out, back, or away."""
        ends, memory = me.memory["ends"], me.memory
        if view.time < memory["look"]:
            return ()
        memory["look"] = max(view.time + self.ponder, view.seal)
        away = view.balance(ends.span.wrapped, ends.away)
        if backing(view.state, ends.span) < 1.0 - self.doubt:
            memory["gone"] = True
            return self._flee(me, view, ends, away) if away else ()
        if view.time < memory["next"] or memory["gone"] or on_the_way(view, ends):
            return ()
        memory["trip"] += 1
        memory["next"] = view.time - self.term * math.log(uniform_at(memory["key"], memory["trip"], 1))
        if away:
            return (me.send(Dispatch(ends.span, ends.away, ends.home, away, next_salt(me))),)
        units = int(self.share * view.balance(ends.span.token, ends.home))
        return (me.send(Dispatch(ends.span, ends.home, ends.away, units, next_salt(me))),) if units else ()

    def _flee(self, me: Player, view: View, ends: Ends, units: int) -> Iterable[Action]:
        """Home while escrow pays; else through the market, for what it gives."""
        span = ends.span
        asked = sum(message.key.units for message in waiting(view.state, span, span.target))
        if asked + units <= view.balance(span.token, span.escrow):
            me.note(view, "flees home", coins=units / span.scale)
            return (me.send(Dispatch(span, ends.away, ends.home, units, next_salt(me))),)
        owed = float(view.cost(ends.far, np.array([-units]))[0])
        me.note(view, "flees by the market", coins=units / span.scale, cash=-owed / ends.far.house.cash_scale)
        return (me.send(Trade(ends.far, ends.away, -units)),)
