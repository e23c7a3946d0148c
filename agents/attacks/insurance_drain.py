"""The insurance drain: two own accounts, opposite legs at the highest leverage; the loser is bankrupt at others' expense.

Neither leg is a bet, together they are worth nothing; but the losing account can lose no more than its margin, and whoever stands
behind it (insurance, vault, all others) pays the rest to the winner. It needs a jump of the index beyond the margin, and
makes one where the market that reporters look at is thin. YFI on dYdX, November 2023: 50 million of positions over a hundred
wallets, a fall of 30 % in an hour, and 9 of 22.5 million of insurance gone.
What stops it: margin that grows with position against depth, open-interest caps that follow depth, profit that vests.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.attacks import pairs
from agents.attacks.base import Attack
from agents.player import Action, Player
from agents.view import View
from protocol.state import Listing, State

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class InsuranceDrain(Attack):
    """Keeps `apart` of its capital for the leg that is to win; expects a push to halve in `healing` seconds; rests for `rest`."""

    capital: float = 2_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    caution: float = 1.5
    apart: float = 0.35
    healing: float = 60.0
    rest: float = 3_600.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + pairs.mistakes(self.apart, self.healing, self.rest)

    def surface(self, state: State, listing: Listing) -> str:
        """Legs against a vault, at an index that reporters take from outside, and somebody who pays for the bankrupt."""
        market = state.market(listing)
        if market.venue.counterparty != "vault" or listing.size < 0:
            return "no vault on the other side of both legs"
        if market.index or not pairs.reported(market.oracle):
            return "nobody reports this index from outside"
        return "" if market.venue.settlement() == 0.0 else "fills are settled later"

    def prepare(self, me: Player, game: Game) -> None:
        """A second account of its own."""
        pairs.seat(self, me, game)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """One step of the plan, once the last one is in view; what breaks the short leg is one push."""
        return pairs.act(self, me, view, lambda listing: 0.0, math.inf)
