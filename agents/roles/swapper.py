"""Coins on one chain for cash on another, in two halves under one lock: who asks holds the secret, and with it an option.

It locks its coins at home for a maker; the maker locks cash for it abroad; telling the secret there carries both halves out.
Until the maker's half lapses it may still think better of it: it waits, and takes the cash only if that is worth more than the
coins by then. So the maker is short a put for nothing (Han, Lin and Yu 2019, "On the optionality and fairness of atomic swaps").
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player
from agents.roles.across import Across, Ends, settle_from_home
from agents.streams import uniform_at
from agents.view import View
from protocol.bridge import Deal, deals
from protocol.bridge_transactions import Abort, Commit, Prepare
from protocol.settings import refusals

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Swapper(Across):
    """Swaps `coins` with the `maker` of that name, again `pause` seconds after the last is over.

    Its half stands for `term` seconds; the first comes within `pause`. It decides once `waits` of the maker's time is over.
    """

    capital: float = 2_000.0
    base: float = 20.0
    latency: float = 0.5
    bridge: str = ""
    maker: str = "swapmaker"
    coins: float = 10.0
    term: float = 1_200.0
    waits: float = 0.8
    pause: float = 300.0

    def mistakes(self) -> list[str]:
        """It has what it offers, and time to decide."""
        return refusals(
            self,
            coins=(0 < self.coins <= self.base, f"above 0 to base = {self.base} base coins"),
            term=(self.term > 0, "above 0 seconds"),
            waits=(0 <= self.waits < 1, "0 to below 1, a share of the maker's time"),
            pause=(self.pause >= 0, "0 or more seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """An account abroad; find the maker."""
        ends = settle_from_home(game, me, self.bridge, self.capital, 0.0)
        first = self.pause * uniform_at(game.streams.key(f"{me.label}.asks"), 0, 0)
        me.memory.update(ends=ends, number=0, next=first, lock=b"", seen=None, said=None, until={}, game=game)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Ask, decide, take back: one step at a time."""
        memory, ends = me.memory, me.memory["ends"]
        if view.state.time < memory["until"].get(view.chain, 0.0):
            return ()
        step = self._at_home(me, view, ends) if view.chain == ends.span.source else self._abroad(me, view, ends)
        if step is None:
            return ()
        memory["until"][view.chain] = view.seal
        return (step,)

    def _at_home(self, me: Player, view: View, ends: Ends) -> Action | None:
        """Lock, once the last swap is over; take back what has lapsed."""
        memory, span = me.memory, ends.span
        mine = deals(view.state, span, span.source).get(memory["lock"])
        if mine is not None and not mine.over:
            return me.send(Abort(span, ends.home, memory["lock"])) if view.seal >= mine.until else None
        if mine is not None and memory["said"] is not True:
            memory.update(said=True, next=view.time + self.pause)
            self._tell(me, view, ends, mine)
        units = int(self.coins * span.scale)
        if view.time < memory["next"] or view.balance(span.token, ends.home) < units:
            return None
        maker = next((p for p in memory["game"].players if p.role.label == self.maker), None)
        if maker is None:
            return None
        memory["number"] += 1
        secret = hashlib.sha256(f"{me.label}.{memory['number']}".encode()).digest()
        lock = hashlib.sha256(secret).digest()
        memory.update(lock=lock, secret=secret, seen=None, said=None, worth=0.0)
        to = maker.memory["ends"].home
        return me.send(Prepare(span, ends.home, to, span.token, units, lock, view.seal + self.term))

    def _abroad(self, me: Player, view: View, ends: Ends) -> Action | None:
        """Tell the secret late, if the cash is worth more than the coins by then."""
        memory, span = me.memory, ends.span
        theirs = deals(view.state, span, span.target).get(memory["lock"])
        if theirs is None or theirs.over or view.seal >= theirs.until:
            return None
        memory["seen"] = view.time if memory["seen"] is None else memory["seen"]
        if view.seal < memory["seen"] + self.waits * (theirs.until - memory["seen"]):
            return None
        cash = theirs.units / ends.far.house.cash_scale
        coins = self.coins * view.reference(view.state.market(ends.near).instrument.base)
        if cash < coins:
            return None
        memory["worth"] = cash - coins
        return me.send(Commit(span, ends.away, memory["lock"], memory["secret"]))

    def _tell(self, me: Player, view: View, ends: Ends, mine: Deal) -> None:
        """Note how a swap ended: both halves, none, or one."""
        theirs = deals(view.state, ends.span, ends.span.target).get(me.memory["lock"])
        told = (bool(mine.secret), theirs is not None and bool(theirs.secret))
        how = {(True, True): "both", (False, False): "none"}.get(told, "one half")
        worth = me.memory["worth"] if how == "both" else 0.0
        me.note(view, "swap over", how=how, coins=mine.units / ends.span.scale, worth=worth)
