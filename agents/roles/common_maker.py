"""The common maker: it quotes on several exchanges out of one purse, so that a loss on one makes it widen or leave on another.

Quotes are the `Maker`'s on each. Its aversion to risk falls with its purse, as under constant relative risk aversion (Pratt 1964),
and where an exchange's equity comes near maintenance its purse answers the call out of the others (`roles/purse.py`): so a loss
in one market leaves dearer and thinner quotes in markets that have nothing to do with it, a wealth effect (Kyle and Xiong 2001,
"Contagion as a wealth effect", Journal of Finance 56(4)). With `pooled` 0 each exchange has a purse of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player
from agents.roles.maker import Maker, desk_of
from agents.roles.purse import Pooled, tills
from agents.view import View
from protocol.settings import refusals
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.order_book import OrderBook

if TYPE_CHECKING:
    from agents.game import Game

WASTED = 0.05  # of what it brought: poorer than this its quotes are no wider


@dataclass(frozen=True)
class CommonMaker(Maker, Pooled):
    """Quotes in the first market of each of `exchanges` (none named: all), an equal part of nine tenths of its capital on each.

    It holds at most `most` times its equity there. Its risk is `risk` while its purse is what it brought, and grows with the
    `elasticity`-th power of what is lost of it (0: constant absolute risk aversion); it takes all quotes off once `drawdown` of the
    purse is lost.
    """

    most: float = 4.0
    slippage: float = 0.02
    elasticity: float = 1.0
    drawdown: float = 0.8

    def mistakes(self) -> list[str]:
        """As of a maker with a purse; and it makes markets of claims."""
        return super().mistakes() + refusals(
            self,
            elasticity=(self.elasticity >= 0, "0 or more"),
            drawdown=(0 < self.drawdown <= 1, "above 0 to 1, a share of what it brought"),
            base=(self.base == 0, "0: it makes markets of claims"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """A desk on each exchange."""
        houses = self.open_tills(me, game)
        listings = [game.state.claims[house.index][0] for house in houses]
        for listing in listings:
            if not isinstance(game.state.market(listing).venue, OrderBook | BatchAuction):
                raise ValueError(
                    f"exchanges: {listing.path} is no OrderBook and no BatchAuction, as a CommonMaker needs"
                )
        desks = [desk_of(listing, market=listing.path) for listing in listings]
        me.memory.update(desks=desks, brought=self.staked / len(houses))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Answer margin calls; when there are none, quote on every exchange as the purse allows."""
        memory, pool = me.memory, self.pool(me)
        if self.waits(me, view):
            return
        if moves := self.answers(me, view):
            yield from moves
            return
        worth = {one.house.name: max(0.0, one.worth) for one in tills(view, me.account, memory["houses"])}
        common = sum(worth[house.name] for house in pool) / len(pool) if pool else 0.0
        for house, desk in zip(memory["houses"], memory["desks"], strict=True):
            share = self.pooled if house in pool else 0.0
            left = (share * common + (1.0 - share) * worth[house.name]) / memory["brought"]
            if left < 1.0 - self.drawdown:
                yield from self.stand_aside(me, view, desk, left=left)
                continue
            risk = self.risk * max(left, WASTED) ** -self.elasticity
            yield from self.quoting(me, view, desk, self.most * worth[house.name], risk)
