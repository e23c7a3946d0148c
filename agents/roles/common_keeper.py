"""The common keeper: it liquidates on several exchanges out of one purse, so that what goes wrong on one is missed on all.

On each it does what a `Keeper` does. What it has taken over needs margin, and where that runs short its purse fetches it from the
other exchanges, where the next account below maintenance then finds nobody who could carry it. With `pooled` 0 each exchange has a
keeper's purse of its own. (Whoever seizes pledged shares out of one wallet is a `ShareKeeper`.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player
from agents.roles.keeper import Keeper
from agents.roles.purse import Pooled
from agents.roles.taking import look_back
from agents.view import View

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class CommonKeeper(Keeper, Pooled):
    """Serves every exchange of its purse, an equal part of nine tenths of its capital on each, the rest for gas."""

    def prepare(self, me: Player, game: Game) -> None:
        """Margin on each exchange."""
        self.open_tills(me, game)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Answer calls on what it was left with; then serve every exchange."""
        look_back(me, view)
        if self.waits(me, view):
            return
        if moves := self.answers(me, view):
            yield from moves
            return
        for house in me.memory["houses"]:
            yield from self.serve(me, view, house)
