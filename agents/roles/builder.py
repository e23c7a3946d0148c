"""The honest builder: its blocks hold what pays most for them, in that order.

It is what every block is that no player builds; a share of them in its hands is a share in nobody else's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.view import View
from protocol.orderings.builders_choice import BuildersChoice

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Builder(Role):
    """Builds `share` of the blocks."""

    capital: float = 0.0
    share: float = 0.5

    def mistakes(self) -> list[str]:
        """A share is a share."""
        return [] if 0 < self.share <= 1 else [f"share = {self.share}: must be above 0 to 1, a share of the blocks"]

    def prepare(self, me: Player, game: Game) -> None:
        """See that there is something to build."""
        chain = game.state.rules.chains[game.house(self.exchange).chain]
        if not isinstance(chain.ordering, BuildersChoice):
            ordering = type(chain.ordering).__name__
            raise ValueError(f"share = {self.share}: {ordering} leaves nothing to builders; BuildersChoice does")

    def builds(self) -> float:
        """Its share."""
        return self.share

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """It trades on nothing."""
        return ()
