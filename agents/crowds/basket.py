"""Leveraged speculators in several markets of one exchange at once, on one account each: cross-margined over all of them.

A member decides for all its markets at the same moments and by the same whim, so that it is mostly on one side of all of them: what
it loses in one takes margin from the others, and its liquidation sells all. `leverage` is that of the whole basket. Its cash claim
is what it sizes by, which gains and losses enter only when they are realised.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.crowds.base import CrowdPlayer, Member
from agents.crowds.leveraged import LeveragedCrowd
from agents.player import Action, Player
from agents.view import View
from protocol.ledger import Reason
from protocol.settings import refusals
from protocol.state import Listing

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class BasketCrowd(LeveragedCrowd):
    """`basket`: markets by name; none: all of claims that the exchange has. `weights`: parts of the basket; none: equal ones."""

    basket: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()

    def mistakes(self) -> list[str]:
        """Parts are parts, one a market."""
        return super().mistakes() + refusals(
            self,
            routing=(self.routing is None, "none: a basket lies on one exchange"),
            weights=(
                all(0 < part < math.inf for part in self.weights)
                and (not self.basket or len(self.weights) in (0, len(self.basket))),
                "above 0 each, one a market or none",
            ),
        )

    def enter(self, game: Game) -> None:
        """One account a member, and one decision maker a market, who all roll the same dice."""
        if self.count == 0:
            return
        listings = self._listings(game)
        first, stake = self._open(game, listings[0])
        columns = self.columns(game.streams, stake)
        weights = self.weights or (1.0,) * len(listings)
        if len(weights) != len(listings):
            raise ValueError(f"weights = {list(weights)}: must be one a market, and there are {len(listings)}")
        crowds = []
        for listing, weight in zip(listings, weights, strict=True):
            part = columns._replace(leverage=columns.leverage * (weight / math.fsum(weights)))
            crowds.append(self._decider(game, listing, first, part, f"{self.label}.{listing.name}", self.label))
        for crowd in crowds:
            crowd.seats = crowd.seats._replace(reentry=0.0)  # who is flat in one market is not flat yet
            crowd.bare = tuple(crowd.seats), crowd.bare[1]
        crowds[0].memory["rows"] = [m.size for m in listings]
        self._bring(crowds[0], np.arange(first, first + self.count), stake, slice(None), Reason.GENESIS)
        Member.create_agents(game, self.count, list(range(first, first + self.count)), crowds[0])

    def _listings(self, game: Game) -> list[Listing]:
        """The markets of the basket. Raises ValueError for one that there is not, or not of claims."""
        there = {m.name: m for m in game.state.claims[game.house(self.exchange).index]}
        wrong = [name for name in self.basket if name not in there]
        if wrong or not there:
            raise ValueError(f"basket = {list(self.basket)}: markets of claims there are {', '.join(there) or 'none'}")
        if len(set(self.basket)) < len(self.basket):
            raise ValueError(f"basket = {list(self.basket)}: each market once")
        return [there[name] for name in self.basket or there]

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """As every crowd; the first market's decision maker sees to who is ruined."""
        assert isinstance(me, CrowdPlayer)
        if self.reentry and (rows := me.memory.get("rows")):
            balance, seats = view.state.ledger.balance, me.seats
            mine = slice(seats.first, seats.first + self.count)
            cash = balance[seats.cash, mine]
            poor = np.flatnonzero((cash >= 0) & (cash < self.reentry * me.columns.stake))
            if len(poor):
                flat = ~balance[rows][:, poor + seats.first].any(axis=0)
                if flat.any():
                    self.bring_again(me, poor[flat])
        return super().act(me, view)
