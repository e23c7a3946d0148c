"""An attack in steps: it thinks, opens, goes on block by block, and counts; each step is taken once the last one is in view."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.attacks.base import Attack
from agents.player import Action, Player
from agents.view import View
from protocol.settings import refusals
from protocol.state import Listing

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Staged(Attack):
    """Remembers its `stage` ("idle" at home), `until` when what it sent is not in view, and when it thinks `next` (seconds).

    It thinks first after `onset` seconds.
    """

    onset: float = 0.0

    def mistakes(self) -> list[str]:
        """Time does not run backwards."""
        return super().mistakes() + refusals(self, onset=(self.onset >= 0, "0 or more seconds"))

    def prepare(self, me: Player, game: Game) -> None:
        """Nothing has been sent."""
        me.memory.update(stage="idle", until=0.0, next=self.onset, listing=game.listing(self.market, self.exchange))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Nothing before the last step is in view. Thinks once in `ponder` seconds, where there is a surface."""
        memory = me.memory
        if view.state.time < memory["until"]:
            return ()
        if memory["stage"] != "idle":
            return self.proceed(me, view)
        return self.think(me, view) if view.time >= memory["next"] else ()

    def think(self, me: Player, view: View) -> Iterable[Action]:
        """Begin, if that pays."""
        listing: Listing = me.memory["listing"]
        me.memory["next"] = view.time + self.ponder
        if lacks := self.surface(view.state, listing):
            self.decline(me, view, lacks)
            return ()
        return self.consider(me, view, listing)

    @abstractmethod
    def consider(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Weigh what there is, on a market with a surface: decline, or launch and leave the stage "idle"."""

    @abstractmethod
    def proceed(self, me: Player, view: View) -> Iterable[Action]:
        """The next step of an attack under way."""

    def finish(self, me: Player, view: View, *, realised: float, estimate: float, rest: float) -> None:
        """Note what it came to, cash coins, and be idle for `rest` seconds."""
        self.over(me, view, realised=realised, estimate=estimate)
        me.memory.update(stage="idle", next=view.time + rest)
